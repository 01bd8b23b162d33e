"""Writing to any database in which rows are deleted and inserted in one transaction.

No staging table: the rows go to the table itself inside the one transaction that deletes the old ones and writes the
ledger row, so that nothing is seen before the COMMIT and nothing is left behind by whatever ends it earlier. Where
a database commits with each change of a table's shape, such changes come first, by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import sqlalchemy as sa

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.names import LEDGER_TABLE
from resources.connectors.sql.sqlalchemy.target_writer import SqlalchemyTargetWriter
from resources.connectors.sql.sqlalchemy.write_facts import WriteFacts
from resources.connectors.sql.sqlalchemy.write_session import (
    SqlalchemyLedger,
    SqlalchemyWriteSession,
)
from resources.connectors.sql.writing.delivery import Delivery, ViewState
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.job import ExportJob, Outcome
from resources.connectors.sql.writing.look import Columns
from resources.connectors.sql.writing.modes import refused_mode
from resources.connectors.sql.writing.plan import TablePlan
from resources.connectors.sql.writing.run import Deliverer
from resources.kernel.errors import InputError
from resources.kernel.quoting import quoted_text


class Reached(Protocol):
    """What a delivery needs of a connector that goes through SQLAlchemy."""

    config: SqlConfig

    def engine(self) -> sa.Engine:
        """An engine that writes."""

    def quote(self, name: str) -> str:
        """A name by the dialect's rule."""


class SqlalchemyDelivery(Delivery[SqlalchemyWriteSession]):
    """One delivery through SQLAlchemy."""

    session_class: type[SqlalchemyWriteSession] = SqlalchemyWriteSession

    def __init__(self, connector: Reached, job: ExportJob, facts: WriteFacts) -> None:
        """Connects.

        Raises:
            InputError: the mode cannot be atomic there.
        """
        self._config = connector.config
        self.facts = facts
        self._refuse_mode(job)
        connection = connector.engine().connect()
        session = self.session_class(connection, job, facts, connector.quote)
        super().__init__(session, SqlalchemyLedger(session))

    def _refuse_mode(self, job: ExportJob) -> None:
        config = self._config
        reason = refused_mode(config.dialect, config.driver or "", job.request.mode)
        if not reason and self.facts.ddl_commits and job.request.on_schema_change == "recreate":
            reason = (
                "dropping a table commits by itself there: until the new rows come there is none"
            )
        if reason:
            raise InputError(f"{job.doing}: {reason}", hint="Choose mode `overwrite` or `append`")

    def prepare(self) -> None:
        """Makes the ledger, by itself: others may make it at the same moment, and one of them fails."""
        session = self.session
        if session.look(self.ledger.exists):
            return
        try:
            session.begin()
            if not self.ledger.exists():
                self.ledger.create()
            session.connection.commit()
        except sa.exc.DBAPIError:
            session.connection.rollback()
            if not session.look(self.ledger.exists):  # else another export has just made it
                raise

    def stage_or_peek(self) -> None:
        """Peeks, in no transaction. Where a change of the table's shape commits, it is made now, before any row moves.

        Then a run that is killed leaves an empty or a wider table behind, never one without its rows.
        """
        self.session.connection.rollback()
        super().stage_or_peek()
        if not self.facts.ddl_commits:
            return
        target = self.inspect()
        self.refuse_empty(target)
        plan = self.plan(target)
        self.session.connection.rollback()
        self._writer(plan, target).reshape()
        self.session.connection.commit()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The connection's own, or what the driver has to be told to begin."""
        self.session.begin()
        yield
        self.session.connection.commit()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """By a lock of the database's that lasts until the COMMIT; how to ask for one differs from system to system."""
        settings = self.job.settings
        patience = settings.lock_timeout_seconds * settings.lock_attempts
        for statement in self.facts.locks:
            self.session.execute(
                statement.format(
                    ledger=self.session.qualified(LEDGER_TABLE),
                    seconds=max(1, round(settings.exporter_wait_seconds)),
                    milliseconds=max(1, round(settings.exporter_wait_seconds * 1000)),
                    lock_milliseconds=max(1, round(patience * 1000)),
                    name=quoted_text(f"waybill export {self.job.request.table.name}"),
                )
            )
        yield

    def write(self, plan: TablePlan, target: Columns | None, outcome: Outcome) -> None:
        """See the base."""
        self._writer(plan, target).write(outcome)

    def _writer(self, plan: TablePlan, target: Columns | None) -> SqlalchemyTargetWriter:
        return SqlalchemyTargetWriter(self.session, plan, target, self._config)

    def finish(self, done: Outcome) -> Outcome:
        """Takes back what the lock did: it may be an UPDATE."""
        self.session.connection.rollback()
        return done

    def view_state(self, name: str) -> ViewState:
        """By the marker that `replace_view` leaves."""
        schema = self.job.table.schema
        inspector = sa.inspect(self.session.connection)
        if not inspector.has_table(name, schema=schema):
            return "absent"
        if name not in inspector.get_view_names(schema=schema):
            return "foreign"
        return "ours" if self.job.view_marker in self.view_text(name) else "foreign"

    def view_text(self, name: str) -> str:
        """What holds the marker: the view's own text, in which these databases keep comments."""
        inspector = sa.inspect(self.session.connection)
        return str(inspector.get_view_definition(name, self.job.table.schema))

    def replace_view(self, name: str) -> list[str]:
        """Drops and makes the view in the running transaction."""
        view, table = self.session.qualified(name), self.session.qualified(self.job.table.name)
        if self.view_state(name) == "ours":
            self.session.execute(f"DROP VIEW {view}")
        self.session.execute(
            f"CREATE VIEW {view} AS /* {self.job.view_marker} */ SELECT * FROM {table}"
        )
        return []

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless something needs it."""
        try:
            self.session.execute(f"DROP TABLE {self.session.qualified(name)}")
            self.session.connection.commit()
        except sa.exc.DBAPIError:
            self.session.connection.rollback()
            return f"table {name} is kept beyond its time: another session or object uses it"
        return None

    def retire(self, outcome: Outcome) -> None:
        """See the base; outside of the transaction that delivered."""
        super().retire(outcome)
        self.session.connection.rollback()


def deliverer(
    connector: Reached,
    dialect: ExportDialect,
    facts: WriteFacts,
    kind: type[SqlalchemyDelivery] = SqlalchemyDelivery,
) -> Deliverer:
    """How a database that is reached through SQLAlchemy takes deliveries."""
    return Deliverer(dialect, lambda job: kind(connector, job, facts))
