"""The PostgreSQL connector: catalog and control through SQLAlchemy and psycopg, rows through ADBC.

A read opens two kinds of session. One holds the locks on the tables and exports a snapshot; the others read
that snapshot by COPY BINARY, so that all rows are one state of the database however many read them.
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.browsing import table_entry
from resources.connectors.sql.config import Dialect, SqlConfig
from resources.connectors.sql.connector import DatabaseConnector, is_internal, query_subject
from resources.connectors.sql.engine import postgres_engine
from resources.connectors.sql.errors import connection_error, driver_text, postgres_error
from resources.connectors.sql.postgresql.catalog import (
    ENCRYPTION,
    LIST_DATABASES,
    LIST_ENTRIES,
    LIST_SCHEMAS,
    LIST_TABLES,
    Relation,
    describe_select,
    find_relation,
    page_ranges,
)
from resources.connectors.sql.postgresql.column_types import plan_postgres_columns
from resources.connectors.sql.postgresql.delivery import open_delivery
from resources.connectors.sql.postgresql.fingerprint import compute_fingerprint
from resources.connectors.sql.postgresql.parallel import NoHelperError, RangeReader
from resources.connectors.sql.postgresql.session import LockQueueError, SnapshotSession
from resources.connectors.sql.postgresql.written_types import DIALECT
from resources.connectors.sql.query_text import POSTGRESQL
from resources.connectors.sql.reading import ReadPlan, checked_batches, plan_columns
from resources.connectors.sql.writing.run import Deliverer
from resources.kernel.errors import ConflictError, InputError, NotFoundError, WaybillError
from resources.kernel.records import BatchStream, BrowseEntry, TableName, TableOrQuery


@dataclass(frozen=True)
class _OpenRead:
    """What a read has opened: the first session, and how to get more."""

    plan: ReadPlan
    statements: Sequence[str]
    leader: SnapshotSession
    helper: Callable[[], SnapshotSession]


_NO_MORE_CONNECTIONS = re.compile("too many (connections|clients)|remaining connection slots")
_STATEMENT_FAILED = re.compile(r"ERROR:\s+(?P<text>[^\n]+)")


class PostgresqlConnector(DatabaseConnector):
    """A PostgreSQL database, version 12 or newer."""

    kind = "postgresql"
    dialect_name: ClassVar[Dialect] = "postgresql"
    syntax = POSTGRESQL
    max_identifier = (63, "bytes")
    max_columns = 1600

    def engine(self, *, read_only: bool = False) -> sa.Engine:
        """A SQLAlchemy engine without a pool, on psycopg 3."""
        return postgres_engine(self.config, read_only=read_only)

    def deliverer(self) -> Deliverer:
        """See `delivery`."""
        return Deliverer(
            DIALECT,
            lambda job: open_delivery(self.engine(), job),
            lambda job: open_delivery(self.engine(read_only=True), job),
        )

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """SQLAlchemy's, psycopg's and ADBC's; ADBC breaks a stream of batches with an OSError."""
        import psycopg
        from adbc_driver_manager import dbapi

        return (sa.exc.SQLAlchemyError, psycopg.Error, dbapi.Error, OSError, pa.ArrowException)

    def translate(self, error: Exception, doing: str) -> WaybillError:
        """By SQLSTATE; in the middle of a stream the driver gives only a text."""
        failed = _STATEMENT_FAILED.search(str(error))
        if isinstance(error, (OSError, pa.ArrowException)):
            text = driver_text(error, self.config)
            if failed and "canceling statement" not in failed["text"]:
                said = self.config.redact(failed["text"])
                return InputError(f"{doing} on {self.config.location}: {said}")
            return connection_error(text, self.config, doing)
        return postgres_error(error, self.config, doing)

    def probe(self) -> dict[str, str]:
        """Version, user and database, as the server names them."""
        with self._session("connecting") as connection:
            sql = "SELECT version(), current_user, current_database()"
            row = connection.exec_driver_sql(sql).one()
        return {"version": row[0].split(",")[0], "user": row[1], "database": row[2]}

    def encryption(self) -> str:
        """What the server says of this connection."""
        with self._session("connecting") as connection:
            row = connection.exec_driver_sql(ENCRYPTION).one_or_none()
        return f"{row[1]}, {row[2]}" if row and row[0] else "not encrypted: set `sslmode`"

    def databases(self) -> Sequence[str]:
        """Databases of the server that the user may sign in to."""
        with self._session("listing databases") as connection:
            names = connection.exec_driver_sql(LIST_DATABASES).scalars().all()
        return [str(name) for name in names]

    def schemas(self) -> Sequence[str]:
        """Schemas that the user may use."""
        with self._session("listing schemas") as connection:
            names = connection.exec_driver_sql(LIST_SCHEMAS).scalars().all()
        return [str(name) for name in names if self.config.db_schema in (None, name)]

    def table_entries(self, schema: str | None) -> Iterable[BrowseEntry]:
        """Tables and views with the planner's estimate; partitions are summed up."""
        with self._session(f"listing schema {schema}") as connection:
            rows = connection.execute(sa.text(LIST_ENTRIES), {"schema": schema}).all()
        return [
            table_entry(row.relname, schema, rows=row.estimate, is_view=row.relkind in "vm")
            for row in rows
        ]

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views that the user may read, partitions under their parent's name only."""
        with self._session("listing tables") as connection:
            return self._tables(connection)

    def describe(self, source: TableOrQuery) -> pa.Schema:
        """The Arrow schema of a table or query; no row is read."""
        with self._session(f"describing {query_subject(source)}", source) as connection:
            return self._plan(connection, source)[0].schema

    def fingerprint(self, source: TableOrQuery) -> str:
        """See `postgresql_fingerprint`."""
        with self._session(f"fingerprinting {query_subject(source)}", source) as connection:
            plan, select, relation = self._plan(connection, source)
            return compute_fingerprint(connection, plan, select, relation)

    @contextmanager
    def read(self, source: TableOrQuery, *, batch_rows: int = 65_536) -> Iterator[BatchStream]:
        """Streams a table or query under one snapshot; see `TableConnector.read`.

        Raises:
            Retype: while iterating, when a date, time or timestamp is infinite or a numeric is NaN (E34); the
                next read brings the column as text.
            ConnectorUnavailableError: the connection broke or fell silent (E1, E4).
        """
        doing = f"reading {query_subject(source)}"
        with ExitStack() as stack:
            with self.translated(doing):
                opened = self._open_read(stack, source)
            reader = RangeReader(
                opened.statements,
                opened.leader,
                opened.helper,
                connections=self.config.read_connections,
                silence_limit=self.config.read_timeout_seconds,
                is_busy=self._is_busy,
                cancel=self._cancel,
            )
            stack.callback(reader.close)
            batches = self._batches(reader, opened.plan, source, batch_rows=batch_rows)
            # Outside `translated`: an error of the consumer of the batches is not the database's.
            yield BatchStream(opened.plan.schema, batches, guesses=opened.plan.guesses)

    def _open_read(self, stack: ExitStack, source: TableOrQuery) -> _OpenRead:
        """Locks, snapshot and first session. Begins again when another session queues for a lock in between."""
        deadline = time.monotonic() + self.config.lock_timeout_seconds
        while True:
            with ExitStack() as attempt:
                holder = attempt.enter_context(self._connected(source))
                plan, select, relation = self._plan(holder, source)
                statements = self._statements(holder, plan, select, relation)
                snapshot = str(holder.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
                target = (self.limited(source).config, snapshot, select)
                try:
                    leader = _locked_session(*target)
                except LockQueueError as error:
                    if time.monotonic() > deadline:
                        raise ConflictError(
                            f"reading {query_subject(source)} on {self.config.location}:"
                            " other sessions wait for it exclusively, one after the other",
                            hint="Try again when they are done",
                        ) from error
                    continue
                stack.push(attempt.pop_all())
                helper = functools.partial(_helping_session, *target)
                return _OpenRead(plan, statements, leader, helper)

    def _batches(
        self, reader: RangeReader, plan: ReadPlan, source: TableOrQuery, *, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        with self.translated(f"reading {query_subject(source)}"), self.remembering(source):
            yield from checked_batches(reader.batches(), plan, batch_rows=batch_rows)

    @contextmanager
    def _session(self, doing: str, source: TableOrQuery = "") -> Iterator[sa.Connection]:
        with self.translated(doing), self._connected(source) as connection:
            yield connection

    @contextmanager
    def _connected(self, source: TableOrQuery = "") -> Iterator[sa.Connection]:
        connection = self.limited(source).engine(read_only=True).connect()
        try:
            yield connection
        finally:
            # There is nothing to commit; a rollback would wait for a server that may be gone.
            connection.invalidate()
            connection.close()

    def _tables(self, connection: sa.Connection) -> list[TableName]:
        rows = connection.exec_driver_sql(LIST_TABLES).all()
        wanted = self.config.db_schema
        return [
            TableName(name, schema)
            for schema, name in rows
            if not is_internal(name) and wanted in (None, schema)
        ]

    def _plan(
        self, connection: sa.Connection, source: TableOrQuery
    ) -> tuple[ReadPlan, str, Relation | None]:
        """The columns of a source, a SELECT of all of it, and its relation if it is a table."""
        where = f"{self.label}: {query_subject(source)}"
        relation = None
        if isinstance(source, TableName):
            relation = self._relation(connection, source)
            select = f"SELECT * FROM {relation.sql}"
        else:
            select = self.query_text(source)
        described = describe_select(connection, select)
        columns = plan_postgres_columns(described, self.columns_as_text(source))
        return plan_columns(columns, where=where), select, relation

    def _relation(self, connection: sa.Connection, table: TableName) -> Relation:
        wanted = TableName(table.name, table.schema or self.config.db_schema)
        relation = find_relation(connection, wanted)
        if relation is not None:
            return relation
        if wanted.schema is not None:
            sql = sa.text("SELECT count(*) FROM pg_namespace WHERE nspname = :schema")
            if not connection.execute(sql, {"schema": wanted.schema}).scalar_one():
                raise NotFoundError(
                    f"{self.label}: no schema {wanted.schema!r} in {self.config.location}",
                    hint="Check the part before the dot, or `db_schema`",
                )
        raise self.unknown_table(wanted, self._tables(connection))

    def _statements(
        self, holder: sa.Connection, plan: ReadPlan, select: str, relation: Relation | None
    ) -> Sequence[str]:
        if relation is None:
            return [f"SELECT {plan.select_list} FROM ({select}\n) AS source"]
        ranges: Sequence[str] = [""]
        if self.config.read_connections > 1:
            version = holder.exec_driver_sql("SELECT current_setting('server_version_num')::int")
            ranges = page_ranges(relation, version.scalar_one())
        return [f"SELECT {plan.select_list} FROM {relation.sql}{part}" for part in ranges]

    def _is_busy(self, pid: int) -> bool:
        """Whether the server process `pid` computes, rather than waits for its client (E4)."""
        return self._ask(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = :pid AND state = 'active'"
            " AND wait_event_type IS DISTINCT FROM 'Client'",
            pid,
        )

    def _cancel(self, pid: int) -> None:
        """Ends what the server process `pid` does."""
        self._ask("SELECT pg_cancel_backend(:pid)", pid)

    def _ask(self, sql: str, pid: int) -> bool:
        """Asks about a server process over a connection of its own, and waits no longer than for a connection."""
        answers: list[bool] = []

        def ask() -> None:
            with contextlib.suppress(WaybillError), self._session("asking") as connection:
                answers.append(bool(connection.execute(sa.text(sql), {"pid": pid}).scalar_one()))

        thread = threading.Thread(target=ask, name="postgresql-ask", daemon=True)
        thread.start()
        thread.join(self.config.connect_timeout_seconds)
        return bool(answers and answers[0])


def _locked_session(config: SqlConfig, snapshot: str, select: str) -> SnapshotSession:
    session = SnapshotSession(config, snapshot)
    try:
        session.lock(select)
    except Exception:
        session.close()
        raise
    return session


def _helping_session(config: SqlConfig, snapshot: str, select: str) -> SnapshotSession:
    """As `_locked_session`, for a session that can be done without.

    Raises:
        NoHelperError: the server, or the role's limit, has no connection left.
    """
    try:
        return _locked_session(config, snapshot, select)
    except Exception as error:
        if _NO_MORE_CONNECTIONS.search(str(error)):
            raise NoHelperError from error
        raise
