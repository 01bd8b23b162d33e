"""MySQL and MariaDB, where DDL commits by itself: what is done is chosen so that the one commit decides everything.

A lock of the server's keeps exporters of one table apart (E17). The rows get into the table by one of these ways:

- **insert** (append, or no old rows) and **delete+insert** (up to a million old rows, or a table that something hangs on):
  the rows wait in a TEMPORARY table of the session, or go straight in; one transaction deletes, inserts and writes the
  ledger row. Readers see the old rows until the COMMIT. Whatever ends the session, a kill included, leaves nothing.
- **create**, **recreate** and **rename** (more old rows): the rows go into a staging table. One transaction holds them and the
  ledger row: its COMMIT decides that the run has delivered. Then RENAME TABLE, which is atomic, puts the staging table in
  the table's place. A run that dies between the two is finished by its retry: the ledger row says that it delivered, and
  a staging table of its run says that the renaming is still to be done. So does the next export of the same table,
  of any run; a staging table without a ledger row it drops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from resources.connectors.sql.mysql.errors import code_of
from resources.connectors.sql.mysql.rights import missing_rights
from resources.connectors.sql.mysql.session import MysqlSession, literal
from resources.connectors.sql.mysql.target_writer import MysqlTargetWriter
from resources.connectors.sql.mysql.write_session import LOCK_CODES, MysqlWriteSession
from resources.connectors.sql.names import (
    LEDGER_TABLE,
    latest_view_name,
    parse_timestamped_name,
    staging_name,
)
from resources.connectors.sql.writing.delivery import Delivery, ViewState
from resources.connectors.sql.writing.job import ExportJob, Outcome
from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.look import Columns
from resources.connectors.sql.writing.plan import TablePlan
from resources.kernel.errors import NotFoundError

_RETENTION_LOCK_SECONDS = 1
_NAME = "VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_STRING = "TEXT CHARACTER SET utf8mb4"
_LEDGER_TYPES = (
    _NAME,
    _NAME.replace("200", "64"),
    _NAME,
    _STRING,
    _STRING,
    "BIGINT",
    "VARCHAR(40)",
)


def open_delivery(line: MysqlSession, job: ExportJob, database: str | None) -> MysqlDelivery:
    """A delivery over a session that has signed in, into `database` where the job names no other."""
    session = MysqlWriteSession(line, job, str(job.table.schema or database))
    return MysqlDelivery(session, Ledger(session, _LEDGER_TYPES))


class MysqlDelivery(Delivery[MysqlWriteSession]):
    """One delivery into a table of MySQL or MariaDB."""

    may_be_unfinished = True
    """A run may die between the COMMIT that delivered and the RENAME TABLE that shows it: its retry renames."""

    def settle(self) -> None:
        """Settles that the database is there.

        Raises:
            NotFoundError: there is no such database.
        """
        execute, database = self.session.execute, self.session.database
        found = execute(
            f"SELECT 1 FROM information_schema.schemata WHERE schema_name = {self.session.mark(1)}",
            database,
        )
        if not found:
            raise NotFoundError(
                f"{self.job.doing}: there is no database {database!r}", hint="Create it first"
            )

    def prepare(self) -> None:
        """Makes the ledger, under a lock of its own, since that commits."""
        self.settle()
        if not self.ledger.exists():
            self.session.lock("ledger")
            self.ledger.create()

    def lacking(self, plan: TablePlan) -> Sequence[str] | None:
        """By the catalog's lists of rights; see `rights`."""
        return missing_rights(self.session, plan, has_ledger=self.ledger.exists())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """None around the whole: the first CREATE, ALTER or RENAME TABLE in it would commit it halfway.

        The writer begins one of its own where no such statement is left to come, and ends it with the ledger row.
        """
        yield

    @contextmanager
    def locked(self) -> Iterator[None]:
        """By a lock of the server's that belongs to the session: one of a transaction would end with the first DDL.

        Its holder finishes what killed exports of this table left half-way: no other export works on it (R7).
        """
        self.session.lock(f"table {self.job.request.table.name}")
        self._settle()
        yield

    def _settle(self) -> None:
        """A staging table whose run is in the ledger takes its place, all others go."""
        session = self.session
        left = session.catalog.staging_tables(staging_name(self.job.table.name, "")[5:13])
        if not left:
            return
        rows = session.execute(
            f"SELECT run_id, mode FROM {session.qualified(LEDGER_TABLE)}"
            f' WHERE "target" = {session.mark(1)}',
            self.job.table.name,
        )
        decided = {staging_name(self.job.table.name, str(run)): mode for run, mode in rows}
        for name in left:
            if name in decided:
                session.swap_in(name, replaces=decided[name] == "overwrite")
            elif not session.catalog.children(name):
                # Otherwise another table's foreign key has followed it: not ours to drop.
                session.execute(f"DROP TABLE IF EXISTS {session.qualified(name)}")

    def write(self, plan: TablePlan, target: Columns | None, outcome: Outcome) -> None:
        """See the base; the ledger row goes with the rows, see `record`."""
        MysqlTargetWriter(self.session, plan, target, self.ledger).write(outcome)

    def record(self, rows: int) -> None:
        """Nothing: `write` has recorded, in its own transaction. A row that came now would come after that COMMIT."""

    def finish(self, done: Outcome) -> Outcome:
        """What may be left to do of a delivery that was made: the view of the newest table. `locked` did the renaming."""
        if self.job.request.mode == "timestamp" and self._should_show():
            done.warnings += self.point_latest()
        return done

    def _should_show(self) -> bool:
        """Whether the view of the newest table is still to be moved to the table of this run."""
        catalog = self.session.catalog
        if catalog.find(self.job.table.name) is None:
            return False
        limit = self.job.dialect.name_limit
        shown = catalog.view_text(latest_view_name(self.job.request.table.name, limit))
        if shown is None:
            return True
        fold, tables = catalog.fold, self.session.existing_tables()
        names = [name for name in tables if f"`{fold(name)}`" in fold(shown)]
        ours = parse_timestamped_name(self.job.table.name)
        parsed = [parse_timestamped_name(name) for name in names]
        return all(other is None or (ours is not None and other < ours) for other in parsed)

    def view_state(self, name: str) -> ViewState:
        """By the condition that `replace_view` writes: the server keeps no comments of a view."""
        catalog = self.session.catalog
        if catalog.spelled(name, catalog.tables()) is None:
            return "absent"
        text = catalog.view_text(name)
        return "ours" if text is not None and self.job.view_marker in text else "foreign"

    def replace_view(self, name: str) -> list[str]:
        """CREATE OR REPLACE VIEW is one step, and keeps the view's grants."""
        session = self.session
        session.patiently(
            lambda: session.execute(
                f"CREATE OR REPLACE SQL SECURITY INVOKER VIEW {session.qualified(name)} AS SELECT * FROM"
                f" {session.qualified(self.job.table.name)} WHERE {literal(self.job.view_marker)} <> ''"
            )
        )
        return []

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless it is being read or a view needs it."""
        session = self.session
        if views := session.catalog.views_on(name):
            return f"table {name} is kept beyond its time: view {views[0]} uses it"
        session.limit_locks(_RETENTION_LOCK_SECONDS)
        try:
            session.execute(f"DROP TABLE IF EXISTS {session.qualified(name)}")
        except Exception as error:
            if code_of(error) not in LOCK_CODES:
                raise
            return f"table {name} is kept beyond its time: another session uses it"
        return None
