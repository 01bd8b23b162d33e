"""What a delivery sees of its target before it changes anything there: all that a rehearsal does, and how a delivery begins."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Generic

from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.plan import TablePlan, TargetColumn, plan_table
from resources.connectors.sql.writing.target_writer import Session
from resources.kernel.errors import EmptySourceError

Columns = Sequence[TargetColumn]


class Look(ABC, Generic[Session]):
    """A look at the target of one export, over one session.

    Args:
        session: the connection.
        ledger: where the schema keeps what was delivered.
    """

    def __init__(self, session: Session, ledger: Ledger) -> None:
        self.session = session
        self.job = session.job
        self.ledger = ledger

    def settle(self) -> None:
        """Sets the session up; settles that the schema is there. Changes nothing, so that a rehearsal may do it too."""

    def inspect(self) -> Columns | None:
        """The columns of the target, or None when there is none."""
        return self.session.inspect(self.job.table.name)

    def refuse_empty(self, target: Columns | None) -> None:
        """Stops an export of no rows unless that was allowed (E11).

        Raises:
            EmptySourceError: naming how many rows stay.
        """
        if self.job.request.allow_empty or self.job.source.peek():
            return
        kept = "nothing was written"
        if target is not None:
            count = self.session.count(self.session.qualified(self.job.table.name))
            kept = f"kept {count:,} in table {self.job.table}"
        raise EmptySourceError(
            f"{self.job.request.source} returned 0 rows; {kept}",
            hint="Set `allow_empty: true` if it may be empty",
            table=str(self.job.table),
        )

    def plan(self, target: Columns | None) -> TablePlan:
        """What to do to the table, given what is there."""
        job = self.job
        plan = plan_table(
            job.columns,
            target,
            table=job.table,
            request=job.request,
            dialect=job.dialect,
            empty=job.source.empty_columns(),
        )
        job.source.only_nulls = plan.only_nulls
        return plan

    def examine(self, plan: TablePlan, target: Columns | None) -> None:
        """Refuses a table that `write` would refuse, as far as that can be seen before there is a row.

        Raises:
            WaybillError: why it cannot be written.
        """

    def lacking(self, plan: TablePlan) -> Sequence[str] | None:  # noqa: ARG002 - few databases can be asked
        """Rights that the user lacks for what is planned; None where the database tells that only when it is tried."""
        return None

    def close(self) -> None:
        """Ends the session; what is not committed is gone."""
        self.session.close()
