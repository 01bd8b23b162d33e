"""How the rows get into a MySQL table: which way, with which checks. The ways themselves are told in `delivery`."""

from __future__ import annotations

from collections.abc import Sequence

from resources.connectors.sql.mysql.conversion import check_casts, numbered
from resources.connectors.sql.mysql.load_data import load_rows
from resources.connectors.sql.mysql.write_session import MysqlWriteSession
from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.plan import TablePlan, TargetColumn
from resources.connectors.sql.writing.session import column_list
from resources.connectors.sql.writing.target_writer import TargetWriter
from resources.kernel.errors import ConnectorError, InputError

_MOST_DELETED_ROWS = 1_000_000


class MysqlTargetWriter(TargetWriter[MysqlWriteSession]):
    """Writes the rows by the shortest way that is safe.

    It ends its own transaction, and writes the ledger row into it: what comes after, a renaming, cannot be part of one.
    """

    def __init__(
        self,
        session: MysqlWriteSession,
        plan: TablePlan,
        target: Sequence[TargetColumn] | None,
        ledger: Ledger,
    ) -> None:
        super().__init__(session, plan, target)
        self._ledger = ledger
        self._copies_target = False

    def write(self, outcome: Outcome) -> None:
        """Brings the rows into the table by the shortest way that is safe; notes it in `outcome`.

        Raises:
            ConflictError: another session holds or changed the table.
            InputError: rows of other tables would be changed, or a value does not fit.
            IntegrityError: the table stored other than what was sent.
        """
        outcome.swap = self._write(outcome)

    def _write(self, outcome: Outcome) -> str:
        plan = self.plan
        if plan.action == "create":
            return self._write_new("create", self._definition())
        self._check_children()
        if plan.action == "recreate":
            return self._recreate(outcome)
        self._check_engine()
        old = self.old_rows(self._delete_limit() + 1) if self.overwrites else 0
        if plan.exact and not plan.added:
            if not old:
                return self._write_directly(outcome)
            if self._should_rename(old):
                self._copies_target = True
                return self._write_new("rename", f"LIKE {self.table}")
        return self._write_staged(outcome)

    def _recreate(self, outcome: Outcome) -> str:
        self._refuse_referred()
        gone = self.session.catalog.dependents(self.job.table.name)
        way = self._write_new("recreate", self._definition())
        outcome.warnings += self.gone(gone)
        return way

    def _commit(self) -> None:
        """Writes the ledger row into the running transaction, and ends it: now the run has delivered."""
        self._ledger.record(self.job.source.rows)
        self.session.execute("COMMIT")

    def _write_new(self, way: str, definition: str) -> str:
        """Rows and ledger row in one transaction, then a renaming that a retry can do, too."""
        session, staging = self.session, self.session.qualified(self.job.staging)
        session.execute(f"CREATE TABLE {staging} {definition}")
        try:
            session.execute("START TRANSACTION")
            self._load(self.job.staging)
            self.check_arrived(staging)
            if way == "rename":
                self._check_unchanged()
            if way != "create":
                self._refuse_referred()
            self._commit()
        except BaseException:
            # The run has not delivered: its staging table goes, if the line still holds.
            session.forget(staging)
            raise
        session.swap_in(self.job.staging, replaces=way != "create")
        return way

    def _write_directly(self, outcome: Outcome) -> str:
        """Into the table itself: it is empty, or its rows stay."""

        def begin() -> None:
            self.session.execute("START TRANSACTION")
            if self.overwrites and self._is_occupied():
                raise self.changed()

        self.session.patiently(begin)
        self._load(self.job.table.name)
        if self.overwrites:
            self._check_arrived(outcome)
        self._commit()
        return "insert"

    def _write_staged(self, outcome: Outcome) -> str:
        """By way of a table that only this session sees, and that goes with it."""
        session, casts = self.session, self.plan.casts
        staging = session.qualified(self.job.staging)
        session.execute(f"CREATE TEMPORARY TABLE {staging} {self._definition(numbers=bool(casts))}")
        self._load(self.job.staging)
        check_casts(session, casts, staging)
        self._check_unchanged()
        if self.plan.added:
            columns = ", ".join(
                f"ADD COLUMN {quote_identifier(c.name)} {c.type.sql} NULL" for c in self.plan.added
            )
            widen = f"ALTER TABLE {self.table} {columns}"
            session.patiently(lambda: session.execute(widen))
        session.patiently(lambda: self._move(staging, outcome))
        return "delete+insert" if self.overwrites else "insert"

    def _move(self, staging: str, outcome: Outcome) -> None:
        """The one transaction in which old rows go and new ones come."""
        session, table = self.session, self.table
        session.execute("START TRANSACTION")
        if self.overwrites:
            session.execute(f"DELETE FROM {table}")
            if self._is_occupied():
                raise ConnectorError(
                    f"{self.job.doing}: a trigger of the table keeps its old rows; nothing changed",
                    hint="Remove it, or choose another table",
                )
        names = column_list([name for _, name in self.plan.pairs])
        sent = ", ".join(self._value(column) for column, _ in self.plan.pairs)
        self.check_stored(
            session.change(f"INSERT INTO {table} ({names}) SELECT {sent} FROM {staging}")
        )
        if self.overwrites:
            self._check_arrived(outcome)
        self._commit()

    def _value(self, column: WrittenColumn) -> str:
        """A staged column as the table takes it."""
        is_empty = column.name in self.plan.only_nulls
        return "NULL" if is_empty else quote_identifier(column.name)

    def _check_arrived(self, outcome: Outcome) -> None:
        """Looks at the rows where they lie."""
        losses = self.find_losses(self.table)
        triggers = self.session.catalog.triggers(self.job.table.name)
        self.judge_losses(losses, triggers, outcome)

    def _load(self, table: str) -> None:
        """All rows into the table itself, a copy of it, or a staging table with the names of the data."""
        as_target = table == self.job.table.name or self._copies_target
        names = [name if as_target else column.name for column, name in self.plan.pairs]
        into = f"{self.session.qualified(table)} ({column_list(names)})"
        self.check_stored(load_rows(self.session, into))
        self.refuse_filled()

    def _definition(self, *, numbers: bool = False) -> str:
        columns = [f"{quote_identifier(c.name)} {c.type.sql} NULL" for c in self.job.columns]
        listed = ", ".join([numbered(self.session), *columns] if numbers else columns)
        return f"({listed}) ENGINE = InnoDB CHARACTER SET utf8mb4"

    def _should_rename(self, old: int) -> bool:
        """Many old rows, and nothing that hangs on this very table."""
        return old > self._delete_limit() and not self.session.catalog.is_tied(self.job.table.name)

    def _delete_limit(self) -> int:
        limit = self.job.settings.delete_limit_rows
        return _MOST_DELETED_ROWS if limit is None else limit

    def _is_occupied(self) -> bool:
        """Whether there is any row; none can be added before this transaction ends."""
        return bool(self.session.execute(f"SELECT 1 FROM {self.table} LIMIT 1 FOR UPDATE"))

    def _check_unchanged(self) -> None:
        if self.session.inspect(self.job.table.name) != self.target:
            raise self.changed()

    def _check_engine(self) -> None:
        if not self.session.catalog.is_transactional(self.job.table.name):
            raise InputError(
                f"{self.job.doing}: the table's engine knows no transactions, so that a reader could see"
                " it half written",
                hint="ALTER TABLE ... ENGINE = InnoDB, or choose another table",
            )

    def _refuse_referred(self) -> None:
        """Refuses to put another table in the place of one that others refer to: they would keep the old one."""
        children = self.session.catalog.children(self.job.table.name)
        names = [f"{child.table} ({child.constraint})" for child in children]
        self.refuse_children(names)

    def _check_children(self) -> None:
        """Refuses to delete rows that another table's rows would follow (E13, E49)."""
        if not self.overwrites:
            return
        for child in self.session.catalog.children(self.job.table.name):
            if child.deletes:
                raise InputError(
                    f"{self.job.doing}: table {child.table} refers to it by {child.constraint}"
                    f" ON DELETE {child.deletes}: overwriting would change that table's rows",
                    hint="Choose mode `append`, or drop that constraint",
                    child=child.table,
                )
