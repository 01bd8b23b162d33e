"""PostgreSQL: one transaction holds everything, from the staging table to the ledger row.

A lock for the transaction's time keeps exporters of one table apart (E17). The rows arrive by binary COPY:

- a table that does not exist, or holds no row, or is appended to, takes them directly: no other session sees them before COMMIT;
- one with old rows has them deleted and takes the new ones directly: readers go on with the old rows, and every snapshot
  stays whole; other writers wait;
- rows that change their type on the way, or bring new columns, go to an UNLOGGED staging table first, so that the first
  value that does not fit is found before the table is touched. So do rows that replace more old ones than the exporter
  wants deleted: the TRUNCATE then needs the table alone only while the server moves them over (2b).

The table is never renamed, so grants, views, indexes, triggers, policies and comments stay (R6). The staging table is
created by the same transaction: whatever ends it, a kill or a crash included, leaves no table behind (R7).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa

from resources.connectors.sql.names import quote_literal
from resources.connectors.sql.postgresql.rights import missing_rights
from resources.connectors.sql.postgresql.target import read_view_marker
from resources.connectors.sql.postgresql.target_writer import PostgresqlTargetWriter
from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession
from resources.connectors.sql.writing.delivery import Delivery, ViewState
from resources.connectors.sql.writing.job import ExportJob, Outcome
from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.look import Columns
from resources.connectors.sql.writing.plan import TablePlan
from resources.kernel.errors import ConfigError, MissingDependencyError, NotFoundError

if TYPE_CHECKING:
    import psycopg

_RETENTION_LOCK_SECONDS = 1.0

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


def open_delivery(engine: sa.Engine, job: ExportJob) -> PostgresqlDelivery:
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

    pooled = engine.raw_connection()
    connection = cast("psycopg.Connection[tuple[object, ...]]", pooled.driver_connection)
    pooled.detach()
    connection.autocommit = True
    connection.cursor_factory = RawCursor
    session = PostgresqlWriteSession(connection, job)
    return PostgresqlDelivery(session, Ledger(session))


class PostgresqlDelivery(Delivery[PostgresqlWriteSession]):
    """One delivery into a PostgreSQL table."""

    def settle(self) -> None:
        """Settles which schema is written to.

        Raises:
            ConfigError: the user has none.
            NotFoundError: there is no such schema.
        """
        execute, session = self.session.execute, self.session
        for statement in _SESSION:
            execute(statement)
        wanted = self.job.table.schema
        ((current,),) = execute("SELECT current_schema()")
        if wanted is None and current is None:
            raise ConfigError(
                f"{self.job.doing}: the user has no schema to write to", hint="Set `schema:`"
            )
        session.schema = str(wanted or current)
        if not execute("SELECT 1 FROM pg_namespace WHERE nspname = $1", session.schema):
            raise NotFoundError(
                f"{self.job.doing}: there is no schema {session.schema!r}", hint="Create it first"
            )

    def prepare(self) -> None:
        """Makes the ledger, so that the export itself needs no DDL on shared tables."""
        self.settle()
        if not self.ledger.exists():
            self.session.execute("BEGIN")
            self.session.lock("ledger")
            self.ledger.create()
            self.session.execute("COMMIT")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One for everything, DDL included. READ COMMITTED: what was committed while the lock was waited for is seen."""
        self.session.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        yield
        self.session.execute("COMMIT")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """By an advisory lock, which the server gives back with the transaction: the table itself stays free meanwhile."""
        self.session.lock(f"table {self.job.request.table.name}")
        yield

    def examine(self, plan: TablePlan, target: Columns | None) -> None:
        """Row security, foreign keys, rules and heirs; see `refusals`."""
        PostgresqlTargetWriter(self.session, plan, target).examine()

    def lacking(self, plan: TablePlan) -> Sequence[str]:
        """By the server's own functions; see `rights`."""
        return missing_rights(self.session, plan, has_ledger=self.ledger.exists())

    def write(self, plan: TablePlan, target: Columns | None, outcome: Outcome) -> None:
        """See the base."""
        PostgresqlTargetWriter(self.session, plan, target).write(outcome)

    def view_state(self, name: str) -> ViewState:
        """By the comment that `replace_view` leaves."""
        kind, comment = read_view_marker(self.session.execute, self.session.schema, name)
        if not kind:
            return "absent"
        return "ours" if kind == "v" and comment == self.job.view_marker else "foreign"

    def replace_view(self, name: str) -> list[str]:
        """CREATE OR REPLACE keeps the view's grants; with other columns it has to be made anew."""
        from psycopg.errors import DependentObjectsStillExist, InvalidTableDefinition

        execute, patiently = self.session.execute, self.session.patiently
        view = self.session.qualified(name)
        query = f"VIEW {view} AS SELECT * FROM {self.session.qualified(self.job.table.name)}"
        comment = f"COMMENT ON VIEW {view} IS {quote_literal(self.job.view_marker)}"
        try:
            patiently(lambda: execute(f"CREATE OR REPLACE {query}"))
            execute(comment)
        except InvalidTableDefinition:
            execute("ROLLBACK TO SAVEPOINT waybill_step")
        else:
            return []
        try:
            patiently(lambda: execute(f"DROP VIEW IF EXISTS {view}"))
        except DependentObjectsStillExist:
            execute("ROLLBACK TO SAVEPOINT waybill_step")
            return [f"view {name} still shows the table before: other objects need its old columns"]
        execute(f"CREATE {query}")
        execute(comment)
        return [f"view {name} was made anew because the columns changed: its grants are gone"]

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless it is being read or a view needs it."""
        from psycopg.errors import DependentObjectsStillExist, LockNotAvailable

        execute = self.session.execute
        execute("BEGIN")
        self.session.limit_locks(_RETENTION_LOCK_SECONDS)
        try:
            execute(f"DROP TABLE IF EXISTS {self.session.qualified(name)}")
        except (DependentObjectsStillExist, LockNotAvailable) as error:
            execute("ROLLBACK")
            used = isinstance(error, LockNotAvailable)
            reason = "another session uses it" if used else "other objects depend on it"
            return f"table {name} is kept beyond its time: {reason}"
        execute("COMMIT")
        return None
