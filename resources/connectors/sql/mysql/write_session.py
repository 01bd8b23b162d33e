"""The session of an export to MySQL: statements, locks, how long they are waited for, and the swap of two tables."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from typing import TypeVar

from resources.connectors.sql.mysql.errors import code_of
from resources.connectors.sql.mysql.session import MysqlSession, literal
from resources.connectors.sql.mysql.target import Catalog
from resources.connectors.sql.mysql.violations import violation
from resources.connectors.sql.names import (
    LEDGER_TABLE,
    is_too_long,
    quote_identifier,
    staging_name,
)
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.session import WriteSession
from resources.kernel.errors import ConflictError, SchemaMismatchError
from resources.kernel.retries import RetryPolicy

Result = TypeVar("Result")

WRITING_MODE = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
"""Standard quotes; nothing that does not fit is stored otherwise; a 0 in an AUTO_INCREMENT column stays a 0."""

LOCK_CODES = frozenset({1205, 1213})
_LOCK_STEP_SECONDS = 5.0


class MysqlWriteSession(WriteSession):
    """One session that has signed in with `WRITING_MODE`.

    Attributes:
        line: what it goes over.
        catalog: questions about the target's database.
    """

    def __init__(self, line: MysqlSession, job: ExportJob, database: str) -> None:
        super().__init__(job)
        self.line = line
        self.database = database
        ((folds,),) = line.rows("SELECT @@lower_case_table_names")
        self.catalog = Catalog(self.execute, self.mark, database, folds_names=bool(folds))

    def close(self) -> None:
        """Ends the session: its temporary tables, its locks and what it has not committed go with it."""
        self.line.drop()

    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement; see the base."""
        for number, value in enumerate(parameters, start=1):
            text = str(value) if isinstance(value, int) else literal(str(value))
            sql = sql.replace(self.mark(number), text)
        if sql.lstrip()[:6].upper() in {"SELECT", "SHOW W"}:
            return self.line.rows(sql)
        self.change(sql)
        return []

    def change(self, sql: str | bytes) -> int:
        """Runs a statement that returns no rows, however long it takes; how many rows it changed.

        Raises:
            InputError: a value or a row that the table refuses.
        """
        try:
            return self.line.wire.run(sql).rows
        except Exception as error:
            refused = violation(error, self.job)
            if refused is None:
                raise
            raise refused from error

    def mark(self, number: int) -> str:
        """A sign that no statement holds otherwise: names and texts have no NUL characters."""
        return f"\0{number}\0"

    def qualified(self, name: str) -> str:
        """`"database"."name"`; never a name that is too long (E38)."""
        if is_too_long(name, self.job.dialect.name_limit):
            raise SchemaMismatchError(f"the name {name[:80]!r} is too long for MySQL")
        return f"{quote_identifier(self.database)}.{quote_identifier(name)}"

    def inspect(self, name: str) -> tuple[TargetColumn, ...] | None:
        """Columns of a table, or None; see the base."""
        found = self.catalog.find(name)
        return None if found is None else self.catalog.columns(found)

    def existing_tables(self) -> set[str]:
        """Tables of the database, as the ledger spells those that it knows."""
        names = {name for name, (kind, _) in self.catalog.tables().items() if kind != "VIEW"}
        rows = self.execute(f'SELECT DISTINCT "target" FROM {self.qualified(LEDGER_TABLE)}')
        return names | {str(t) for (t,) in rows if self.catalog.spelled(str(t), names)}

    def lock(self, what: str) -> None:
        """Waits until no other export of Waybill works on the same thing; the session's end lets go (E17).

        Raises:
            ConflictError: another one did, all the time.
        """
        name = lock_name(self.database, what)
        deadline = time.monotonic() + self.job.settings.exporter_wait_seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            # In steps: a server that says nothing for an hour would count as gone.
            ((got,),) = self.execute(
                f"SELECT GET_LOCK({self.mark(1)}, {min(left, _LOCK_STEP_SECONDS):.1f})", name
            )
            if got == 1:
                return
            if time.monotonic() >= deadline:
                raise ConflictError(
                    f"{self.job.doing}: another export has been writing this table for over"
                    f" {self.job.settings.exporter_wait_seconds:g} s",
                    hint="Try again when it is done",
                )

    def limit_locks(self, seconds: float) -> None:
        """How long each lock is waited for from now on."""
        whole = max(1, round(seconds))
        self.execute(
            f"SET SESSION lock_wait_timeout = {whole}, SESSION innodb_lock_wait_timeout = {whole}"
        )

    def patiently(self, step: Callable[[], Result], *, decided: str = "") -> Result:
        """Tries a step that needs a lock on the table; each try gives up after the lock timeout (E48).

        Args:
            step: what to do.
            decided: the table in which the rows wait, where their delivery is committed and only this step is left.

        Raises:
            ConflictError: another session held the table through all tries.
        """
        settings = self.job.settings
        self.limit_locks(settings.lock_timeout_seconds)
        try:
            return RetryPolicy(settings.lock_attempts).run(
                lambda: self._undone_if_locked(step), may_pass=_is_locked
            )
        except Exception as error:
            if _is_locked(error):
                raise self._held(decided) from error
            raise

    def _undone_if_locked(self, step: Callable[[], Result]) -> Result:
        try:
            return step()
        except Exception as error:
            if _is_locked(error):
                self.execute("ROLLBACK")
            raise

    def _held(self, decided: str) -> ConflictError:
        settings = self.job.settings
        state = (
            f"the new rows are committed in {decided} and in the ledger, and take the table's place with the next"
            " export of this table or the retry of this run; until then readers see the old rows"
            if decided
            else "the old rows stay"
        )
        return ConflictError(
            f"{self.job.doing}: table {self.job.table} is in use by another session; {state}",
            hint=f"It was waited for {settings.lock_attempts} times"
            f" {settings.lock_timeout_seconds:g} s. Try again when that session is done",
            table=str(self.job.table),
        )

    def swap_in(self, staging: str, *, replaces: bool) -> None:
        """Puts a staging table in the table's place, in one step that is seen whole or not at all.

        Args:
            staging: its name.
            replaces: whether a table that is there makes way.

        Raises:
            ConflictError: there is one and it must not.
        """
        table, new = self.qualified(self.job.table.name), self.qualified(staging)
        if self.catalog.find(self.job.table.name) is None:
            self.patiently(lambda: self.execute(f"RENAME TABLE {new} TO {table}"), decided=staging)
            return
        if not replaces:
            raise ConflictError(
                f"{self.job.doing}: another session created a table of this name meanwhile; the rows are in {staging}",
                hint="Rename or drop that table, and run the export again",
            )
        old = self.qualified(staging_name(self.job.table.name, f"old\0{staging}"))
        swap = f"RENAME TABLE {table} TO {old}, {new} TO {table}"
        self.patiently(lambda: self.execute(swap), decided=staging)
        self.execute(f"DROP TABLE {old}")

    def forget(self, staging: str) -> None:
        """Undoes a transaction and drops its staging table, as far as the line still holds."""
        self.line.hurry()
        with contextlib.suppress(Exception):  # the error that led here is the one to be told
            self.line.wire.run("ROLLBACK")
            self.line.wire.run(f"DROP TABLE IF EXISTS {staging}")


def lock_name(database: str, what: str) -> str:
    """The name by which exporters of one thing keep out of each other's way: names of tables may fold."""
    text = f"{database}\0{what}".casefold()
    return f"waybill:{hashlib.sha256(text.encode()).hexdigest()[:48]}"


def _is_locked(error: Exception) -> bool:
    return code_of(error) in LOCK_CODES
