"""The ledger of exports: one row a delivery, written in the transaction of its rows, so that both are there or neither.

It is what makes a delivery happen once: a run that finds its own row has delivered, whatever became of the process that
did it (E16, E50).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from resources.connectors.sql.names import LEDGER_TABLE, quote_identifier
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.session import WriteSession, column_list
from resources.kernel.errors import ConfigError

LEDGER_COLUMNS = ("exporter", "target", "run_id", "mode", "source", "rows", "committed_at")

STANDARD_TYPES = (*("TEXT",) * 5, "BIGINT", "TIMESTAMP WITH TIME ZONE")


class Ledger:
    """The ledger of the schema that a session writes to.

    Args:
        session: the connection.
        types: SQL types of `LEDGER_COLUMNS`.
    """

    def __init__(self, session: WriteSession, types: Sequence[str] = STANDARD_TYPES) -> None:
        self.session = session
        self.job = session.job
        self.types = types
        self._was_seen = False

    def exists(self) -> bool:
        """Whether the schema has a ledger; asked until it was seen once.

        Raises:
            ConfigError: a table of that name is something else.
        """
        if self._was_seen:
            return True
        found = self.session.inspect(LEDGER_TABLE)
        if found is None:
            return False
        missing = set(LEDGER_COLUMNS) - {column.name for column in found}
        if missing:
            raise ConfigError(
                f"{self.job.doing}: the table {LEDGER_TABLE!r} there is no ledger of exports,"
                f" it lacks {', '.join(sorted(missing))}",
                hint="Rename that table: Waybill keeps its ledger under this name",
            )
        self._was_seen = True
        return True

    def create(self) -> None:
        """Makes the ledger, if it is not there; the caller makes sure that no other session does so at the same moment."""
        columns = ", ".join(
            f"{quote_identifier(name)} {kind} NOT NULL"
            for name, kind in zip(LEDGER_COLUMNS, self.types, strict=True)
        )
        self.session.execute(
            f"CREATE TABLE IF NOT EXISTS {self.session.qualified(LEDGER_TABLE)}"
            f" ({columns}, PRIMARY KEY (exporter, target, run_id))"
        )

    def find(self) -> Outcome | None:
        """What this run delivered before, if it did: it is not done twice."""
        rows = self.rows_of_run()
        if rows is None:
            return None
        outcome = Outcome(rows=rows, repeated=True)
        if self.session.inspect(self.job.table.name) is None:
            outcome.warnings.append(
                f"table {self.job.table} was delivered by this run and has been removed since"
            )
        return outcome

    def rows_of_run(self) -> int | None:
        """How many rows this run has delivered; None when it has not."""
        mark, request = self.session.mark, self.job.request
        found = self.session.execute(
            f"SELECT {quote_identifier('rows')} FROM {self.session.qualified(LEDGER_TABLE)}"
            f" WHERE exporter = {mark(1)} AND target = {mark(2)} AND run_id = {mark(3)}",
            *(request.exporter, self.job.table.name, request.run_id),
        )
        return int(str(found[0][0])) if found else None

    def record(self, rows: int) -> None:
        """Writes the row of this run: in the transaction of the rows it tells of (2b)."""
        marks = ", ".join(self.session.mark(number + 1) for number in range(len(LEDGER_COLUMNS)))
        self.session.execute(
            f"INSERT INTO {self.session.qualified(LEDGER_TABLE)} ({column_list(LEDGER_COLUMNS)})"
            f" VALUES ({marks})",
            *self.row(rows),
        )

    def row(self, rows: int) -> tuple[object, ...]:
        """The values of this run's row, in the order of `LEDGER_COLUMNS`."""
        request = self.job.request
        moment = datetime.now(UTC).isoformat(sep=" ", timespec="microseconds")
        run = (request.exporter, self.job.table.name, request.run_id, request.mode)
        return (*run, request.source, rows, moment)

    def targets(self, mode: str) -> set[str]:
        """Tables that this exporter has delivered in a mode."""
        mark = self.session.mark
        rows = self.session.execute(
            f"SELECT DISTINCT target FROM {self.session.qualified(LEDGER_TABLE)}"
            f" WHERE exporter = {mark(1)} AND mode = {mark(2)}",
            *(self.job.request.exporter, mode),
        )
        return {str(row[0]) for row in rows}
