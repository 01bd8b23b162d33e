"""DuckDB: one transaction, seen whole by the next process that opens the file.

Old rows are deleted and new ones inserted in a transaction that no other process can look into, so no staging table is needed. Who
finds the file held by another process waits a while (E17).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.duckdb.target_writer import DuckdbTargetWriter
from resources.connectors.sql.duckdb.write_session import (
    HERE,
    Connect,
    DuckdbWriteSession,
    Translated,
    open_session,
)
from resources.connectors.sql.names import quote_literal
from resources.connectors.sql.writing.delivery import ViewState
from resources.connectors.sql.writing.file_delivery import FileDelivery, check_folder
from resources.connectors.sql.writing.job import ExportJob, Outcome
from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.look import Columns
from resources.connectors.sql.writing.plan import TablePlan
from resources.kernel.errors import NotFoundError


def open_delivery(
    config: SqlConfig, job: ExportJob, connect: Connect, translated: Translated
) -> DuckdbDelivery:
    """Opens the file for writing, or makes it if its folder exists; waits while another process holds it.

    Raises:
        ConfigError: the folder does not exist.
        ConflictError: another process held the file all the time.
    """
    check_folder(config, job)
    session = open_session(Path(str(config.path)), job, connect, translated)
    return DuckdbDelivery(session, Ledger(session))


def look_at_delivery(config: SqlConfig, job: ExportJob, connect: Connect) -> DuckdbDelivery | None:
    """A delivery over a connection that only reads, beside others that do; None while there is no file.

    Raises:
        ConfigError: the folder does not exist.
        ConnectorUnavailableError: another process writes the file.
    """
    check_folder(config, job)
    if config.path is None or not config.path.exists():
        return None
    alone = threading.Lock()
    alone.acquire()
    session = DuckdbWriteSession(connect(), job, alone)
    return DuckdbDelivery(session, Ledger(session))


class DuckdbDelivery(FileDelivery[DuckdbWriteSession]):
    """One delivery into a DuckDB file."""

    def settle(self) -> None:
        """Settles that the schema is there.

        Raises:
            NotFoundError: it is not.
        """
        schema = self.session.schema
        known = "SELECT 1 FROM duckdb_schemas() WHERE database_name = current_database()"
        if not self.session.execute(f"{known} AND lower(schema_name) = lower($1)", schema):
            raise NotFoundError(
                f"{self.job.doing}: there is no schema {schema!r}", hint="Create it first"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One process has the file, for as long as the session is open: the transaction is for a kill, not for others."""
        self.session.execute("BEGIN TRANSACTION")
        yield
        self.session.execute("COMMIT")

    def write(self, plan: TablePlan, target: Columns | None, outcome: Outcome) -> None:
        """See the base."""
        DuckdbTargetWriter(self.session, plan, target).write(outcome)

    def view_state(self, name: str) -> ViewState:
        """By the comment that `replace_view` leaves."""
        here = (self.session.schema, name)
        views = self.session.execute(
            f"SELECT comment FROM duckdb_views() WHERE {HERE.format('view')}", *here
        )
        if views:
            return "ours" if views[0][0] == self.job.view_marker else "foreign"
        return "absent" if self.session.inspect(name) is None else "foreign"

    def replace_view(self, name: str) -> list[str]:
        """In the running transaction."""
        view, table = self.session.qualified(name), self.session.qualified(self.job.table.name)
        self.session.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {table}")
        self.session.execute(f"COMMENT ON VIEW {view} IS {quote_literal(self.job.view_marker)}")
        return []

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless a view names it."""
        used = self.session.execute(
            "SELECT view_name FROM duckdb_views() WHERE NOT internal AND contains(sql, $1)", name
        )
        if used:
            return f"table {name} is kept beyond its time: view {used[0][0]} uses it"
        self.session.execute(f"DROP TABLE IF EXISTS {self.session.qualified(name)}")
        return None
