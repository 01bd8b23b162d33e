"""Reading any database that SQLAlchemy has a driver for: the path that always works.

One connection, one transaction that is rolled back in the end, one statement whose rows are fetched a few at a time. A
dialect says in a subclass how it begins that transaction and what its driver tells about columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import (
    ExitStack,
    closing,
    contextmanager,
)
from typing import Any, ClassVar

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.browsing import table_entry
from resources.connectors.sql.connector import (
    is_internal,
    query_subject,
)
from resources.connectors.sql.query_text import (
    check_enclosable,
    check_query,
    split_with,
    with_literals,
)
from resources.connectors.sql.reading import (
    check_result_names,
    coalesced,
    pieces,
)
from resources.connectors.sql.sqlalchemy.column_types import (
    Seen,
    UnfitError,
    ValueColumn,
    as_text,
    widened,
)
from resources.connectors.sql.sqlalchemy.selection import (
    SourceSelect,
    bound_selection,
    fetched,
    run,
)
from resources.connectors.sql.sqlalchemy.session import SqlalchemySession
from resources.kernel.records import (
    BatchStream,
    BrowseEntry,
    Retype,
    SqlQuery,
    TableName,
    TableOrQuery,
)

_SYSTEM = frozenset({"information_schema", "sys", "guest", "mysql", "performance_schema"})
_HASH_BITS = 128


class SqlalchemyConnector(SqlalchemySession):
    """A database read through SQLAlchemy."""

    def plan(self, connection: sa.Connection, selection: SourceSelect) -> list[ValueColumn]:
        """The columns of a source as far as the driver can tell their types; no row is read."""
        nothing = SourceSelect(
            f"{selection.around('*', self.alias).sql} WHERE 1 = 0", selection.values
        )
        if not self.encloses:
            nothing = selection
        result = run(connection, nothing)
        try:
            return [self.plan_column(item) for item in result.cursor.description or ()]
        finally:
            result.close()

    def plan_column(self, described: Any) -> ValueColumn:
        """What one entry of the cursor's description means; nothing but a name where drivers differ."""
        return ValueColumn(str(described[0]))

    def probe(self) -> dict[str, str]:
        """Version and user, as far as the driver tells."""
        with self.session("connecting") as connection:
            run(connection, SourceSelect(self.probe_statement())).all()
            version = connection.dialect.server_version_info
        number = ".".join(map(str, version)) if version else "unknown"
        return {"version": f"{self.config.spec.title} {number}", "driver": self.url().drivername}

    def probe_statement(self) -> str:
        """The least that a database can be asked."""
        return "SELECT 1"

    def rights(self) -> str:
        """How many tables there are; whether each may be read no catalog tells in a way that all have."""
        return f"{len(self.list_tables()):,} tables and views can be seen"

    system_schemas: ClassVar[frozenset[str]] = frozenset()
    """Schemas that hold the system's own tables, in lower case."""

    def schemas(self) -> Sequence[str]:
        """Schemas of the database, the system's own left out; none where it has none."""
        with self.session("listing schemas") as connection:
            names = sa.inspect(connection).get_schema_names()
        wanted = self.config.db_schema
        return [
            name
            for name in sorted(names)
            if wanted in (None, name)
            and name.lower() not in _SYSTEM | self.system_schemas
            and not name.lower().startswith(("pg_", "crdb_"))
        ]

    def table_entries(self, schema: str | None) -> Iterable[BrowseEntry]:
        """Tables and views; how many rows they have no standard tells."""
        with self.session(f"listing schema {schema}") as connection:
            inspector = sa.inspect(connection)
            tables = inspector.get_table_names(schema=schema)
            views = inspector.get_view_names(schema=schema)
        entries = [table_entry(name, schema) for name in tables if name not in set(views)]
        return entries + [table_entry(name, schema, is_view=True) for name in views]

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views of the schema, in order of name."""
        with self.session("listing tables") as connection:
            return self._tables(connection)

    def describe(self, source: TableOrQuery) -> pa.Schema:
        """The Arrow schema of a table or query; all values are looked at where the driver names no types."""
        doing = f"describing {query_subject(source)}"
        with self.session(doing, source) as connection:
            columns = self._columns(connection, self._selection(connection, source), source)
        return _schema(columns)

    def fingerprint(self, source: TableOrQuery) -> str:
        """A checksum over all values, whatever their order, made here: every row comes over the network."""
        doing = f"fingerprinting {query_subject(source)}"
        with self.session(doing, source) as connection:
            selection = self._selection(connection, source)
            columns = self.plan(connection, selection)
            check_result_names(
                [c.name for c in columns], where=f"{self.label}: {query_subject(source)}"
            )
            total = count = 0
            statement = self._reading(selection, columns)
            for rows in fetched(run(connection, statement), self.most_rows):
                count += len(rows)
                total += sum(_row_hash(row) for row in rows)
        text = f"{[(c.name, str(c.type)) for c in columns]} {count} {total % 2**_HASH_BITS}"
        return f"h:{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    @contextmanager
    def read(self, source: TableOrQuery, *, batch_rows: int = 65_536) -> Iterator[BatchStream]:
        """Streams a table or query; see `TableConnector.read`.

        Raises:
            Retype: while iterating, when a value does not fit the type that the database named.
        """
        doing = f"reading {query_subject(source)}"
        with ExitStack() as stack:
            with self.translated(doing):
                connection = stack.enter_context(self.connected(source))
                selection = self._selection(connection, source)
                columns = self._columns(connection, selection, source)
            # A cursor that still stands on a row may keep what it reads locked.
            batches = stack.enter_context(
                closing(self._batches(connection, selection, columns, source, batch_rows))
            )
            guesses = [column.guess for column in columns if column.guess]
            # Outside `translated`: an error of the consumer of the batches is not the database's.
            yield BatchStream(_schema(columns), batches, guesses=guesses)

    def _batches(
        self,
        connection: sa.Connection,
        selection: SourceSelect,
        columns: Sequence[ValueColumn],
        source: TableOrQuery,
        batch_rows: int,
    ) -> Generator[pa.RecordBatch]:
        with self.translated(f"reading {query_subject(source)}"), self.remembering(source):
            raw = self.raw_batches(connection, self._reading(selection, columns), columns)
            for batch in coalesced(raw, batch_rows=batch_rows):
                yield from pieces(batch, batch_rows)

    def raw_batches(
        self, connection: sa.Connection, selection: SourceSelect, columns: Sequence[ValueColumn]
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a statement in batches of about `FETCH_BYTES`.

        Raises:
            Retype: values that an announced type cannot hold; all such columns are named, since the rest is then read
                only to look for more.
        """
        schema = _schema(columns)
        unfit: set[str] = set()
        for rows in fetched(run(connection, selection), self.most_rows):
            arrays = []
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                try:
                    arrays.append(column.convert(values))
                except UnfitError:
                    unfit.add(column.name)
            if not unfit:
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        if unfit:
            raise Retype(dict.fromkeys(sorted(unfit), "string"))

    def _columns(
        self, connection: sa.Connection, selection: SourceSelect, source: TableOrQuery
    ) -> list[ValueColumn]:
        columns = self.plan(connection, selection)
        check_result_names(
            [c.name for c in columns], where=f"{self.label}: {query_subject(source)}"
        )
        wide = self.columns_as_text(source)
        columns = [widened(column) if column.name in wide else column for column in columns]
        if all(column.type is not None for column in columns):
            return columns
        where = f"{self.label}: {query_subject(source)}"
        seen = [Seen() for _ in columns]
        result = run(connection, self._reading(selection, columns))
        for rows in fetched(result, self.most_rows):
            for noted, values in zip(seen, zip(*rows, strict=True), strict=True):
                noted.add(values)
        return [
            column
            if column.type is not None
            else noted.column(column.name, where=where, expression=column.expression)
            for column, noted in zip(columns, seen, strict=True)
        ]

    def _reading(self, selection: SourceSelect, columns: Sequence[ValueColumn]) -> SourceSelect:
        if not any(column.expression for column in columns):
            return selection
        items = []
        for column in columns:
            name = self.result_name(column.name)
            items.append(f"{column.expression} AS {name}" if column.expression else name)
        return selection.around(", ".join(items), self.alias)

    def result_name(self, name: str) -> str:
        """A column of a result, spelt exactly as the driver told it."""
        return str(self._preparer.quote_identifier(name))

    def _selection(self, connection: sa.Connection, source: TableOrQuery) -> SourceSelect:
        if isinstance(source, TableName):
            table = TableName(source.name, source.schema or self.config.db_schema)
            if not sa.inspect(connection).has_table(table.name, schema=table.schema):
                raise self.unknown_table(table, self._tables(connection))
            return SourceSelect(f"SELECT * FROM {self.table_sql(table)}")
        where = f"{self.label}: {query_subject(source)}"
        query = SqlQuery(source) if isinstance(source, str) else source
        text = check_query(query.text, where=where, syntax=self.syntax)
        check_enclosable(text, self.syntax, where=where)
        tables, statement = split_with(text, self.syntax, where=where)
        if tables:
            check_query(statement, where=where)
        return self.query_selection(SqlQuery(text, query.parameters), where=where)

    def query_selection(self, query: SqlQuery, *, where: str) -> SourceSelect:
        """The query as the driver takes it: with its values apart, or written into it."""
        if not self.binds:
            return self.enclosed(SourceSelect(with_literals(query, self.syntax, where=where)))
        return self.enclosed(bound_selection(query, self.syntax, where=where))

    def enclosed(self, selection: SourceSelect) -> SourceSelect:
        """A query between parentheses: what is no single SELECT is an error there (T17)."""
        return selection.around("*", self.alias) if self.encloses else selection

    def _tables(self, connection: sa.Connection) -> list[TableName]:
        inspector = sa.inspect(connection)
        schema = self.config.db_schema
        names = {
            *inspector.get_table_names(schema=schema),
            *inspector.get_view_names(schema=schema),
        }
        return [TableName(name, schema) for name in sorted(names) if not is_internal(name)]


def _row_hash(row: Sequence[Any]) -> int:
    text = repr([value if _is_plain(value) else _exact_text(value) for value in row])
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    )


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (int, str, float, bytes, bool)


def _exact_text(value: Any) -> str:
    kind = type(value).__name__
    return (
        f"{kind} {bytes(value)!r}"
        if isinstance(value, (bytearray, memoryview))
        else f"{kind} {as_text(value)}"
    )


def _schema(columns: Sequence[ValueColumn]) -> pa.Schema:
    return pa.schema([pa.field(column.name, column.type) for column in columns])
