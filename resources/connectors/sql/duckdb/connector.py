"""The DuckDB connector: the engine's own Arrow stream from a file opened read-only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import ClassVar

import duckdb
import pyarrow as pa

from resources.connectors.sql.browsing import table_entry
from resources.connectors.sql.config import Dialect
from resources.connectors.sql.connector import (
    DatabaseConnector,
    interrupted_after,
    is_internal,
    query_subject,
)
from resources.connectors.sql.duckdb.column_types import DuckdbColumn, plan_duckdb_columns
from resources.connectors.sql.duckdb.delivery import look_at_delivery, open_delivery
from resources.connectors.sql.duckdb.written_types import DIALECT
from resources.connectors.sql.errors import duckdb_error
from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.query_text import DUCKDB
from resources.connectors.sql.reading import (
    ReadPlan,
    checked_batches,
    coalesced,
    free_name,
    plan_columns,
)
from resources.connectors.sql.writing.run import Deliverer
from resources.kernel.errors import InputError, NotFoundError, WaybillError
from resources.kernel.records import BatchStream, BrowseEntry, TableName, TableOrQuery

VECTOR_ROWS = 2048  # what DuckDB computes at a time; more would hold as many wide rows in memory


class DuckdbConnector(DatabaseConnector):
    """A DuckDB database file. DuckDB lets one process write it, or several read it."""

    kind = "duckdb"
    dialect_name: ClassVar[Dialect] = "duckdb"
    syntax = DUCKDB
    max_identifier = (128, "characters")
    max_columns = 10_000

    def connect(self, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
        """A native connection: DuckDB has no SQLAlchemy dialect here, and needs none for its bulk paths.

        Raises:
            NotFoundError: reading, and there is no such file.
            ConnectorUnavailableError: another process holds it; names that process.
        """
        path = self.config.path
        if read_only and (path is None or not path.exists()):
            raise NotFoundError(
                f"{self.label}: there is no database file {path}", hint="Check `path`"
            )
        with self.translated("connecting"):
            connection = duckdb.connect(str(path), read_only=read_only)
            connection.execute("SET TimeZone = 'UTC'")
            if read_only and self.config.options.get("external_access") != "allowed":
                # A view in a file from elsewhere could read this machine's files and the network.
                connection.execute("SET enable_external_access = false")
            return connection

    def deliverer(self) -> Deliverer:
        """See `delivery`."""
        return Deliverer(
            DIALECT,
            lambda job: open_delivery(self.config, job, self.connect, self.translated),
            lambda job: look_at_delivery(self.config, job, lambda: self.connect(read_only=True)),
        )

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """DuckDB's; a broken stream of batches comes as an error of Arrow."""
        return (duckdb.Error, pa.ArrowException)

    def translate(self, error: Exception, doing: str) -> WaybillError:
        """By DuckDB's error class; see `errors.duckdb_error`."""
        return duckdb_error(error, self.config, doing)

    def probe(self) -> dict[str, str]:
        """Library version and number of tables."""
        return {"version": f"DuckDB {duckdb.__version__}", "tables": str(len(self.list_tables()))}

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views, in order of schema and name."""
        with self.connect(read_only=True) as connection, self.translated("listing tables"):
            return self._tables(connection)

    def schemas(self) -> Sequence[str]:
        """Schemas of the file."""
        with self._session("listing schemas") as connection:
            rows = connection.execute(
                "SELECT DISTINCT schema_name FROM duckdb_schemas()"
                " WHERE database_name = current_catalog() AND NOT internal"
            ).fetchall()
        names = {str(name) for (name,) in rows} | {"main"}
        return sorted(name for name in names if self.config.db_schema in (None, name))

    def table_entries(self, schema: str | None) -> Iterable[BrowseEntry]:
        """Tables with DuckDB's own estimate of their rows, and views."""
        with self._session(f"listing schema {schema}") as connection:
            rows = connection.execute(
                "SELECT table_name, estimated_size, false FROM duckdb_tables()"
                " WHERE database_name = current_catalog() AND schema_name = $1 UNION ALL"
                " SELECT view_name, NULL, true FROM duckdb_views()"
                " WHERE database_name = current_catalog() AND schema_name = $1 AND NOT internal",
                [schema],
            ).fetchall()
        return [table_entry(name, schema, rows=size, is_view=view) for name, size, view in rows]

    def describe(self, source: TableOrQuery) -> pa.Schema:
        """The Arrow schema of a table or query; no row is read."""
        with self._session(f"describing {query_subject(source)}", source) as connection:
            return self._plan(connection, source)[0].schema

    def fingerprint(self, source: TableOrQuery) -> str:
        """A checksum over all values, computed in the database: DuckDB keeps no counter of changes a table.

        The sign of a zero counts; the order of rows does not.
        """
        with self._session(f"fingerprinting {query_subject(source)}", source) as connection:
            plan, select = self._plan(connection, source)
            floats = [c.name for c in plan.columns if pa.types.is_floating(c.type)]
            row_alias = free_name(c.name for c in plan.columns)
            signs = "".join(f", signbit({quote_identifier(name)})" for name in floats)
            row = connection.execute(
                f"SELECT count(*), sum(h::HUGEINT), sum(hash(h)::HUGEINT) FROM"
                f" (SELECT hash({row_alias}{signs}) AS h FROM"
                f" (SELECT {plan.select_list} FROM ({select}\n) AS source) AS {row_alias})"
            ).fetchone()
        text = f"{plan.schema.to_string()} {row}"
        return f"h:{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    @contextmanager
    def read(self, source: TableOrQuery, *, batch_rows: int = 65_536) -> Iterator[BatchStream]:
        """Streams a table or query; see `TableConnector.read`.

        Raises:
            Retype: while iterating, when a date, time or timestamp is infinite or a HUGEINT has 39 digits; the
                next read brings the column as text (E34, E37).
        """
        doing = f"reading {query_subject(source)}"
        with ExitStack() as stack:
            connection = stack.enter_context(self.connect(read_only=True))
            stack.enter_context(self._limit(connection, source))
            with self.translated(doing):
                plan, select = self._plan(connection, source)
                result = connection.execute(
                    f"SELECT {plan.select_list} FROM ({select}\n) AS source"
                )
                reader = stack.enter_context(result.to_arrow_reader(VECTOR_ROWS))
            batches = self._batches(reader, plan, source, batch_rows=batch_rows)
            # Outside `translated`: an error of the consumer of the batches is not the database's.
            yield BatchStream(plan.schema, batches, guesses=plan.guesses)

    def _batches(
        self,
        reader: pa.RecordBatchReader,
        plan: ReadPlan,
        source: TableOrQuery,
        *,
        batch_rows: int,
    ) -> Iterator[pa.RecordBatch]:
        with self.translated(f"reading {query_subject(source)}"), self.remembering(source):
            raw = coalesced(reader, batch_rows=batch_rows)
            yield from checked_batches(raw, plan, batch_rows=batch_rows)

    @contextmanager
    def _session(
        self, doing: str, source: TableOrQuery = ""
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        with (
            self.connect(read_only=True) as connection,
            self.translated(doing),
            self._limit(connection, source),
        ):
            yield connection

    def _limit(
        self, connection: duckdb.DuckDBPyConnection, source: TableOrQuery
    ) -> AbstractContextManager[None]:
        seconds = self.limited(source).config.statement_timeout_seconds
        return interrupted_after(seconds, connection.interrupt)

    def _tables(self, connection: duckdb.DuckDBPyConnection) -> list[TableName]:
        rows = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_catalog = current_catalog() ORDER BY 1, 2"
        ).fetchall()
        wanted = self.config.db_schema
        return [
            TableName(name, schema)
            for schema, name in rows
            if not is_internal(name) and wanted in (None, schema)
        ]

    def _plan(
        self, connection: duckdb.DuckDBPyConnection, source: TableOrQuery
    ) -> tuple[ReadPlan, str]:
        """The columns of a source, and a SELECT of all of it."""
        where = f"{self.label}: {query_subject(source)}"
        if isinstance(source, TableName):
            select = f"SELECT * FROM {self._table_sql(connection, source)}"
        else:
            select = self.query_text(source)
            statements = connection.extract_statements(select)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise InputError(
                    f"{where}: a query is one SELECT, and this is"
                    f" {', '.join(s.type.name for s in statements)}",
                    hint="Give a single SELECT statement",
                )
        rows = connection.execute(f"DESCRIBE {select}").fetchall()
        described = [DuckdbColumn(name=row[0], type_name=row[1]) for row in rows]
        planned = plan_duckdb_columns(described, self.columns_as_text(source))
        plan = plan_columns([column for column, _ in planned], where=where, fold_case=True)
        empty = connection.execute(f"SELECT {plan.select_list} FROM ({select}\n) AS source LIMIT 0")
        types = [_plain_type(field.type) for field in empty.to_arrow_reader(1).schema]
        columns = [
            replace(column, type=kind) if is_open else column
            for (column, is_open), kind in zip(planned, types, strict=True)
        ]
        return ReadPlan(tuple(columns), plan.guesses), select

    def _table_sql(self, connection: duckdb.DuckDBPyConnection, table: TableName) -> str:
        wanted = TableName(table.name, table.schema or self.config.db_schema or "main")
        known = connection.execute(
            "SELECT count(*) FROM information_schema.tables"
            " WHERE table_catalog = current_catalog() AND table_schema = ? AND table_name = ?",
            [wanted.schema, wanted.name],
        ).fetchall()
        if not known[0][0]:
            raise self.unknown_table(table, self._tables(connection))
        return f"{quote_identifier(wanted.schema or 'main')}.{quote_identifier(wanted.name)}"


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.ExtensionType) else kind
