"""The connection of an export to PostgreSQL: statements, locks, and how long they are waited for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from resources.connectors.sql.names import is_too_long, quote_identifier
from resources.connectors.sql.postgresql.target import find_table, read_columns
from resources.connectors.sql.postgresql.violations import value_errors, violation
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.session import WriteSession
from resources.kernel.errors import ConflictError, SchemaMismatchError
from resources.kernel.retries import RetryPolicy

if TYPE_CHECKING:
    import psycopg

Result = TypeVar("Result")

_BRIEF_SECONDS = 1.0


class PostgresqlWriteSession(WriteSession):
    """One connection in autocommit, whose transactions are begun by hand.

    Attributes:
        schema: where the target is; settled when the delivery is prepared.
    """

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

    def change(self, sql: str) -> int:
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
        if is_too_long(name, self.job.dialect.name_limit):
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

    def lock(self, what: str) -> None:
        """Waits until no other export of Waybill works on the same thing, and keeps others out until COMMIT (E17).

        Raises:
            ConflictError: another one did, all the time.
        """
        from psycopg.errors import LockNotAvailable

        seconds = self.job.settings.exporter_wait_seconds
        self.limit_locks(seconds)
        try:
            self.execute("SELECT pg_advisory_xact_lock($1::bigint)", lock_key(self.schema, what))
        except LockNotAvailable as error:
            raise ConflictError(
                f"{self.job.doing}: another export has been writing this table for over {seconds:g} s",
                hint="Try again when it is done",
            ) from error
        self.limit_locks(self.job.settings.lock_timeout_seconds)

    def limit_locks(self, seconds: float) -> None:
        """How long each lock of this transaction is waited for from now on."""
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
        locked = (LockNotAvailable, DeadlockDetected)
        self.execute("SAVEPOINT waybill_step")
        self.limit_locks(settings.lock_timeout_seconds)

        def attempt() -> Result:
            try:
                return step()
            except locked:
                self.execute("ROLLBACK TO SAVEPOINT waybill_step")
                raise

        try:
            result = RetryPolicy(settings.lock_attempts).run(
                attempt, may_pass=lambda error: isinstance(error, locked)
            )
        except locked as error:
            raise self._held() from error
        self.execute(f"{'ROLLBACK TO' if release else 'RELEASE'} SAVEPOINT waybill_step")
        return result

    def _held(self) -> ConflictError:
        settings = self.job.settings
        return ConflictError(
            f"{self.job.doing}: table {self.job.table} is in use by another session; the old rows stay",
            hint=f"It was waited for {settings.lock_attempts} times {settings.lock_timeout_seconds:g} s."
            " Try again when that session is done",
            table=str(self.job.table),
        )

    def lock_briefly(self, statement: str) -> bool:
        """Whether a lock could be had within a second, so that others who queue behind it do not wait longer."""
        from psycopg.errors import DeadlockDetected, LockNotAvailable

        patience = self.job.settings.lock_timeout_seconds
        self.execute("SAVEPOINT waybill_lock")
        self.limit_locks(min(_BRIEF_SECONDS, patience))
        try:
            self.execute(statement)
        except (LockNotAvailable, DeadlockDetected):
            self.execute("ROLLBACK TO SAVEPOINT waybill_lock")
            return False
        finally:
            self.limit_locks(patience)
        return True


def lock_key(schema: str, what: str) -> int:
    """The number by which exporters of one thing keep out of each other's way."""
    text = f"waybill export\0{schema}\0{what}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)
