"""PostgreSQL: one transaction holds everything, from the staging table to the ledger row.

A lock for the transaction's time keeps exporters of one table apart (E17). The rows arrive by binary COPY:

- a table that does not exist, or holds no row, or is appended to, takes them directly: nobody sees them before COMMIT;
- one with old rows has them deleted and takes the new ones directly: readers go on with the old rows, and every snapshot
  stays whole; other writers wait;
- rows that change their type on the way, or bring new columns, go to an UNLOGGED staging table first, so that the first
  value that does not fit is found before the table is touched. So do rows that replace more old ones than the exporter
  wants deleted: the TRUNCATE then needs the table alone only while the server moves them over (2b).

The table is never renamed, so grants, views, indexes, triggers, policies and comments stay (R6). The staging table is
created by the same transaction: whatever ends it, a kill or a crash included, leaves no table behind (R7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from resources.connectors.sql.connector import SqlConnector
from resources.connectors.sql.names import is_too_long, quote_identifier, quote_literal
from resources.connectors.sql.postgresql.table_writer import TableWriter
from resources.connectors.sql.postgresql.target import (
    find_table,
    read_columns,
    read_view_marker,
)
from resources.connectors.sql.postgresql.violations import value_errors, violation
from resources.connectors.sql.postgresql.written_types import (
    SYSTEM_COLUMNS,
    postgresql_octets,
    postgresql_takes,
    postgresql_type,
)
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.session import (
    ExportJob,
    ExportSession,
    Outcome,
    ViewState,
)
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    MissingDependencyError,
    NotFoundError,
    SchemaMismatchError,
)

if TYPE_CHECKING:
    import psycopg

DIALECT = ExportDialect(
    title="PostgreSQL",
    name_limit=(63, "bytes"),
    max_columns=1600,
    column_type=postgresql_type,
    takes=postgresql_takes,
    folds_case=False,
    reserved_columns=SYSTEM_COLUMNS,
    octets=postgresql_octets,
)

Result = TypeVar("Result")

_RETENTION_LOCK_SECONDS = 1.0
_BRIEF_SECONDS = 1.0

_SESSION = (
    # A dead client's transaction must not hold its locks until the operating system gives up on the connection.
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
    # Compiling the one INSERT costs more than it saves.
    "SET jit = off",
    # Texts are read, and compared with what the server prints, in one form whatever the database's own is.
    "SET DateStyle = 'ISO, YMD'",
    "SET TimeZone = 'UTC'",
)


def open_session(connector: SqlConnector, job: ExportJob) -> PostgresqlSession:
    """Connects.

    Raises:
        MissingDependencyError: psycopg or pgpq is not installed.
    """
    try:
        import pgpq  # noqa: F401 - the clear error before anything is started
    except ImportError:
        raise MissingDependencyError(
            "pgpq", extra="postgres", purpose="An export to PostgreSQL"
        ) from None
    from psycopg import RawCursor

    engine: Any = connector.engine()  # type: ignore[attr-defined]  # of this dialect's connector class
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    connection.autocommit = True
    connection.cursor_factory = RawCursor
    return PostgresqlSession(connection, job)


class PostgresqlSession(ExportSession):
    """One export over one connection."""

    def __init__(self, connection: psycopg.Connection[Any], job: ExportJob) -> None:
        super().__init__(job)
        self.connection = connection
        self.schema = ""

    def close(self) -> None:
        """Ends the connection."""
        self.connection.close()

    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement; see the base."""
        try:
            cursor = self.connection.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []
        except value_errors() as error:
            raise violation(error, self.job) from error

    def count(self, sql: str) -> int:
        """Runs a statement that changes rows, and returns how many."""
        try:
            return int(self.connection.execute(sql).rowcount)
        except value_errors() as error:
            raise violation(error, self.job) from error

    def attempt(self, sql: str) -> list[tuple[object, ...]] | str:
        """The rows of a query inside the transaction, or why the server refuses its values."""
        from psycopg import DataError, IntegrityError, NotSupportedError, ProgrammingError

        self.connection.execute("SAVEPOINT waybill_attempt")
        try:
            rows = self.connection.execute(sql).fetchall()
        except (DataError, IntegrityError, NotSupportedError, ProgrammingError) as error:
            self.connection.execute("ROLLBACK TO SAVEPOINT waybill_attempt")
            return error.diag.message_primary or type(error).__name__
        self.connection.execute("RELEASE SAVEPOINT waybill_attempt")
        return rows

    def mark(self, number: int) -> str:
        """`$1`."""
        return f"${number}"

    def qualified(self, name: str) -> str:
        """`"schema"."name"`; never a name that the server would cut (E38)."""
        if is_too_long(name, DIALECT.name_limit):
            raise SchemaMismatchError(f"the name {name[:80]!r} is too long for PostgreSQL")
        return f"{quote_identifier(self.schema)}.{quote_identifier(name)}"

    def inspect(self, name: str) -> tuple[TargetColumn, ...] | None:
        """Columns of a table, or None; see the base."""
        oid = find_table(self.execute, self.schema, name)
        return None if oid is None else read_columns(self.execute, oid)

    def existing_tables(self) -> set[str]:
        """Tables of the schema."""
        rows = self.execute("SELECT tablename FROM pg_tables WHERE schemaname = $1", self.schema)
        return {str(name) for (name,) in rows}

    def deliver(self) -> Outcome:
        """See the module's text."""
        self._prepare()
        if (done := self.find_delivery()) is not None:
            return done
        self.job.source.peek()
        self.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        self._lock(f"table {self.job.request.table.name}", self.job.settings.exporter_wait_seconds)
        if (done := self.find_delivery()) is not None:
            self.execute("COMMIT")
            return done
        target = self.inspect(self.job.table.name)
        self.refuse_empty(target)
        plan = self.plan(target)
        outcome = Outcome(added=tuple(c.name for c in plan.added), warnings=[*plan.warnings])
        TableWriter(self, plan, target).write(outcome)
        outcome.rows = self.job.source.rows
        if self.job.request.mode == "timestamp":
            outcome.warnings += self.point_latest()
        self.record_delivery(outcome.rows)
        self.execute("COMMIT")
        return outcome

    def _prepare(self) -> None:
        """Settles the schema and makes the ledger, so that the export itself needs no DDL on shared tables."""
        for statement in _SESSION:
            self.execute(statement)
        wanted = self.job.table.schema
        ((current,),) = self.execute("SELECT current_schema()")
        if wanted is None and current is None:
            raise ConfigError(
                f"{self.job.doing}: the user has no schema to write to", hint="Set `schema:`"
            )
        self.schema = str(wanted or current)
        if not self.execute("SELECT 1 FROM pg_namespace WHERE nspname = $1", self.schema):
            raise NotFoundError(
                f"{self.job.doing}: there is no schema {self.schema!r}", hint="Create it first"
            )
        if not self.has_ledger():
            self.execute("BEGIN")
            self._lock("ledger", self.job.settings.exporter_wait_seconds)
            self.create_ledger()
            self.execute("COMMIT")

    def _lock(self, what: str, seconds: float) -> None:
        """Waits until no other export of Waybill works on the same thing, and keeps others out until COMMIT (E17)."""
        from psycopg.errors import LockNotAvailable

        self._limit_locks(seconds)
        try:
            self.execute("SELECT pg_advisory_xact_lock($1::bigint)", lock_key(self.schema, what))
        except LockNotAvailable as error:
            raise ConflictError(
                f"{self.job.doing}: another export has been writing this table for over {seconds:g} s",
                hint="Try again when it is done",
            ) from error
        self._limit_locks(self.job.settings.lock_timeout_seconds)

    def _limit_locks(self, seconds: float) -> None:
        self.execute(f"SET LOCAL lock_timeout = '{max(1, round(seconds * 1000))}ms'")

    def patiently(self, step: Callable[[], Result], *, release: bool = False) -> Result:
        """Tries a step that needs a lock on the table; each try gives up after the lock timeout (E48).

        Args:
            step: what to do; undone before it is tried again.
            release: undo it in the end, too, and give its locks back: for a look at the table before rows are loaded.

        Raises:
            ConflictError: another session held the table through all tries.
        """
        from psycopg.errors import DeadlockDetected, LockNotAvailable

        settings = self.job.settings
        self.execute("SAVEPOINT waybill_step")
        self._limit_locks(settings.lock_timeout_seconds)
        for left in reversed(range(settings.lock_attempts)):
            try:
                result = step()
            except (LockNotAvailable, DeadlockDetected) as error:
                self.execute("ROLLBACK TO SAVEPOINT waybill_step")
                if not left:
                    raise ConflictError(
                        f"{self.job.doing}: table {self.job.table} is in use by another session;"
                        " the old rows stay",
                        hint=f"It was waited for {settings.lock_attempts} times"
                        f" {settings.lock_timeout_seconds:g} s. Try again when that session is done",
                        table=str(self.job.table),
                    ) from error
            else:
                self.execute(f"{'ROLLBACK TO' if release else 'RELEASE'} SAVEPOINT waybill_step")
                return result
        raise ConflictError(f"{self.job.doing}: no try to lock the table was allowed")

    def lock_briefly(self, statement: str) -> bool:
        """Whether a lock could be had within a second, so that others who queue behind it do not wait longer."""
        from psycopg.errors import DeadlockDetected, LockNotAvailable

        patience = self.job.settings.lock_timeout_seconds
        self.execute("SAVEPOINT waybill_lock")
        self._limit_locks(min(_BRIEF_SECONDS, patience))
        try:
            self.execute(statement)
        except (LockNotAvailable, DeadlockDetected):
            self.execute("ROLLBACK TO SAVEPOINT waybill_lock")
            return False
        finally:
            self._limit_locks(patience)
        return True

    def view_state(self, name: str) -> ViewState:
        """By the comment that `replace_view` leaves."""
        kind, comment = read_view_marker(self.execute, self.schema, name)
        if not kind:
            return "absent"
        return "ours" if kind == "v" and comment == self.job.view_marker else "foreign"

    def replace_view(self, name: str) -> list[str]:
        """CREATE OR REPLACE keeps the view's grants; with other columns it has to be made anew."""
        from psycopg.errors import DependentObjectsStillExist, InvalidTableDefinition

        view = self.qualified(name)
        query = f"VIEW {view} AS SELECT * FROM {self.qualified(self.job.table.name)}"
        comment = f"COMMENT ON VIEW {view} IS {quote_literal(self.job.view_marker)}"
        try:
            self.patiently(lambda: self.execute(f"CREATE OR REPLACE {query}"))
            self.execute(comment)
        except InvalidTableDefinition:
            self.execute("ROLLBACK TO SAVEPOINT waybill_step")
        else:
            return []
        try:
            self.patiently(lambda: self.execute(f"DROP VIEW IF EXISTS {view}"))
        except DependentObjectsStillExist:
            self.execute("ROLLBACK TO SAVEPOINT waybill_step")
            return [f"view {name} still shows the table before: other objects need its old columns"]
        self.execute(f"CREATE {query}")
        self.execute(comment)
        return [f"view {name} was made anew because the columns changed: its grants are gone"]

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless somebody reads it just now or a view needs it."""
        from psycopg.errors import DependentObjectsStillExist, LockNotAvailable

        self.execute("BEGIN")
        self._limit_locks(_RETENTION_LOCK_SECONDS)
        try:
            self.execute(f"DROP TABLE IF EXISTS {self.qualified(name)}")
        except (DependentObjectsStillExist, LockNotAvailable) as error:
            self.execute("ROLLBACK")
            used = isinstance(error, LockNotAvailable)
            reason = "another session uses it" if used else "other objects depend on it"
            return f"table {name} is kept beyond its time: {reason}"
        self.execute("COMMIT")
        return None


def lock_key(schema: str, what: str) -> int:
    """The number by which exporters of one thing keep out of each other's way."""
    text = f"waybill export\0{schema}\0{what}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)
