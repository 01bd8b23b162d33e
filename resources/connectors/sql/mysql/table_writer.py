"""How the rows get into a MySQL table: which way, with which checks. The ways themselves are told in `mysql`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from resources.connectors.sql.mysql.conversion import check_casts, numbered
from resources.connectors.sql.mysql.load_data import load_rows
from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.writing.columns import Column
from resources.connectors.sql.writing.plan import TablePlan, TargetColumn
from resources.connectors.sql.writing.session import Outcome, column_list
from resources.kernel.errors import ConflictError, ConnectorError, InputError

if TYPE_CHECKING:
    from resources.connectors.sql.mysql.delivery import MysqlExport

_MOST_DELETED_ROWS = 1_000_000


class TableWriter:
    """Writes the rows of one export by one plan."""

    def __init__(
        self, session: MysqlExport, plan: TablePlan, target: Sequence[TargetColumn] | None
    ) -> None:
        self._session = session
        self._job = session.job
        self._plan = plan
        self._target = target
        self._copies_target = False

    def write(self, outcome: Outcome) -> None:
        """Brings the rows into the table by the shortest way that is safe; notes it in `outcome`.

        Raises:
            ConflictError: another session holds or changed the table.
            InputError: rows of other tables would be changed, or a value does not fit.
            IntegrityError: the table stored other than what was sent.
        """
        plan = self._plan
        if plan.action == "create":
            outcome.swap = self._write_new("create", self._definition())
            return
        self._check_children()
        if plan.action == "recreate":
            self._refuse_children()
            gone = self._session.catalog.dependents(self._job.table.name)
            outcome.swap = self._write_new("recreate", self._definition())
            if gone:
                outcome.warnings.append(
                    f"gone with the old table {self._job.table}: {', '.join(gone)}"
                )
            return
        self._check_engine()
        overwrites = self._job.request.mode == "overwrite"
        old = self._old_rows(self._delete_limit() + 1) if overwrites else 0
        if plan.exact and not plan.added:
            if not old:
                outcome.swap = self._write_directly(outcome, overwrites=overwrites)
                return
            if self._should_rename(old):
                table = self._session.qualified(self._job.table.name)
                self._copies_target = True
                outcome.swap = self._write_new("rename", f"LIKE {table}")
                return
        outcome.swap = self._write_staged(outcome, overwrites=overwrites)

    def _write_new(self, way: str, definition: str) -> str:
        """Rows and ledger row in one transaction, then a renaming that a retry can do, too."""
        session, staging = self._session, self._session.qualified(self._job.staging)
        session.execute(f"CREATE TABLE {staging} {definition}")
        try:
            session.execute("START TRANSACTION")
            self._load(self._job.staging)
            session.check_arrived(self._plan, self._target, staging)
            if way == "rename":
                self._check_unchanged()
            if way != "create":
                self._refuse_children()
            session.commit(self._job.source.rows)
        except BaseException:
            # The run has not delivered: its staging table goes, if the line still holds.
            session.forget(staging)
            raise
        session.swap_in(self._job.staging, replaces=way != "create")
        return way

    def _write_directly(self, outcome: Outcome, *, overwrites: bool) -> str:
        """Into the table itself: it is empty, or its rows stay."""

        def begin() -> None:
            self._session.execute("START TRANSACTION")
            if overwrites and self._is_occupied(lock=True):
                raise self._changed()

        self._session.patiently(begin)
        self._load(self._job.table.name)
        if overwrites:
            self._check_arrived(self._session.qualified(self._job.table.name), outcome)
        self._session.commit(self._job.source.rows)
        return "insert"

    def _write_staged(self, outcome: Outcome, *, overwrites: bool) -> str:
        """By way of a table that only this session sees, and that goes with it."""
        session, name = self._session, self._job.staging
        staging = session.qualified(name)
        casts = self._plan.casts
        session.execute(f"CREATE TEMPORARY TABLE {staging} {self._definition(numbers=bool(casts))}")
        self._load(name)
        check_casts(session, casts, staging)
        self._check_unchanged()
        table = session.qualified(self._job.table.name)
        if self._plan.added:
            columns = ", ".join(
                f"ADD COLUMN {quote_identifier(c.name)} {c.type.sql} NULL" for c in self._plan.added
            )
            session.patiently(lambda: session.execute(f"ALTER TABLE {table} {columns}"))

        def swap() -> None:
            session.execute("START TRANSACTION")
            if overwrites:
                session.execute(f"DELETE FROM {table}")
                if self._is_occupied(lock=True):
                    raise ConnectorError(
                        f"{self._job.doing}: a trigger of the table keeps its old rows; nothing changed",
                        hint="Remove it, or choose another table",
                    )
            names = column_list([name for _, name in self._plan.pairs])
            sent = ", ".join(self._value(column) for column, _ in self._plan.pairs)
            session.check_stored(
                session.change(f"INSERT INTO {table} ({names}) SELECT {sent} FROM {staging}")
            )
            if overwrites:
                self._check_arrived(table, outcome)
            session.commit(self._job.source.rows)

        session.patiently(swap)
        return "delete+insert" if overwrites else "insert"

    def _value(self, column: Column) -> str:
        """A staged column as the table takes it."""
        is_empty = column.name in self._plan.only_nulls
        return "NULL" if is_empty else quote_identifier(column.name)

    def _check_arrived(self, table: str, outcome: Outcome) -> None:
        """Looks at the rows where they lie. What a trigger of the table changes is told, not refused."""
        losses = self._session.find_losses(self._plan, self._target, table)
        triggers = self._session.catalog.triggers(self._job.table.name)
        if losses and triggers:
            outcome.warnings.append(
                f"table {self._job.table}: trigger {', '.join(triggers)} changed the rows: {'; '.join(losses)}"
            )
            return
        self._session.refuse_losses(losses)

    def _load(self, table: str) -> None:
        """All rows into the table itself, a copy of it, or a staging table with the names of the data."""
        as_target = table == self._job.table.name or self._copies_target
        names = [name if as_target else column.name for column, name in self._plan.pairs]
        into = f"{self._session.qualified(table)} ({column_list(names)})"
        self._session.check_stored(load_rows(self._session, into))
        self._session.refuse_filled(self._plan, self._target)

    def _definition(self, *, numbers: bool = False) -> str:
        columns = [f"{quote_identifier(c.name)} {c.type.sql} NULL" for c in self._job.columns]
        listed = ", ".join([numbered(self._session), *columns] if numbers else columns)
        return f"({listed}) ENGINE = InnoDB CHARACTER SET utf8mb4"

    def _should_rename(self, old: int) -> bool:
        """Many old rows, and nothing that hangs on this very table."""
        return old > self._delete_limit() and not self._session.catalog.is_tied(
            self._job.table.name
        )

    def _delete_limit(self) -> int:
        limit = self._job.settings.delete_limit_rows
        return _MOST_DELETED_ROWS if limit is None else limit

    def _old_rows(self, most: int) -> int:
        """How many rows the table holds, counted up to `most`."""
        table = self._session.qualified(self._job.table.name)
        ((count,),) = self._session.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {most}) AS old"
        )
        return int(str(count))

    def _is_occupied(self, *, lock: bool) -> bool:
        """Whether there is any row; with the lock nobody can add one before this transaction ends."""
        table = self._session.qualified(self._job.table.name)
        return bool(self._session.execute(f"SELECT 1 FROM {table} LIMIT 1{' FOR UPDATE' * lock}"))

    def _check_unchanged(self) -> None:
        if self._session.inspect(self._job.table.name) != self._target:
            raise self._changed()

    def _changed(self) -> ConflictError:
        return ConflictError(
            f"{self._job.doing}: somebody changed the table meanwhile; nothing was written",
            hint="Try again",
        )

    def _check_engine(self) -> None:
        if not self._session.catalog.is_transactional(self._job.table.name):
            raise InputError(
                f"{self._job.doing}: the table's engine knows no transactions, so that a reader could see"
                " it half written",
                hint="ALTER TABLE ... ENGINE = InnoDB, or choose another table",
            )

    def _refuse_children(self) -> None:
        """Refuses to put another table in the place of one that others refer to: they would keep the old one."""
        children = self._session.catalog.children(self._job.table.name)
        names = [f"{child.table} ({child.constraint})" for child in children]
        self._session.refuse_children(names, replaces=True)

    def _check_children(self) -> None:
        """Refuses to delete rows that another table's rows would follow (E13, E49)."""
        if self._job.request.mode != "overwrite":
            return
        for child in self._session.catalog.children(self._job.table.name):
            if child.deletes:
                raise InputError(
                    f"{self._job.doing}: table {child.table} refers to it by {child.constraint}"
                    f" ON DELETE {child.deletes}: overwriting would change that table's rows",
                    hint="Choose mode `append`, or drop that constraint",
                    child=child.table,
                )
