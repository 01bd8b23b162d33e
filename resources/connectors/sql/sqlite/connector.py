"""The SQLite connector: the file opened read-only, one read transaction, types by the values."""

from __future__ import annotations

import hashlib
import marshal
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import ClassVar

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.browsing import table_entry
from resources.connectors.sql.config import Dialect
from resources.connectors.sql.connector import (
    DatabaseConnector,
    interrupted_after,
    is_internal,
    query_subject,
)
from resources.connectors.sql.engine import sqlite_engine
from resources.connectors.sql.errors import sqlite_error
from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.query_text import SQLITE, with_selects_as_tables
from resources.connectors.sql.reading import (
    check_result_names,
    coalesced,
    pieces,
)
from resources.connectors.sql.sqlite.column_types import SqliteColumn
from resources.connectors.sql.sqlite.delivery import look_at_delivery, open_delivery
from resources.connectors.sql.sqlite.scan import (
    QUERY_VIEW,
    Declared,
    declared_columns,
    plan_columns_by_values,
    read_batches,
)
from resources.connectors.sql.sqlite.written_types import DIALECT
from resources.connectors.sql.writing.run import Deliverer
from resources.kernel.errors import NotFoundError, WaybillError
from resources.kernel.records import BatchStream, BrowseEntry, SqlQuery, TableName, TableOrQuery

_FINGERPRINT_ROWS = 2048
_MARSHAL_VERSION = 2  # without references, so that equal rows have equal bytes


