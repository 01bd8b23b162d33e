"""How the rows get into a PostgreSQL table: which way, under which lock, with which checks.

Runs inside the transaction that `postgresql` opened; commits nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.postgresql.conversion import check_casts, numbered
from resources.connectors.sql.postgresql.copy_in import copy_rows
from resources.connectors.sql.postgresql.sequences import move_sequences
from resources.connectors.sql.postgresql.target import (
    find_children,
    find_dependents,
    find_heirs,
    find_rules,
    find_table,
    find_triggers,
    hides_rows,
)
from resources.connectors.sql.postgresql.violations import value_errors, violation
from resources.connectors.sql.postgresql.written_types import text_limit
from resources.connectors.sql.writing.columns import Column
from resources.connectors.sql.writing.plan import TablePlan, TargetColumn
from resources.connectors.sql.writing.session import Outcome, column_list, definition
from resources.kernel.errors import ConflictError, ConnectorAuthError, ConnectorError, InputError

if TYPE_CHECKING:
    from resources.connectors.sql.postgresql.delivery import PostgresqlSession


class TableWriter:
    """Writes the rows of one export by one plan."""

    def __init__(
        self,
        session: PostgresqlSession,
        plan: TablePlan,
        target: Sequence[TargetColumn] | None,
    ) -> None:
        self._session = session
        self._job = session.job
        self._plan = plan
        self._target = target

    def write(self, outcome: Outcome) -> None:
        """Brings the rows into the table by the shortest way that is safe; notes it in `outcome`.

        Raises:
            ConflictError: another session holds or changed the table.
            InputError: rows of other tables would be changed, or a value does not fit.
            ConnectorAuthError: row security hides rows.
            IntegrityError: the table stored other than what was sent.
        """
        outcome.swap = self._write(outcome)
        if self._plan.action == "keep":
            outcome.warnings += move_sequences(self._session, self._plan, self._target_oid())

    def _write(self, outcome: Outcome) -> str:
        plan = self._plan
        if plan.action == "create" and plan.exact:
            self._create_table()
            self._load(self._job.table.name)
            return "create"
        overwrites = self._job.request.mode == "overwrite"
        direct = False
        if plan.action == "keep":
            oid = self._target_oid()
            hidden = hides_rows(self._session.execute, oid)
            self._check_row_security(hidden=hidden and overwrites)
            self._check_children(oid)
            self._check_rules(oid)
            direct = plan.exact and not plan.added and not hidden
        if plan.action == "recreate":
            self._refuse_drop(self._target_oid())
        look = self._session.patiently
        if direct and not (overwrites and look(lambda: self._old_rows(1), release=True)):
            return self._write_directly(outcome, overwrites=overwrites)
        if direct and not look(self._should_truncate, release=True):
            return self._write_over(outcome)
        staging = self._session.qualified(self._job.staging)
        self._session.execute(f"CREATE UNLOGGED TABLE {staging} ({self._staged()})")
        self._load(self._job.staging)
        self._check_text_lengths()
        check_casts(self._session, plan.casts, staging)
        swap = self._session.patiently(lambda: self._swap(outcome))
        self._session.execute(f"DROP TABLE {staging}")
        return swap

    def _staged(self) -> str:
        """The columns of the staging table: numbered where a value may turn out not to fit."""
        columns = definition([column for column, _ in self._in_table_order()], staged=True)
        return f"{columns}, {numbered(self._session)}" if self._plan.casts else columns

    def _write_directly(self, outcome: Outcome, *, overwrites: bool) -> str:
        """COPY into the table itself: it is empty, or its rows stay."""
        mode = "SHARE ROW EXCLUSIVE" if overwrites else "ROW EXCLUSIVE"
        table = self._session.qualified(self._job.table.name)
        self._session.patiently(lambda: self._session.execute(f"LOCK TABLE {table} IN {mode} MODE"))
        if overwrites and self._old_rows(1):
            raise self._changed()
        self._load(self._job.table.name)
        if overwrites:
            self._check_arrived(table, outcome)
        return "insert"

    def _write_over(self, outcome: Outcome) -> str:
        """Rows that need no look on their way go where the old ones were: half the work of staging them."""
        table = self._session.qualified(self._job.table.name)
        way = self._session.patiently(lambda: self._make_room(table, truncates=False))
        self._load(self._job.table.name)
        self._check_arrived(table, outcome)
        return way

    def _check_arrived(self, table: str, outcome: Outcome) -> None:
        """Looks at the rows where they lie if a trigger of the table may have changed them; that is told, not refused.

        Without one there is nothing to find: the table was seen empty under its lock, the server said how many rows it
        stored, and a value in its own type, or compared on its way, arrives as it was sent or not at all. Counting a
        table anew, old row versions among the new, costs a tenth of loading it.
        """
        triggers = find_triggers(self._session.execute, self._target_oid())
        if not triggers:
            return
        losses = self._session.find_losses(self._plan, self._target, table)
        if losses:
            outcome.warnings.append(
                f"table {self._job.table}: trigger {', '.join(triggers)} changed the rows: {'; '.join(losses)}"
            )

    def _load(self, table: str) -> None:
        staged = table == self._job.staging
        names = [column.name if staged else name for column, name in self._plan.pairs]
        into = f"{self._session.qualified(table)} ({column_list(names)})"
        try:
            stored = copy_rows(self._session.connection, into, self._job.columns, self._job.source)
        except value_errors() as error:
            raise violation(error, self._job) from error
        self._session.check_stored(stored)

    def _create_table(self) -> None:
        self._session.execute(
            f"CREATE TABLE {self._session.qualified(self._job.table.name)} ({definition(self._job.columns)})"
        )

    def _swap(self, outcome: Outcome) -> str:
        """The one step in which old rows go and new ones come."""
        table = self._session.qualified(self._job.table.name)
        way = "create" if self._plan.action == "create" else "insert"
        if self._plan.action == "recreate":
            outcome.warnings += self._drop_target(table)
            way = "recreate"
        if self._plan.action != "keep":
            self._create_table()
        else:
            overwrites = self._job.request.mode == "overwrite"
            way = self._make_room(table, truncates=overwrites and self._should_truncate())
        pairs = self._in_table_order()
        names = column_list([name for _, name in pairs])
        values = ", ".join(self._value(column, name) for column, name in pairs)
        self._session.check_stored(
            self._session.count(
                f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE"
                f" SELECT {values} FROM {self._session.qualified(self._job.staging)}"
            )
        )
        if self._plan.action == "keep" and self._job.request.mode == "overwrite":
            self._check_arrived(table, outcome)
        return way

    def _in_table_order(self) -> list[tuple[Column, str]]:
        """Columns as the table has them: rows of the same shape move over as they are."""
        order = {found.name: place for place, found in enumerate(self._target or ())}
        return sorted(self._plan.pairs, key=lambda pair: order.get(pair[1], len(order)))

    def _value(self, column: Column, name: str) -> str:
        """A staged column as the table takes it: what a cast would change has been found before."""
        quoted = quote_identifier(column.name)
        if self._plan.action != "keep":
            return f"CAST({quoted} AS {column.type.sql})" if column.type.staged else quoted
        types = {found.name: found.type for found in self._target or ()}
        kind = types.get(name, column.type.sql)
        if column.name in self._plan.only_nulls:
            return f"CAST(NULL AS {kind})"
        return quoted if kind == column.staged else f"CAST({quoted} AS {kind})"

    def _make_room(self, table: str, *, truncates: bool) -> str:
        """Locks the table, widens it, removes the old rows."""
        overwrites = self._job.request.mode == "overwrite"
        truncates = truncates and self._lock_alone(table)
        if not truncates:
            usual = "SHARE ROW EXCLUSIVE" if overwrites else "ROW EXCLUSIVE"
            mode = "ACCESS EXCLUSIVE" if self._plan.added else usual
            self._session.execute(f"LOCK TABLE {table} IN {mode} MODE")
        if self._session.inspect(self._job.table.name) != self._target:
            raise self._changed()
        for column in self._plan.added:
            self._session.execute(
                f"ALTER TABLE {table} ADD COLUMN {quote_identifier(column.name)} {column.type.sql}"
            )
        if truncates:
            self._session.execute(f"TRUNCATE TABLE {table}")
            return "truncate+insert"
        if not overwrites:
            return "insert"
        self._session.execute(f"DELETE FROM {table}")
        if self._old_rows(1):
            raise ConnectorError(
                f"{self._job.doing}: a trigger or rule of the table keeps its old rows; nothing changed",
                hint="Remove it, or choose another table",
            )
        return "delete+insert"

    def _should_truncate(self) -> bool:
        """More old rows than was asked for, the right to truncate, and nobody's foreign key that forbids it.

        Never unless asked for: a transaction that began before sees an empty table, and no DELETE trigger fires.
        """
        asked, usual = self._job.request.truncate_above, self._job.settings.delete_limit_rows
        limit = usual if asked is None else asked
        if limit is None:
            return False
        oid = self._target_oid()
        ((may,),) = self._session.execute("SELECT has_table_privilege($1::oid, 'TRUNCATE')", oid)
        return (
            bool(may)
            and self._old_rows(limit + 1) > limit
            and not find_children(self._session.execute, oid)
        )

    def _lock_alone(self, table: str) -> bool:
        """Tries to have the table for this session alone, and not for long: whoever reads next waits behind it."""
        return self._session.lock_briefly(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")

    def _old_rows(self, most: int) -> int:
        """How many rows the table holds, counted up to `most`."""
        table = self._session.qualified(self._job.table.name)
        ((count,),) = self._session.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {most}) AS old"
        )
        return int(str(count))

    def _target_oid(self) -> int:
        oid = find_table(self._session.execute, self._session.schema, self._job.table.name)
        if oid is None:
            raise self._changed()
        return oid

    def _changed(self) -> ConflictError:
        return ConflictError(
            f"{self._job.doing}: somebody changed the table meanwhile; nothing was written",
            hint="Try again",
        )

    def _check_row_security(self, *, hidden: bool) -> None:
        if hidden:
            raise ConnectorAuthError(
                f"{self._job.doing}: row security hides rows of the table from this user, so that old rows"
                " would stay between the new ones",
                hint="Export as the table's owner, or grant the user BYPASSRLS",
            )

    def _check_children(self, oid: int) -> None:
        """Refuses to delete rows that another table's rows would follow (E13, E49)."""
        if self._job.request.mode != "overwrite":
            return
        for child in find_children(self._session.execute, oid):
            if child.deletes:
                raise InputError(
                    f"{self._job.doing}: table {child.table} refers to it by {child.constraint}"
                    f" {child.deletes}: overwriting would change that table's rows",
                    hint="Choose mode `append`, or drop that constraint",
                    child=child.table,
                )

    def _check_rules(self, oid: int) -> None:
        """Refuses a table whose rows would end up elsewhere, or whose heirs' rows would go with its own (E13)."""
        rules = find_rules(self._session.execute, oid)
        if rules:
            raise InputError(
                f"{self._job.doing}: the table's rule {', '.join(rules)} rewrites an INSERT or DELETE: rows would be"
                " elsewhere, and COPY runs no rule",
                hint="Use a trigger instead of the rule, or export to the table that the rule writes to",
                rules=rules,
            )
        if self._job.request.mode == "overwrite":
            self._refuse_heirs(oid)

    def _refuse_heirs(self, oid: int) -> None:
        heirs = find_heirs(self._session.execute, oid)
        if heirs:
            raise InputError(
                f"{self._job.doing}: tables inherit from it ({', '.join(heirs[:5])}): overwriting would delete"
                " their rows, too",
                hint="Choose mode `append`, a partitioned table, or another table",
                heirs=heirs,
            )

    def _refuse_drop(self, oid: int) -> None:
        """Refuses to drop a table that others refer to or inherit from."""
        children = find_children(self._session.execute, oid)
        names = [f"{child.table} ({child.constraint})" for child in children]
        self._session.refuse_children(names, replaces=True)
        self._refuse_heirs(oid)

    def _check_text_lengths(self) -> None:
        """Finds texts that a `varchar(n)` would refuse or, if only blanks are over, cut in silence."""
        if self._plan.action != "keep":
            return
        types = {found.name: found.type for found in self._target or ()}
        for column, name in self._plan.pairs:
            limit = text_limit(types.get(name, ""))
            if limit is None or column.is_null:
                continue
            ((count,),) = self._session.execute(
                f"SELECT count(*) FROM {self._session.qualified(self._job.staging)}"
                f" WHERE char_length({quote_identifier(column.name)}) > {limit}"
            )
            if count:
                raise InputError(
                    f"{self._job.doing}: {count:,} texts of column {name!r} are longer than the"
                    f" {limit} characters of the table",
                    hint="Widen the column, or cut the texts in a transform",
                    column=name,
                )

    def _drop_target(self, table: str) -> list[str]:
        oid = self._target_oid()
        gone = find_dependents(self._session.execute, oid)
        self._session.execute(f"DROP TABLE {table} CASCADE")
        return [f"gone with the old table {self._job.table}: {', '.join(gone)}"] if gone else []
