"""SQLite: rows wait in a temporary table of the connection, then one `BEGIN IMMEDIATE` transaction replaces the old ones.

In WAL mode readers go on reading the old rows until the COMMIT.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.sqlite.target_writer import SqliteTargetWriter, stage_rows
from resources.connectors.sql.sqlite.write_session import SqliteWriteSession
from resources.connectors.sql.writing.delivery import ViewState
from resources.connectors.sql.writing.file_delivery import FileDelivery, check_folder
from resources.connectors.sql.writing.job import ExportJob, Outcome
from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.look import Columns
from resources.connectors.sql.writing.plan import TablePlan
from resources.kernel.errors import InputError, WaybillError

_LEDGER_TYPES = (*("TEXT",) * 5, "INTEGER", "TIMESTAMPTZ")


def open_delivery(config: SqlConfig, engine: sa.Engine, job: ExportJob) -> SqliteDelivery:
    """Opens the file, or makes it if its folder exists.

    Raises:
        ConfigError: the folder does not exist.
        InputError: a schema other than `main`.
    """
    _check_place(config, job)
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    if not isinstance(connection, sqlite3.Connection):
        raise TypeError(f"{type(connection).__name__} is no connection of sqlite3")
    session = SqliteWriteSession(connection, job)
    return SqliteDelivery(session, Ledger(session, _LEDGER_TYPES))


def look_at_delivery(
    config: SqlConfig, connect: Callable[[], sqlite3.Connection], job: ExportJob
) -> SqliteDelivery | None:
    """A delivery over a connection that only reads; None while there is no file.

    Raises:
        ConfigError: the folder does not exist.
        InputError: a schema other than `main`.
    """
    _check_place(config, job)
    if config.path is None or not config.path.exists():
        return None
    session = SqliteWriteSession(connect(), job)
    return SqliteDelivery(session, Ledger(session, _LEDGER_TYPES))


def _check_place(config: SqlConfig, job: ExportJob) -> None:
    check_folder(config, job)
    if job.table.schema not in (None, "main"):
        raise InputError(f"{job.doing}: SQLite has no schema {job.table.schema!r}, only main")


class SqliteDelivery(FileDelivery[SqliteWriteSession]):
    """One delivery into a SQLite file."""

    def prepare(self) -> None:
        """Foreign keys count; a file that is made now gets a write-ahead log, an old one keeps its mode."""
        self.session.execute("PRAGMA foreign_keys = ON")
        if self.session.execute("PRAGMA main.page_count") == [(0,)]:
            self.session.execute("PRAGMA main.journal_mode = WAL")

    def stage_or_peek(self) -> None:
        """All rows wait outside of the file: it has one writer at a time, which keeps all others out.

        What can be refused at once is refused first; under the lock it is looked at again, since the table may have
        changed while the rows were loaded. It may also have changed since the ledger was asked: another process of this
        run that delivers in between makes the very table that modes `safe` and `timestamp` refuse. So the ledger is asked
        once more before a refusal counts.
        """
        try:
            self._refuse_early()
        except WaybillError:
            if self.delivered() is None:
                raise
            return
        stage_rows(self.session)

    def _refuse_early(self) -> None:
        target = self.inspect()
        self.refuse_empty(target)
        SqliteTargetWriter(self.session, self.plan(target), target).check_children()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """`BEGIN IMMEDIATE`: a transaction that begins to write only later may find another writer."""
        self.session.execute("BEGIN IMMEDIATE")
        yield
        try:
            self.session.execute("COMMIT")
        except sqlite3.IntegrityError as error:  # of a foreign key, which waits until now
            raise self.session.referred(error) from error

    def examine(self, plan: TablePlan, target: Columns | None) -> None:
        """Foreign keys of other tables."""
        SqliteTargetWriter(self.session, plan, target).check_children()

    def write(self, plan: TablePlan, target: Columns | None, outcome: Outcome) -> None:
        """See the base."""
        SqliteTargetWriter(self.session, plan, target).write(outcome)

    def view_state(self, name: str) -> ViewState:
        """By the comment inside the view's text."""
        rows = self.session.execute(
            "SELECT type, sql FROM main.sqlite_master WHERE lower(name) = lower(?1)", name
        )
        if not rows:
            return "absent"
        kind, sql = rows[0]
        return "ours" if kind == "view" and self.job.view_marker in str(sql) else "foreign"

    def replace_view(self, name: str) -> list[str]:
        """Drops and makes the view in the running transaction."""
        view = self.session.qualified(name)
        self.session.execute(f"DROP VIEW IF EXISTS {view}")
        self.session.execute(
            f"CREATE VIEW {view} AS /* {self.job.view_marker} */"
            f" SELECT * FROM {quote_identifier(self.job.table.name)}"
        )
        return []

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless a view names it."""
        execute = self.session.execute
        execute("BEGIN IMMEDIATE")
        used = execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'view' AND instr(sql, ?1) > 0", name
        )
        if not used:
            execute(f"DROP TABLE IF EXISTS {self.session.qualified(name)}")
        execute("COMMIT")
        return f"table {name} is kept beyond its time: view {used[0][0]} uses it" if used else None