class SqliteConnector(DatabaseConnector):
    """A SQLite database file."""

    kind = "sqlite"
    dialect_name: ClassVar[Dialect] = "sqlite"
    syntax = SQLITE
    max_identifier = (128, "characters")
    max_columns = 2000

    def engine(self) -> sa.Engine:
        """A writing SQLAlchemy engine in autocommit; open transactions with `BEGIN IMMEDIATE`."""
        return sqlite_engine(self.config)

    def deliverer(self) -> Deliverer:
        """See `delivery`."""
        return Deliverer(
            DIALECT,
            lambda job: open_delivery(self.config, self.engine(), job),
            lambda job: look_at_delivery(self.config, self.connect, job),
        )

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """SQLAlchemy's and sqlite3's."""
        return (sa.exc.SQLAlchemyError, sqlite3.Error)

    def translate(self, error: Exception, doing: str) -> WaybillError:
        """By SQLite's error name; see `errors.sqlite_error`."""
        return sqlite_error(error, self.config, doing)

    def connect(self) -> sqlite3.Connection:
        """A read-only connection in autocommit. A file that is not there is not made.

        Raises:
            NotFoundError: there is no such file.
        """
        path = self.config.path
        if path is None or not path.exists():
            raise NotFoundError(
                f"{self.label}: there is no database file {path}", hint="Check `path`"
            )
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=self.config.lock_timeout_seconds,
            isolation_level=None,
            check_same_thread=False,
        )

    def query_text(self, query: SqlQuery | str) -> str:
        """As everywhere; SELECTs in parentheses, which SQLite does not take side by side, each become a table."""
        return with_selects_as_tables(super().query_text(query), self.syntax)

    def probe(self) -> dict[str, str]:
        """Library version and number of tables."""
        return {
            "version": f"SQLite {sqlite3.sqlite_version}",
            "tables": str(len(self.list_tables())),
        }

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views, in order of name."""
        with self._session("listing tables") as connection:
            return self._tables(connection)

    def table_entries(self, schema: str | None) -> Iterable[BrowseEntry]:
        """Tables and views, with rows as ANALYZE counted them, where it did."""
        with self._session("listing tables") as connection:
            kinds = connection.execute(
                "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
                " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            ).fetchall()
            known: dict[str, int] = {}
            if connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"
            ).fetchone():
                for table, counted in connection.execute("SELECT tbl, stat FROM sqlite_stat1"):
                    number = str(counted).split()[0]
                    known[table] = int(number) if number.isdecimal() else known.get(table, 0)
        return [
            table_entry(name, schema, rows=known.get(name), is_view=kind == "view")
            for name, kind in kinds
        ]

    def describe(self, source: TableOrQuery) -> pa.Schema:
        """The Arrow schema of a table or query; every value is looked at, since SQLite types values, not columns."""
        with self._session(f"describing {query_subject(source)}", source) as connection:
            sql, declared = self._open(connection, source)
            plans = plan_columns_by_values(connection, sql, declared)
            return pa.schema([pa.field(plan.name, plan.type) for plan in plans])

    def fingerprint(self, source: TableOrQuery) -> str:
        """A checksum over all values in order: the counter in the file's header does not count in WAL mode."""
        with self._session(f"fingerprinting {query_subject(source)}", source) as connection:
            sql, declared = self._open(connection, source)
            connection.text_factory = _text_of_any_bytes
            digest = hashlib.blake2b(repr(declared).encode(), digest_size=16)
            cursor = connection.execute(f"SELECT * FROM {sql}")
            while rows := cursor.fetchmany(_FINGERPRINT_ROWS):
                digest.update(marshal.dumps(rows, _MARSHAL_VERSION))
        return f"h:{digest.hexdigest()}"

    @contextmanager
    def read(self, source: TableOrQuery, *, batch_rows: int = 65_536) -> Iterator[BatchStream]:
        """Streams a table or query; see `TableConnector.read`. Every value fits the announced type."""
        doing = f"reading {query_subject(source)}"
        with ExitStack() as stack:
            with self.translated(doing):
                connection = stack.enter_context(closing(self.connect()))
                stack.enter_context(self._limit(connection, source))
                sql, declared = self._open(connection, source)
                plans = plan_columns_by_values(connection, sql, declared)
            schema = pa.schema([pa.field(plan.name, plan.type) for plan in plans])
            # A cursor that still stands on a row would keep the file locked after the connection is closed.
            batches = stack.enter_context(
                closing(self._batches(connection, sql, plans, doing, batch_rows))
            )
            guesses = [plan.guess for plan in plans if plan.guess]
            # Outside `translated`: an error of the consumer of the batches is not the database's.
            yield BatchStream(schema, batches, guesses=guesses)

    def _batches(
        self,
        connection: sqlite3.Connection,
        sql: str,
        plans: Sequence[SqliteColumn],
        doing: str,
        batch_rows: int,
    ) -> Generator[pa.RecordBatch]:
        with self.translated(doing):
            raw = read_batches(connection, sql, plans, where=f"{self.label}: {doing}")
            for batch in coalesced(raw, batch_rows=batch_rows):
                yield from pieces(batch, batch_rows)

    @contextmanager
    def _session(self, doing: str, source: TableOrQuery = "") -> Iterator[sqlite3.Connection]:
        with (
            self.translated(doing),
            closing(self.connect()) as connection,
            self._limit(connection, source),
        ):
            yield connection

    def _limit(
        self, connection: sqlite3.Connection, source: TableOrQuery
    ) -> AbstractContextManager[None]:
        seconds = self.limited(source).config.statement_timeout_seconds
        return interrupted_after(seconds, connection.interrupt)

    def _tables(self, connection: sqlite3.Connection) -> list[TableName]:
        rows = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        ).fetchall()
        return [TableName(name) for (name,) in rows if not is_internal(name)]

    def _open(self, connection: sqlite3.Connection, source: TableOrQuery) -> tuple[str, Declared]:
        """Begins the one read transaction; the quoted source, and its columns as declared.

        A query becomes a temporary view, which SQLite makes of a single SELECT only (T17).
        """
        where = f"{self.label}: {query_subject(source)}"
        schema, name = "main", source.name if isinstance(source, TableName) else QUERY_VIEW
        if not isinstance(source, TableName):
            schema, query = "temp", self.query_text(source)
            connection.execute(f"CREATE TEMP VIEW {QUERY_VIEW} AS {query}\n")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        if not isinstance(
            source, TableName
        ):  # the view would rename twins: the query's own names are looked at
            description = connection.execute(query).description
            check_result_names([column[0] for column in description], where=where, fold_case=True)
        else:
            self._require(connection, source)
        declared = declared_columns(connection, schema, name)
        check_result_names([column for column, _ in declared], where=where, fold_case=True)
        whole = f"{schema}.{quote_identifier(name)}"
        if self.most_rows is not None:
            return f"(SELECT * FROM {whole} LIMIT {self.most_rows})", declared
        return whole, declared

    def _require(self, connection: sqlite3.Connection, table: TableName) -> None:
        found = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower(?)",
            [table.name],
        ).fetchone()
        if not found or table.schema not in {None, "main"}:
            raise self.unknown_table(table, self._tables(connection))


def _text_of_any_bytes(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
