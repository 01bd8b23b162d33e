"""MySQL and MariaDB, where DDL commits by itself: what is done is chosen so that the one commit decides everything.

A lock of the server's keeps exporters of one table apart (E17). The rows get into the table by one of these ways:

- **insert** (append, or no old rows) and **delete+insert** (up to a million old rows, or a table that something hangs on):
  the rows wait in a TEMPORARY table of the session, or go straight in; one transaction deletes, inserts and writes the
  ledger row. Readers see the old rows until the COMMIT. Whatever ends the session, a kill included, leaves nothing.
- **create**, **recreate** and **rename** (more old rows): the rows go into a staging table. One transaction holds them and the
  ledger row: its COMMIT decides that the run has delivered. Then RENAME TABLE, which is atomic, puts the staging table in
  the table's place. A run that dies between the two is finished by its retry: the ledger row says that it delivered, and
  a staging table of its run says that the renaming is still to be done. So does the next export of the same table,
  whoever's it is; a staging table without a ledger row it drops.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from typing import Any, TypeVar

from resources.connectors.sql.connector import SqlConnector
from resources.connectors.sql.mysql.errors import code_of
from resources.connectors.sql.mysql.session import MysqlSession, literal
from resources.connectors.sql.mysql.table_writer import TableWriter
from resources.connectors.sql.mysql.target import Catalog
from resources.connectors.sql.mysql.violations import violation
from resources.connectors.sql.mysql.written_types import mysql_octets, mysql_takes, mysql_type
from resources.connectors.sql.names import (
    LEDGER_TABLE,
    is_too_long,
    latest_view_name,
    parse_timestamped_name,
    quote_identifier,
    staging_name,
)
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.session import (
    ExportJob,
    ExportSession,
    Outcome,
    ViewState,
)
from resources.kernel.errors import ConflictError, NotFoundError, SchemaMismatchError

DIALECT = ExportDialect(
    title="MySQL",
    name_limit=(64, "characters"),
    max_columns=1017,
    column_type=mysql_type,
    takes=mysql_takes,
    folds_case=True,
    octets=mysql_octets,
)

Result = TypeVar("Result")

WRITING_MODE = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
"""Standard quotes; nothing that does not fit is stored otherwise; a 0 in an AUTO_INCREMENT column stays a 0."""

LOCK_CODES = frozenset({1205, 1213})
_RETENTION_LOCK_SECONDS = 1
_LOCK_STEP_SECONDS = 5.0
_NAME = "VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_STRING = "TEXT CHARACTER SET utf8mb4"


def open_session(connector: SqlConnector, job: ExportJob) -> MysqlExport:
    """Connects."""
    connect: Any = connector.session  # type: ignore[attr-defined]  # of this dialect's connector class
    return MysqlExport(connect(writes=True, sql_mode=WRITING_MODE), job, connector)


class MysqlExport(ExportSession):
    """One export over one session."""

    ledger_types = (
        _NAME,
        _NAME.replace("200", "64"),
        _NAME,
        _STRING,
        _STRING,
        "BIGINT",
        "VARCHAR(40)",
    )

    def __init__(self, session: MysqlSession, job: ExportJob, connector: SqlConnector) -> None:
        super().__init__(job)
        self.session = session
        self.database = str(job.table.schema or connector.config.database)
        ((folds,),) = session.rows("SELECT @@lower_case_table_names")
        self.catalog = Catalog(self.execute, self.mark, self.database, folds_names=bool(folds))

    def close(self) -> None:
        """Ends the session: its temporary tables, its locks and what it has not committed go with it."""
        self.session.drop()

    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement; see the base."""
        for number, value in enumerate(parameters, start=1):
            text = str(value) if isinstance(value, int) else literal(str(value))
            sql = sql.replace(self.mark(number), text)
        if sql.lstrip()[:6].upper() in {"SELECT", "SHOW W"}:
            return self.session.rows(sql)
        self.change(sql)
        return []

    def change(self, sql: str | bytes) -> int:
        """Runs a statement that returns no rows, however long it takes; how many rows it changed.

        Raises:
            InputError: a value or a row that the table refuses.
        """
        try:
            return self.session.wire.run(sql).rows
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
        if is_too_long(name, DIALECT.name_limit):
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

    def deliver(self) -> Outcome:
        """See the module's text."""
        self._prepare()
        if self.find_delivery() is None:
            self.job.source.peek()
        self._lock(f"table {self.job.request.table.name}")
        self._settle()
        if (done := self.find_delivery()) is not None:
            return self._finish(done)
        target = self.inspect(self.job.table.name)
        self.refuse_empty(target)
        plan = self.plan(target)
        outcome = Outcome(added=tuple(c.name for c in plan.added), warnings=[*plan.warnings])
        TableWriter(self, plan, target).write(outcome)
        outcome.rows = self.job.source.rows
        if self.job.request.mode == "timestamp":
            outcome.warnings += self.point_latest()
        return outcome

    def commit(self, rows: int) -> None:
        """Writes the ledger row into the running transaction, and ends it: now the run has delivered."""
        self.record_delivery(rows)
        self.execute("COMMIT")

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
                f"{self.job.doing}: somebody made a table of this name meanwhile; the rows wait in {staging}",
                hint="Rename or drop that table, and run the export again",
            )
        old = self.qualified(staging_name(self.job.table.name, f"old\0{staging}"))
        swap = f"RENAME TABLE {table} TO {old}, {new} TO {table}"
        self.patiently(lambda: self.execute(swap), decided=staging)
        self.execute(f"DROP TABLE {old}")

    def forget(self, staging: str) -> None:
        """Undoes a transaction and drops its staging table, as far as the line still holds."""
        self.session.hurry()
        with contextlib.suppress(Exception):  # the error that led here is the one to be told
            self.session.wire.run("ROLLBACK")
            self.session.wire.run(f"DROP TABLE IF EXISTS {staging}")

    def patiently(self, step: Callable[[], Result], *, decided: str = "") -> Result:
        """Tries a step that needs a lock on the table; each try gives up after the lock timeout (E48).

        Args:
            step: what to do.
            decided: the table in which the rows wait, where their delivery is committed and only this step is left.

        Raises:
            ConflictError: another session held the table through all tries.
        """
        settings = self.job.settings
        self._limit_locks(settings.lock_timeout_seconds)
        for left in reversed(range(settings.lock_attempts)):
            try:
                return step()
            except Exception as error:
                if code_of(error) not in LOCK_CODES:
                    raise
                self.execute("ROLLBACK")
                if not left:
                    raise self._held(decided) from error
        raise ConflictError(f"{self.job.doing}: no try to lock the table was allowed")

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

    def _prepare(self) -> None:
        """Makes the ledger, if it is not there."""
        found = self.execute(
            f"SELECT 1 FROM information_schema.schemata WHERE schema_name = {self.mark(1)}",
            self.database,
        )
        if not found:
            raise NotFoundError(
                f"{self.job.doing}: there is no database {self.database!r}", hint="Create it first"
            )
        if not self.has_ledger():
            self._lock("ledger")
            self.create_ledger()

    def _lock(self, what: str) -> None:
        """Waits until no other export of Waybill works on the same thing; the session's end lets go (E17)."""
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

    def _limit_locks(self, seconds: float) -> None:
        whole = max(1, round(seconds))
        self.execute(
            f"SET SESSION lock_wait_timeout = {whole}, SESSION innodb_lock_wait_timeout = {whole}"
        )

    def _settle(self) -> None:
        """Ends what killed exports of this table left half-way: nobody else works on it while the lock is held (R7).

        A staging table whose run is in the ledger takes its place, all others go.
        """
        left = self.catalog.staging_tables(staging_name(self.job.table.name, "")[5:13])
        if not left:
            return
        rows = self.execute(
            f'SELECT run_id, mode FROM {self.qualified(LEDGER_TABLE)} WHERE "target" = {self.mark(1)}',
            self.job.table.name,
        )
        decided = {staging_name(self.job.table.name, str(run)): mode for run, mode in rows}
        for name in left:
            if name in decided:
                self.swap_in(name, replaces=decided[name] == "overwrite")
            elif not self.catalog.children(
                name
            ):  # else somebody's foreign key has followed it: not ours to drop
                self.execute(f"DROP TABLE IF EXISTS {self.qualified(name)}")

    def _finish(self, done: Outcome) -> Outcome:
        """What may be left to do of a delivery that was made: the view of the newest table."""
        if self.job.request.mode == "timestamp" and self._should_show():
            done.warnings += self.point_latest()
        return done

    def _should_show(self) -> bool:
        """Whether the view of the newest table is still to be moved to the table of this run."""
        if self.catalog.find(self.job.table.name) is None:
            return False
        shown = self.catalog.view_text(
            latest_view_name(self.job.request.table.name, DIALECT.name_limit)
        )
        if shown is None:
            return True
        fold = self.catalog.fold
        names = [name for name in self.existing_tables() if f"`{fold(name)}`" in fold(shown)]
        ours = parse_timestamped_name(self.job.table.name)
        parsed = [parse_timestamped_name(name) for name in names]
        return all(other is None or (ours is not None and other < ours) for other in parsed)

    def view_state(self, name: str) -> ViewState:
        """By the condition that `replace_view` writes: the server keeps no comments of a view."""
        if self.catalog.spelled(name, self.catalog.tables()) is None:
            return "absent"
        text = self.catalog.view_text(name)
        return "ours" if text is not None and self.job.view_marker in text else "foreign"

    def replace_view(self, name: str) -> list[str]:
        """CREATE OR REPLACE VIEW is one step, and keeps the view's grants."""
        self.patiently(
            lambda: self.execute(
                f"CREATE OR REPLACE SQL SECURITY INVOKER VIEW {self.qualified(name)} AS SELECT * FROM"
                f" {self.qualified(self.job.table.name)} WHERE {literal(self.job.view_marker)} <> ''"
            )
        )
        return []

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless somebody reads it just now or a view needs it."""
        if views := self.catalog.views_on(name):
            return f"table {name} is kept beyond its time: view {views[0]} uses it"
        self._limit_locks(_RETENTION_LOCK_SECONDS)
        try:
            self.execute(f"DROP TABLE IF EXISTS {self.qualified(name)}")
        except Exception as error:
            if code_of(error) not in LOCK_CODES:
                raise
            return f"table {name} is kept beyond its time: another session uses it"
        return None


def lock_name(database: str, what: str) -> str:
    """The name by which exporters of one thing keep out of each other's way: names of tables may fold."""
    text = f"{database}\0{what}".casefold()
    return f"waybill:{hashlib.sha256(text.encode()).hexdigest()[:48]}"
