"""Writing to any database in which rows are deleted and inserted in one transaction.

No staging table: the rows go to the table itself inside the one transaction that deletes the old ones and writes the
ledger row, so that nobody sees anything before the COMMIT and nothing is left behind by whatever ends it earlier. Where
a database commits with each change of a table's shape, such changes come first, by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.connector import SqlConnector
from resources.connectors.sql.names import LEDGER_TABLE
from resources.connectors.sql.sqlalchemy.connector import SqlalchemyConnector
from resources.connectors.sql.writing.columns import Column
from resources.connectors.sql.writing.modes import refused_mode
from resources.connectors.sql.writing.plan import FilledBy, TablePlan, TargetColumn
from resources.connectors.sql.writing.session import (
    LEDGER_COLUMNS,
    ExportJob,
    ExportSession,
    Outcome,
    ViewState,
)
from resources.kernel.errors import ConflictError, InputError, SchemaMismatchError

Found = TypeVar("Found")


@dataclass(frozen=True)
class WriteFacts:
    """How one database differs from the next.

    Args:
        ledger_types: SQL types of the ledger's columns.
        begin: what begins a transaction, where the driver does not by itself.
        locks: statements that keep other exports out until the COMMIT, and limit the wait for the table; `{ledger}`,
            `{name}`, `{seconds}`, `{milliseconds}` and `{lock_milliseconds}` are filled in.
        delete: how all rows of `{table}` go.
        ddl_commits: whether a change of a table's shape commits by itself.
        add_column: how `{table}` gets a column.
        rows_at_once: rows of one INSERT; 1 leaves it to the driver's own executemany.
        typed_binds: whether the driver must be told the types of values.
    """

    ledger_types: tuple[str, ...]
    begin: str = ""
    locks: tuple[str, ...] = ()
    delete: str = "DELETE FROM {table}"
    ddl_commits: bool = False
    add_column: str = "ALTER TABLE {table} ADD COLUMN {column}"
    rows_at_once: int = 1
    typed_binds: bool = False


class GenericSession(ExportSession):
    """One export over one connection."""

    def __init__(self, connector: SqlConnector, job: ExportJob, facts: WriteFacts) -> None:
        """Connects.

        Raises:
            InputError: the mode cannot be atomic there.
        """
        super().__init__(job)
        if not isinstance(connector, SqlalchemyConnector):
            raise TypeError(f"{type(connector).__name__} is not read through SQLAlchemy")
        config = connector.config
        reason = refused_mode(config.dialect, config.driver or "", job.request.mode)
        if not reason and facts.ddl_commits and job.request.on_schema_change == "recreate":
            reason = (
                "dropping a table commits by itself there: until the new rows come there is none"
            )
        if reason:
            raise InputError(f"{job.doing}: {reason}", hint="Choose mode `overwrite` or `append`")
        self.connector = connector
        self.facts = facts
        self.connection = connector.engine().connect()
        self._ledger = sa.Table(
            LEDGER_TABLE,
            sa.MetaData(),
            *(sa.Column(name) for name in LEDGER_COLUMNS),
            schema=job.table.schema,
        )

    def close(self) -> None:
        """Ends the connection; what is not committed is gone."""
        if self.connection.invalidated:
            self.connection.close()
            return
        try:
            self.connection.rollback()
        finally:
            self.connection.close()

    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement; see the base."""
        values = {f"p{number}": value for number, value in enumerate(parameters, 1)}
        text = sa.text(sql if parameters else sql.replace(":", "\\:"))
        result = self.connection.execute(text, values)
        return [tuple(row) for row in result.all()] if result.returns_rows else []

    def mark(self, number: int) -> str:
        """`:p1`."""
        return f":p{number}"

    def quote(self, name: str) -> str:
        """A name by the dialect's rule."""
        return self.connector.quote(name)

    def qualified(self, name: str) -> str:
        """A table of the target's schema, quoted."""
        schema = self.job.table.schema
        return f"{self.quote(schema)}.{self.quote(name)}" if schema else self.quote(name)

    def inspect(self, name: str) -> tuple[TargetColumn, ...] | None:
        """Columns of a table, or None; see the base."""
        schema = self.job.table.schema
        inspector = sa.inspect(self.connection)  # a new one: it remembers what it saw
        if not inspector.has_table(name, schema=schema):
            return None
        if name.casefold() in {view.casefold() for view in inspector.get_view_names(schema=schema)}:
            raise InputError(
                f"{self.job.doing}: {name} is a view, not a table",
                hint="Choose the name of a table, or a free one",
            )
        return self.target_columns(name)

    def target_columns(self, name: str) -> tuple[TargetColumn, ...]:
        """The columns of a table that is there."""
        found = sa.inspect(self.connection).get_columns(name, schema=self.job.table.schema)
        return tuple(_target_column(column, self.connection.dialect) for column in found)

    def existing_tables(self) -> set[str]:
        """Tables of the schema."""
        return set(sa.inspect(self.connection).get_table_names(schema=self.job.table.schema))

    def deliver(self) -> Outcome:
        """See the module's text."""
        self._prepare_ledger()
        if (done := self._in_transaction(self.find_delivery)) is not None:
            return done
        self.job.source.peek()
        if self.facts.ddl_commits:
            self._reshape_first()
        self._begin()
        if (done := self.find_delivery()) is not None:
            self.connection.rollback()
            return done
        target = self.inspect(self.job.table.name)
        self.refuse_empty(target)
        plan = self.plan(target)
        outcome = Outcome(added=tuple(c.name for c in plan.added), warnings=[*plan.warnings])
        outcome.swap = self._write(plan, target)
        outcome.rows = self.job.source.rows
        if self.job.request.mode == "timestamp":
            outcome.warnings += self.point_latest()
        self.record_delivery(outcome.rows)
        self.connection.commit()
        return outcome

    def _in_transaction(self, look: Callable[[], Found]) -> Found:
        try:
            return look()
        finally:
            self.connection.rollback()

    def _begin(self) -> None:
        """A transaction that no other export of this schema runs beside (E17)."""
        if self.facts.begin:
            self.connection.exec_driver_sql(self.facts.begin)
        settings = self.job.settings
        patience = settings.lock_timeout_seconds * settings.lock_attempts
        for statement in self.facts.locks:
            self.execute(
                statement.format(
                    ledger=self.qualified(LEDGER_TABLE),
                    seconds=max(1, round(settings.exporter_wait_seconds)),
                    milliseconds=max(1, round(settings.exporter_wait_seconds * 1000)),
                    lock_milliseconds=max(1, round(patience * 1000)),
                    name=self.job.request.table.name.replace("'", "''"),
                )
            )

    def _prepare_ledger(self) -> None:
        if self._in_transaction(self.has_ledger):
            return
        try:
            if self.facts.begin:
                self.connection.exec_driver_sql(self.facts.begin)
            if not self.has_ledger():
                self.create_ledger()
            self.connection.commit()
        except sa.exc.DBAPIError:
            self.connection.rollback()
            if not self._in_transaction(self.has_ledger):  # else another export has just made it
                raise

    def create_ledger(self) -> None:
        """Makes the ledger; see the base."""
        columns = ", ".join(
            f"{self.quote(name)} {kind} NOT NULL"
            for name, kind in zip(LEDGER_COLUMNS, self.facts.ledger_types, strict=True)
        )
        key = ", ".join(map(self.quote, ("exporter", "target", "run_id")))
        self.execute(
            f"CREATE TABLE {self.qualified(LEDGER_TABLE)} ({columns}, PRIMARY KEY ({key}))"
        )

    def find_delivery(self) -> Outcome | None:
        """What this run delivered before, if it did; see the base."""
        request, ledger = self.job.request, self._ledger.c
        statement = sa.select(ledger.rows).where(
            ledger.exporter == request.exporter,
            ledger.target == self.job.table.name,
            ledger.run_id == request.run_id,
        )
        row = self.connection.execute(statement).first()
        if row is None:
            return None
        outcome = Outcome(rows=int(row[0]), repeated=True)
        if self.inspect(self.job.table.name) is None:
            outcome.warnings.append(
                f"table {self.job.table} was delivered by this run and has been removed since"
            )
        return outcome

    def record_delivery(self, rows: int) -> None:
        """Writes the ledger row in the transaction of the rows; see the base."""
        moment = datetime.now(UTC).isoformat(sep=" ", timespec="microseconds")
        request = self.job.request
        values = (request.exporter, self.job.table.name, request.run_id, request.mode)
        row = dict(zip(LEDGER_COLUMNS, (*values, request.source, rows, moment), strict=True))
        self.connection.execute(sa.insert(self._ledger), row)

    def _reshape_first(self) -> None:
        """Makes or widens the table where that commits by itself: before any row moves."""
        target = self.inspect(self.job.table.name)
        self.refuse_empty(target)
        plan = self.plan(target)
        self.connection.rollback()
        self._reshape(plan)
        self.connection.commit()

    def _reshape(self, plan: TablePlan) -> None:
        table = self.qualified(self.job.table.name)
        if plan.action == "recreate":
            self.refuse_children(self._children(), replaces=True)
            self.execute(f"DROP TABLE {table}")
        if plan.action != "keep":
            columns = ", ".join(map(self._definition, self.job.columns))
            self.execute(f"CREATE TABLE {table} ({columns})")
        for column in plan.added:
            self.execute(self.facts.add_column.format(table=table, column=self._definition(column)))

    def _children(self) -> list[str]:
        """Tables of the same schema that refer to the target."""
        schema, name = self.job.table.schema, self.job.dialect.fold(self.job.table.name)
        keys = sa.inspect(self.connection).get_multi_foreign_keys(schema=schema)
        fold = self.job.dialect.fold
        return sorted(
            table
            for (_, table), found in keys.items()
            if fold(table) != name and any(fold(key["referred_table"]) == name for key in found)
        )

    def _definition(self, column: Column) -> str:
        return f"{self.quote(column.name)} {column.type.sql}"

    def _write(self, plan: TablePlan, target: Sequence[TargetColumn] | None) -> str:
        """The rows, in place of the old ones or beside them."""
        existed = target is not None
        if not self.facts.ddl_commits:
            self._reshape(plan)
        elif plan.action != "keep" or plan.added:
            raise SchemaMismatchError(
                f"{self.job.doing}: somebody changed the table meanwhile", hint="Try again"
            )
        table = self.qualified(self.job.table.name)
        replaces = existed and plan.action == "keep" and self.job.request.mode == "overwrite"
        if replaces:
            self.execute(self.facts.delete.format(table=table))
        before = 0 if self.job.request.mode == "overwrite" or not existed else self._count(table)
        self._insert(plan)
        after = self._count(table)
        if after - before < self.job.source.rows:
            self.check_stored(after - before)
        if after - before > self.job.source.rows:
            raise ConflictError(
                f"{self.job.doing}: another session wrote to the table meanwhile; the old rows stay",
                hint="Try again when it is done",
            )
        if self.job.request.mode != "append":
            self.check_arrived(plan, target, table)
        if replaces:
            return "delete+insert"
        return {"create": "create", "recreate": "recreate"}.get(plan.action, "insert")

    def _count(self, table: str) -> int:
        ((count,),) = self.execute(f"SELECT count(*) FROM {table}")
        return int(str(count))

    def _insert(self, plan: TablePlan) -> None:
        target = sa.Table(
            self.job.table.name,
            sa.MetaData(),
            *(
                sa.Column(name, self._bind_type(column), key=f"c{at}")
                for at, (column, name) in enumerate(plan.pairs)
            ),
            schema=self.job.table.schema,
        )
        statement = sa.insert(target)
        order = [column.name for column, _ in plan.pairs]
        for batch in self.job.source.batches():
            self._insert_batch(statement, batch.select(order))

    def _bind_type(self, column: Column) -> sa.types.TypeEngine[Any]:
        if self.facts.typed_binds:
            for matches, kind in _BIND_TYPES:
                if matches(column.type.wire):
                    return kind
        return sa.types.NullType()

    def _insert_batch(self, statement: sa.Insert, batch: pa.RecordBatch) -> None:
        values = [column.to_pylist() for column in batch.columns]
        keys = [f"c{at}" for at in range(len(values))]
        rows = [dict(zip(keys, row, strict=True)) for row in zip(*values, strict=True)]
        step = self.facts.rows_at_once
        try:
            if step == 1:
                self.connection.execute(statement, rows)
                return
            for start in range(0, len(rows), step):
                self.connection.execute(statement.values(rows[start : start + step]))
        except (sa.exc.DataError, sa.exc.IntegrityError) as error:
            raise self._refused(error) from error

    def _refused(self, error: sa.exc.DBAPIError) -> InputError:
        said = self.connector.config.redact(str(error.orig).splitlines()[0][:200])
        rows = self.job.source.rows
        return InputError(
            f"{self.job.doing}: the table refuses a value behind row {rows:,}: {said}",
            hint="The old rows stay. Change the value in a transform, or the table",
        )

    def view_state(self, name: str) -> ViewState:
        """By the marker that `replace_view` leaves."""
        schema = self.job.table.schema
        inspector = sa.inspect(self.connection)
        if not inspector.has_table(name, schema=schema):
            return "absent"
        if name not in inspector.get_view_names(schema=schema):
            return "foreign"
        return "ours" if self.job.view_marker in self.view_text(name) else "foreign"

    def view_text(self, name: str) -> str:
        """What holds the marker: the view's own text, in which these databases keep comments."""
        return str(sa.inspect(self.connection).get_view_definition(name, self.job.table.schema))

    def replace_view(self, name: str) -> list[str]:
        """Drops and makes the view in the running transaction."""
        view = self.qualified(name)
        if self.view_state(name) == "ours":
            self.execute(f"DROP VIEW {view}")
        table = self.qualified(self.job.table.name)
        self.execute(f"CREATE VIEW {view} AS /* {self.job.view_marker} */ SELECT * FROM {table}")
        return []

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless something needs it."""
        try:
            self.execute(f"DROP TABLE {self.qualified(name)}")
            self.connection.commit()
        except sa.exc.DBAPIError:
            self.connection.rollback()
            return f"table {name} is kept beyond its time: another session or object uses it"
        return None

    def retire(self, outcome: Outcome) -> None:
        """See the base; outside of the transaction that delivered."""
        super().retire(outcome)
        self.connection.rollback()


_BIND_TYPES: tuple[tuple[Callable[[pa.DataType], bool], sa.types.TypeEngine[Any]], ...] = (
    (pa.types.is_timestamp, sa.TIMESTAMP()),
    (pa.types.is_large_binary, sa.LargeBinary()),
    (pa.types.is_floating, sa.Double()),
)


def _target_column(column: Any, dialect: sa.Dialect) -> TargetColumn:
    filled: FilledBy = "nobody"
    if column.get("computed"):
        filled = "generated"
    elif column.get("identity") or column.get("autoincrement") is True:
        filled = "identity"
    elif column.get("default") is not None:
        filled = "default"
    try:
        kind = column["type"].compile(dialect=dialect)
    except sa.exc.CompileError:
        kind = "a type that SQLAlchemy does not know"
    return TargetColumn(column["name"], kind, not column.get("nullable", True), filled)
