"""How the rows get into a PostgreSQL table: which way, under which lock, with which checks.

Runs inside the transaction that `delivery` opened; commits nothing.
"""

from __future__ import annotations

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.postgresql.conversion import check_casts, numbered
from resources.connectors.sql.postgresql.copy_in import copy_rows
from resources.connectors.sql.postgresql.refusals import check_kept, refuse_heirs
from resources.connectors.sql.postgresql.sequences import move_sequences
from resources.connectors.sql.postgresql.target import (
    find_children,
    find_dependents,
    find_table,
    find_triggers,
)
from resources.connectors.sql.postgresql.violations import value_errors, violation
from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession
from resources.connectors.sql.postgresql.written_types import text_limit
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.session import column_list, definition
from resources.connectors.sql.writing.target_writer import TargetWriter
from resources.kernel.errors import ConnectorError, InputError


class PostgresqlTargetWriter(TargetWriter[PostgresqlWriteSession]):
    """Writes the rows by the shortest way that is safe."""

    def write(self, outcome: Outcome) -> None:
        """Brings the rows into the table by the shortest way that is safe; notes it in `outcome`.

        Raises:
            ConflictError: another session holds or changed the table.
            InputError: rows of other tables would be changed, or a value does not fit.
            ConnectorAuthError: row security hides rows.
            IntegrityError: the table stored other than what was sent.
        """
        outcome.swap = self._write(outcome)
        if self.plan.action == "keep":
            outcome.warnings += move_sequences(self.session, self.plan, self._target_oid())

    def _write(self, outcome: Outcome) -> str:
        plan = self.plan
        if plan.action == "create" and plan.exact:
            self._create_table()
            self._load(self.job.table.name)
            return "create"
        hidden = self.examine()
        direct = plan.action == "keep" and plan.exact and not plan.added and not hidden
        look = self.session.patiently
        if direct and not (self.overwrites and look(lambda: self.old_rows(1), release=True)):
            return self._write_directly(outcome)
        if direct and not look(self._should_truncate, release=True):
            return self._write_over(outcome)
        return self._write_staged(outcome)

    def examine(self) -> bool:
        """Refuses a table that must not be written, or not be dropped; whether row security hides rows of it."""
        if self.plan.action == "keep":
            return check_kept(self.session, self._target_oid(), overwrites=self.overwrites)
        if self.plan.action == "recreate":
            self._refuse_drop(self._target_oid())
        return False

    def _write_staged(self, outcome: Outcome) -> str:
        """By way of a table of this transaction, so that the first value that does not fit is found before the target is touched."""
        staging = self.session.qualified(self.job.staging)
        self.session.execute(f"CREATE UNLOGGED TABLE {staging} ({self._staged()})")
        self._load(self.job.staging)
        self._check_text_lengths()
        check_casts(self.session, self.plan.casts, staging)
        swap = self.session.patiently(lambda: self._swap(outcome))
        self.session.execute(f"DROP TABLE {staging}")
        return swap

    def _staged(self) -> str:
        """The columns of the staging table: numbered where a value may turn out not to fit."""
        columns = definition([column for column, _ in self._in_table_order()], staged=True)
        return f"{columns}, {numbered(self.session)}" if self.plan.casts else columns

    def _write_directly(self, outcome: Outcome) -> str:
        """COPY into the table itself: it is empty, or its rows stay."""
        mode = "SHARE ROW EXCLUSIVE" if self.overwrites else "ROW EXCLUSIVE"
        lock = f"LOCK TABLE {self.table} IN {mode} MODE"
        self.session.patiently(lambda: self.session.execute(lock))
        if self.overwrites and self.old_rows(1):
            raise self.changed()
        self._load(self.job.table.name)
        if self.overwrites:
            self._check_arrived(outcome)
        return "insert"

    def _write_over(self, outcome: Outcome) -> str:
        """Rows that need no look on their way go where the old ones were: half the work of staging them."""
        way = self.session.patiently(lambda: self._make_room(truncates=False))
        self._load(self.job.table.name)
        self._check_arrived(outcome)
        return way

    def _check_arrived(self, outcome: Outcome) -> None:
        """Compares the rows in the table if a trigger may have changed them; changes are reported, not refused.

        Without one there is nothing to find: the table was seen empty under its lock, the server said how many rows it
        stored, and a value in its own type, or compared on its way, arrives as it was sent or not at all. Counting a
        table anew, old row versions among the new, costs a tenth of loading it.
        """
        triggers = find_triggers(self.session.execute, self._target_oid())
        if triggers:
            self.judge_losses(self.find_losses(self.table), triggers, outcome)

    def _load(self, table: str) -> None:
        staged = table == self.job.staging
        names = [column.name if staged else name for column, name in self.plan.pairs]
        into = f"{self.session.qualified(table)} ({column_list(names)})"
        try:
            stored = copy_rows(self.session.connection, into, self.job.columns, self.job.source)
        except value_errors() as error:
            raise violation(error, self.job) from error
        self.check_stored(stored)

    def _create_table(self) -> None:
        self.session.execute(f"CREATE TABLE {self.table} ({definition(self.job.columns)})")

    def _swap(self, outcome: Outcome) -> str:
        """The one step in which old rows go and new ones come."""
        way = "create" if self.plan.action == "create" else "insert"
        if self.plan.action == "recreate":
            outcome.warnings += self._drop_target()
            way = "recreate"
        if self.plan.action != "keep":
            self._create_table()
        else:
            way = self._make_room(truncates=self.overwrites and self._should_truncate())
        pairs = self._in_table_order()
        names = column_list([name for _, name in pairs])
        values = ", ".join(self._value(column, name) for column, name in pairs)
        self.check_stored(
            self.session.change(
                f"INSERT INTO {self.table} ({names}) OVERRIDING SYSTEM VALUE"
                f" SELECT {values} FROM {self.session.qualified(self.job.staging)}"
            )
        )
        if self.plan.action == "keep" and self.overwrites:
            self._check_arrived(outcome)
        return way

    def _in_table_order(self) -> list[tuple[WrittenColumn, str]]:
        """Columns as the table has them: rows of the same shape move over as they are."""
        order = {found.name: place for place, found in enumerate(self.target or ())}
        return sorted(self.plan.pairs, key=lambda pair: order.get(pair[1], len(order)))

    def _value(self, column: WrittenColumn, name: str) -> str:
        """A staged column as the table takes it: what a cast would change has been found before."""
        quoted = quote_identifier(column.name)
        if self.plan.action != "keep":
            return f"CAST({quoted} AS {column.type.sql})" if column.type.staged else quoted
        types = {found.name: found.type for found in self.target or ()}
        kind = types.get(name, column.type.sql)
        if column.name in self.plan.only_nulls:
            return f"CAST(NULL AS {kind})"
        return quoted if kind == column.staged else f"CAST({quoted} AS {kind})"

    def _make_room(self, *, truncates: bool) -> str:
        """Locks the table, widens it, removes the old rows."""
        table = self.table
        truncates = truncates and self._lock_alone()
        if not truncates:
            usual = "SHARE ROW EXCLUSIVE" if self.overwrites else "ROW EXCLUSIVE"
            mode = "ACCESS EXCLUSIVE" if self.plan.added else usual
            self.session.execute(f"LOCK TABLE {table} IN {mode} MODE")
        if self.session.inspect(self.job.table.name) != self.target:
            raise self.changed()
        for column in self.plan.added:
            self.session.execute(
                f"ALTER TABLE {table} ADD COLUMN {quote_identifier(column.name)} {column.type.sql}"
            )
        if truncates:
            self.session.execute(f"TRUNCATE TABLE {table}")
            return "truncate+insert"
        if not self.overwrites:
            return "insert"
        self.session.execute(f"DELETE FROM {table}")
        if self.old_rows(1):
            raise ConnectorError(
                f"{self.job.doing}: a trigger or rule of the table keeps its old rows; nothing changed",
                hint="Remove it, or choose another table",
            )
        return "delete+insert"

    def _should_truncate(self) -> bool:
        """More old rows than was asked for, the right to truncate, and no foreign key that forbids it.

        Never unless asked for: a transaction that began before sees an empty table, and no DELETE trigger fires.
        """
        asked, usual = self.job.request.truncate_above, self.job.settings.delete_limit_rows
        limit = usual if asked is None else asked
        if limit is None:
            return False
        oid = self._target_oid()
        ((may,),) = self.session.execute("SELECT has_table_privilege($1::oid, 'TRUNCATE')", oid)
        return (
            bool(may)
            and self.old_rows(limit + 1) > limit
            and not find_children(self.session.execute, oid)
        )

    def _lock_alone(self) -> bool:
        """Tries to lock the table for this session alone, and not for long: the next reader waits behind it."""
        return self.session.lock_briefly(f"LOCK TABLE {self.table} IN ACCESS EXCLUSIVE MODE")

    def _target_oid(self) -> int:
        oid = find_table(self.session.execute, self.session.schema, self.job.table.name)
        if oid is None:
            raise self.changed()
        return oid

    def _refuse_drop(self, oid: int) -> None:
        """Refuses to drop a table that others refer to or inherit from."""
        children = find_children(self.session.execute, oid)
        names = [f"{child.table} ({child.constraint})" for child in children]
        self.refuse_children(names)
        refuse_heirs(self.session, oid)

    def _check_text_lengths(self) -> None:
        """Finds texts that a `varchar(n)` would refuse or, if only blanks are over, cut in silence."""
        if self.plan.action != "keep":
            return
        types = {found.name: found.type for found in self.target or ()}
        for column, name in self.plan.pairs:
            limit = text_limit(types.get(name, ""))
            if limit is None or column.is_null:
                continue
            ((count,),) = self.session.execute(
                f"SELECT count(*) FROM {self.session.qualified(self.job.staging)}"
                f" WHERE char_length({quote_identifier(column.name)}) > {limit}"
            )
            if count:
                raise InputError(
                    f"{self.job.doing}: {count:,} texts of column {name!r} are longer than the"
                    f" {limit} characters of the table",
                    hint="Widen the column, or cut the texts in a transform",
                    column=name,
                )

    def _drop_target(self) -> list[str]:
        gone = find_dependents(self.session.execute, self._target_oid())
        self.session.execute(f"DROP TABLE {self.table} CASCADE")
        return self.gone(gone)
