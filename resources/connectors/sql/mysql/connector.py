"""The MySQL and MariaDB connector: every row by prepared statements in binary form, taken apart a column at a time.

A read is one SELECT in one read-only session: for InnoDB that is one state of the table, however long it takes, and
it blocks no writer. No key is needed, tables, views and queries go the same way.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from resources.connectors.sql.config import Dialect, SqlConfig
from resources.connectors.sql.connector import DatabaseConnector, is_internal, query_subject
from resources.connectors.sql.mysql.catalog import (
    MysqlTable,
    find_table,
    invisible_columns,
    list_databases,
    list_entries,
    list_names,
    updated_at,
)
from resources.connectors.sql.mysql.column_types import MysqlColumn, plan_mysql_columns
from resources.connectors.sql.mysql.delivery import MysqlDelivery, open_delivery
from resources.connectors.sql.mysql.errors import mysql_error
from resources.connectors.sql.mysql.session import (
    READING_MODE,
    ClearPasswordError,
    MysqlSession,
    ssl_mode,
)
from resources.connectors.sql.mysql.stream import ResultStream, RowsDigest
from resources.connectors.sql.mysql.wire import ConnectionLostError, PreparedStatement, ServerError
from resources.connectors.sql.mysql.write_session import WRITING_MODE
from resources.connectors.sql.mysql.written_types import DIALECT
from resources.connectors.sql.query_text import MYSQL
from resources.connectors.sql.reading import (
    ReadPlan,
    checked_batches,
    coalesced,
    plan_columns,
)
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.run import Deliverer
from resources.kernel.errors import NotFoundError, WaybillError
from resources.kernel.records import (
    BatchStream,
    BrowseEntry,
    TableName,
    TableOrQuery,
)

# A server that waits for its client to take rows is not at work, whatever else it says of itself.
_BUSY = (
    "SELECT count(*) FROM information_schema.processlist WHERE id = %s"
    " AND command IN ('Query', 'Execute') AND coalesce(state, '') NOT IN"
    " ('Writing to net', 'Sending to client', 'Reading from net', 'Receiving from client')"
)


@dataclass(frozen=True)
class _Source:
    """A table or query that has been looked at."""

    plan: ReadPlan
    columns: Sequence[MysqlColumn]
    statement: PreparedStatement
    invisible: Sequence[str] = ()
    """Columns of the table that `SELECT *` leaves out."""


class MysqlConnector(DatabaseConnector):
    """A MySQL database, version 5.7 or newer."""

    kind = "mysql"
    dialect_name: ClassVar[Dialect] = "mysql"
    syntax = MYSQL
    identifier_quote = "`"
    max_identifier = (64, "characters")
    max_columns = 1017
    reading_tells = True

    def __init__(self, name: str, config: SqlConfig) -> None:
        super().__init__(name, config)
        self.default_schema = config.db_schema or config.database
        ssl_mode(config)  # a mode that there is not is refused before anything connects

    def session(self, *, writes: bool = False, sql_mode: str = READING_MODE) -> MysqlSession:
        """A session that has signed in."""
        return MysqlSession(self.config, is_busy=self._is_busy, writes=writes, sql_mode=sql_mode)

    def deliverer(self) -> Deliverer:
        """See `delivery`."""
        return Deliverer(DIALECT, self._open_delivery)

    def _open_delivery(self, job: ExportJob) -> MysqlDelivery:
        line = self.session(writes=True, sql_mode=WRITING_MODE)
        return open_delivery(line, job, self.config.database)

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """pymysql's, and those of the protocol and the line."""
        try:
            import pymysql
        except ImportError:  # opening a session says so
            return (ServerError, ConnectionLostError)
        own = (ServerError, ConnectionLostError, ClearPasswordError)
        return (*own, pymysql.err.Error, OSError)

    def translate(self, error: Exception, doing: str) -> WaybillError:
        """By the number of the error; see `mysql_errors`."""
        return mysql_error(error, self.config, doing)

    def probe(self) -> dict[str, str]:
        """Version, user and database, as the server names them."""
        with self._session("connecting") as session:
            return _facts(session)

    def encryption(self) -> str:
        """The version of TLS and what the certificate was looked at for; empty without TLS."""
        with self._session("asking about TLS") as session:
            status = session.rows("SHOW SESSION STATUS LIKE 'Ssl_version'")
        version = str(status[0][1]) if status else ""
        proof = {
            "required": "the server's certificate is not looked at",
            "verify_ca": "the certificate is signed as it should be",
            "verify_identity": f"the certificate holds for {self.config.host}",
        }
        return f"{version}, {proof[ssl_mode(self.config)]}" if version else ""

    def rights(self) -> str:
        """How many tables the user can see."""
        names = [table for table in self.list_tables() if not is_internal(table.name)]
        return f"{len(names):,} tables and views of {self.default_schema} can be seen"

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views of the database that the user may see."""
        with self._session("listing tables") as session:
            return self._tables(session)

    def browse(
        self, path: str = "", *, limit: int = 1000, after: str = ""
    ) -> Iterator[BrowseEntry]:
        """Databases; below one its tables with the server's own estimates of their rows.

        Raises:
            NotFoundError: no such database.
        """
        place = path.removesuffix("/")
        with self._session(f"browsing {path or 'databases'}") as session:
            databases = list_databases(session.rows)
            if not path:
                entries = [BrowseEntry(name, "database", f"{name}/") for name in databases]
            elif place not in databases:
                raise NotFoundError(
                    f"{self.label}: no database {place!r} in {self.config.location}",
                    hint=f"Known: {', '.join(databases[:10])}",
                )
            else:
                entries = list_entries(session.rows, place)
        shown = (e for e in entries if not is_internal(e.name) and e.path > after)
        for entry, _ in zip(sorted(shown, key=lambda e: e.path), range(limit), strict=False):
            yield entry

    def describe(self, source: TableOrQuery) -> pa.Schema:
        """The Arrow schema of a table or query; no row is read."""
        with self._session(f"describing {query_subject(source)}", source) as session:
            return self._look(session, source).plan.schema

    def fingerprint(self, source: TableOrQuery) -> str:
        """A checksum over all bytes that a read would get.

        The server has nothing cheaper that holds: UPDATE_TIME counts whole seconds and is lost at a restart, CHECKSUM
        TABLE has 32 bits in which rows that swap a value may cancel out, and making texts of rows to hash them there
        takes three times as long as sending them. An import that reads the rows anyway gets it from the stream.
        """
        with self._session(f"fingerprinting {query_subject(source)}", source) as session:
            statement = self._look(session, source).statement
            digest = RowsDigest(statement)
            # Beside receiving the next chunk: each has bytes of its own.
            with ThreadPoolExecutor(1, thread_name_prefix="mysql-digest") as hasher:
                earlier: Future[None] | None = None
                for chunk in session.wire.execute(statement):
                    if earlier is not None:
                        earlier.result()
                    earlier = hasher.submit(digest.add, chunk)
        return digest.text()

    def change_hint(self, source: TableOrQuery) -> str:
        """When the table was last written to: to the second, and forgotten when the server starts anew."""
        if not isinstance(source, TableName):
            return ""
        with self._session(f"looking at {query_subject(source)}") as session:
            return updated_at(session.rows, self._find(session, source))

    @contextmanager
    def read(self, source: TableOrQuery, *, batch_rows: int = 65_536) -> Iterator[BatchStream]:
        """Streams a table or query under one snapshot; see `TableConnector.read`.

        Raises:
            Retype: while iterating, when a date is none or a time is no time of day (E34); the next read brings the
                column as text.
            ConnectorUnavailableError: the connection broke or fell silent (E1, E4).
        """
        with ExitStack() as stack:
            with self.translated(f"reading {query_subject(source)}"):
                session = self.limited(source).session()
                with _cut_on_error(session):
                    found = self._look(session, source)
            result = ResultStream(session, found.statement, found.columns, self._kill)
            stack.callback(result.close)
            batches = self._batches(result, found.plan, source, batch_rows=batch_rows)
            # Outside `translated`: an error of the consumer of the batches is not the database's.
            yield BatchStream(
                found.plan.schema,
                batches,
                guesses=found.plan.guesses,
                warnings=_invisible(found.invisible),
                fingerprint=result.fingerprint,
            )

    def _batches(
        self, result: ResultStream, plan: ReadPlan, source: TableOrQuery, *, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        with self.translated(f"reading {query_subject(source)}"), self.remembering(source):
            raw = coalesced(result.batches(), batch_rows=batch_rows)
            yield from checked_batches(raw, plan, batch_rows=batch_rows)

    @contextmanager
    def _session(self, doing: str, source: TableOrQuery = "") -> Iterator[MysqlSession]:
        with self.translated(doing):
            session = self.limited(source).session()
            with _cut_on_error(session):
                yield session
            session.close()

    def _look(self, session: MysqlSession, source: TableOrQuery) -> _Source:
        """Has the source's SELECT prepared, which describes it."""
        where = f"{self.label}: {query_subject(source)}"
        invisible: Sequence[str] = ()
        if isinstance(source, TableName):
            table = self._find(session, source)
            invisible = invisible_columns(session.rows, table)
            select = f"SELECT * FROM {table.sql}"
        else:
            select = self.query_text(source)
        statement = session.wire.prepare(select)
        columns = plan_mysql_columns(statement.columns, self.columns_as_text(source))
        plan = plan_columns([c.plan for c in columns], where=where, fold_case=True)
        if not isinstance(source, TableName):
            # What can stand in parentheses writes no file on the server (SELECT ... INTO OUTFILE), and is one query.
            enclosed = session.wire.prepare(f"SELECT * FROM ({select}\n) AS waybill_source")
            session.wire.forget(enclosed)
        return _Source(plan, columns, statement, invisible)

    def _find(self, session: MysqlSession, table: TableName) -> MysqlTable:
        wanted = TableName(table.name, table.schema or self.default_schema)
        found = find_table(session.rows, str(wanted.schema), wanted.name)
        if found is not None:
            return found
        databases = list_databases(session.rows)
        if wanted.schema not in databases:
            raise NotFoundError(
                f"{self.label}: no database {wanted.schema!r} in {self.config.location}",
                hint="Check the part before the dot, or `db_schema`",
            )
        names = list_names(session.rows, str(wanted.schema))
        raise self.unknown_table(wanted, [TableName(name, wanted.schema) for name in names])

    def _tables(self, session: MysqlSession) -> list[TableName]:
        names = list_names(session.rows, str(self.default_schema))
        return [TableName(name, self.default_schema) for name in names if not is_internal(name)]

    def _is_busy(self, number: int) -> bool:
        """Whether the server computes for a session, rather than waits for its client (E4)."""
        return bool(self._ask(_BUSY, number))

    def _kill(self, number: int) -> None:
        """Ends a session and what the server does for it."""
        self._ask("KILL CONNECTION %s", number)

    def _ask(self, sql: str, number: int) -> object:
        """One value about a session, over one of its own; waits no longer than for a connection."""
        answers: list[Any] = []

        def ask() -> None:
            with contextlib.suppress(WaybillError), self._session("asking") as session:
                answers.extend(row[0] for row in session.rows(sql, number))

        thread = threading.Thread(target=ask, name="mysql-ask", daemon=True)
        thread.start()
        thread.join(self.config.connect_timeout_seconds)
        return answers[0] if answers else None


class MariadbConnector(MysqlConnector):
    """A MariaDB database, version 10.3 or newer."""

    kind = "mariadb"
    dialect_name: ClassVar[Dialect] = "mariadb"


@contextmanager
def _cut_on_error(session: MysqlSession) -> Iterator[None]:
    try:
        yield
    except BaseException:
        session.abort()
        raise


def _invisible(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    listed = ", ".join(map(repr, names[:20]))
    return [f"Invisible columns are left out: {listed}. Name them in a `query:` to read them"]


def _facts(session: MysqlSession) -> dict[str, str]:
    rows = session.rows("SELECT version(), current_user(), database()")
    version, user, database = rows[0]
    system = "MariaDB" if session.is_mariadb else "MySQL"
    return {"version": f"{system} {version}", "user": user, "database": database}
