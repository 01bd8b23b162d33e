"""The connection of an export through SQLAlchemy: statements, and what its inspector tells of the target's schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from resources.connectors.sql.names import LEDGER_TABLE
from resources.connectors.sql.sqlalchemy.write_facts import WriteFacts
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.ledger import LEDGER_COLUMNS, Ledger
from resources.connectors.sql.writing.plan import FilledBy, TargetColumn
from resources.connectors.sql.writing.session import WriteSession
from resources.kernel.errors import InputError

Found = TypeVar("Found")


class SqlalchemyWriteSession(WriteSession):
    """One connection. SQLAlchemy begins a transaction with the first statement.

    Args:
        connection: where to.
        job: the export.
        facts: how the database differs from the next.
        quote: its way of quoting names.
    """

    def __init__(
        self,
        connection: sa.Connection,
        job: ExportJob,
        facts: WriteFacts,
        quote: Callable[[str], str],
    ) -> None:
        super().__init__(job)
        self.connection = connection
        self.facts = facts
        self._quote = quote

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

    def begin(self) -> None:
        """Begins a transaction where the driver does not by itself."""
        if self.facts.begin:
            self.connection.exec_driver_sql(self.facts.begin)

    def look(self, question: Callable[[], Found]) -> Found:
        """The answer to a question in a transaction of its own."""
        try:
            return question()
        finally:
            self.connection.rollback()

    def mark(self, number: int) -> str:
        """`:p1`."""
        return f":p{number}"

    def quote(self, name: str) -> str:
        """A name by the dialect's rule."""
        return self._quote(name)

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

    def count_up_to(self, table: str, most: int) -> int:
        """See the base; in the dialect's own words for a limit."""
        rows = sa.select(sa.literal_column("1")).select_from(sa.text(table)).limit(most).subquery()
        return int(self.connection.scalar(sa.select(sa.func.count()).select_from(rows)) or 0)

    def existing_tables(self) -> set[str]:
        """Tables of the schema."""
        return set(sa.inspect(self.connection).get_table_names(schema=self.job.table.schema))

    def children(self) -> list[str]:
        """Tables of the same schema that refer to the target."""
        fold = self.job.dialect.fold
        schema, name = self.job.table.schema, fold(self.job.table.name)
        keys = sa.inspect(self.connection).get_multi_foreign_keys(schema=schema)
        return sorted(
            table
            for (_, table), found in keys.items()
            if fold(table) != name and any(fold(key["referred_table"]) == name for key in found)
        )


class SqlalchemyLedger(Ledger):
    """The ledger by SQLAlchemy's own statements, which quote and bind as each dialect wants it."""

    def __init__(self, session: SqlalchemyWriteSession) -> None:
        super().__init__(session, session.facts.ledger_types)
        self._connection = session.connection
        self._table = sa.Table(
            LEDGER_TABLE,
            sa.MetaData(),
            *(sa.Column(name) for name in LEDGER_COLUMNS),
            schema=session.job.table.schema,
        )

    def create(self) -> None:
        """Makes the ledger; see the base."""
        quote = self.session.quote
        columns = ", ".join(
            f"{quote(name)} {kind} NOT NULL"
            for name, kind in zip(LEDGER_COLUMNS, self.types, strict=True)
        )
        key = ", ".join(map(quote, ("exporter", "target", "run_id")))
        self.session.execute(
            f"CREATE TABLE {self.session.qualified(LEDGER_TABLE)} ({columns}, PRIMARY KEY ({key}))"
        )

    def rows_of_run(self) -> int | None:
        """How many rows this run has delivered; None when it has not."""
        request, ledger = self.job.request, self._table.c
        statement = sa.select(ledger.rows).where(
            ledger.exporter == request.exporter,
            ledger.target == self.job.table.name,
            ledger.run_id == request.run_id,
        )
        row = self._connection.execute(statement).first()
        return None if row is None else int(row[0])

    def record(self, rows: int) -> None:
        """Writes the row of this run; see the base."""
        row = dict(zip(LEDGER_COLUMNS, self.row(rows), strict=True))
        self._connection.execute(sa.insert(self._table), row)


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
