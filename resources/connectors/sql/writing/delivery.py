"""A delivery into a table, told once: its rows are seen whole or not at all, and a run delivers them once.

`Delivery.deliver` is the whole story, in order. A database fills in seven steps, the abstract ones: four for every delivery,
three for the views and old tables of mode `timestamp`. Where it has to differ from the others, the docstring of its override
says why. What holds everywhere, and is proven for each database by `tests/contract/delivery.py`:

- whatever ends a delivery early, a kill included, leaves the old rows or the new ones, and the ledger says which;
- a retry of a run that has delivered finds that and reads no row; one of a run that has not, delivers;
- deliveries into one table take turns; a reader sees no mixture.

What does not belong here: how rows get into a table (`target_writer` and the databases), the ledger itself (`ledger`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import ClassVar, Generic, Literal

from resources.connectors.sql.names import choose_retired, latest_view_name
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.plan import TablePlan, TargetColumn, plan_table
from resources.connectors.sql.writing.target_writer import Session
from resources.kernel.errors import EmptySourceError

ViewState = Literal["absent", "ours", "foreign"]
Columns = Sequence[TargetColumn]


class Delivery(ABC, Generic[Session]):
    """One delivery over one session.

    Args:
        session: the connection.
        ledger: where the schema keeps what was delivered.
    """

    may_be_unfinished: ClassVar[bool] = False
    """Whether a run that the ledger knows may have left something to do: only where a table's shape commits by itself."""

    def __init__(self, session: Session, ledger: Ledger) -> None:
        self.session = session
        self.job = session.job
        self.ledger = ledger

    def deliver(self) -> Outcome:
        """Brings the rows into the table, or finds that this run has done so already."""
        self.prepare()
        done = self.delivered()
        if done is not None and not self.may_be_unfinished:
            return done
        if done is None:
            self.stage_or_peek()  # the source may be slow: no other session should wait for it behind a lock
        with self.transaction(), self.locked():
            done = self.delivered()  # another process of the same run may have been faster
            return self._replace() if done is None else self.finish(done)

    def _replace(self) -> Outcome:
        """What one session at a time does with a table."""
        target = self.inspect()
        self.refuse_empty(target)
        plan = self.plan(target)
        outcome = Outcome(added=tuple(c.name for c in plan.added), warnings=[*plan.warnings])
        self.write(plan, target, outcome)
        outcome.rows = self.job.source.rows
        if self.job.request.mode == "timestamp":
            outcome.warnings += self.point_latest()
        self.record(outcome.rows)
        return outcome

    def settle(self) -> None:
        """Sets the session up; settles that the schema is there. Changes nothing, so that a rehearsal may do it too."""

    def prepare(self) -> None:
        """Settles, and makes the ledger where it can be made ahead."""
        self.settle()

    def delivered(self) -> Outcome | None:
        """What this run delivered before, if it did."""
        return self.ledger.find()

    def stage_or_peek(self) -> None:
        """Waits for the first rows, or for all of them where they can wait outside of the target."""
        self.job.source.peek()

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Everything in it is committed by its end, or not at all. An error ends the session, which undoes it."""

    @abstractmethod
    def locked(self) -> AbstractContextManager[None]:
        """Keeps other deliveries out of the table until this one has ended (E17)."""

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

    @abstractmethod
    def write(self, plan: TablePlan, target: Columns | None, outcome: Outcome) -> None:
        """Brings the rows into the table; see `TargetWriter.write`."""

    def point_latest(self) -> list[str]:
        """Makes the view `<base>_latest` show the table of this run, unless something else has the name."""
        name = latest_view_name(self.job.request.table.name, self.job.dialect.name_limit)
        if self.view_state(name) == "foreign":
            return [f"view {name} was not made: something else has this name"]
        return self.replace_view(name)

    def record(self, rows: int) -> None:
        """Writes the ledger row: the last step, so that it is there with the rows or not at all."""
        self.ledger.record(rows)

    def finish(self, done: Outcome) -> Outcome:
        """Ends, under the lock, a delivery that was found to be made."""
        return done

    def retire(self, outcome: Outcome) -> None:
        """Drops what is beyond `keep`: only tables that match the full pattern and are in the ledger as ours."""
        request = self.job.request
        if request.mode != "timestamp" or request.keep is None:
            return
        for name in choose_retired(
            self.ledger.targets("timestamp") & self.session.existing_tables(),
            request.table.name,
            keep=request.keep,
            current=self.job.table.name,
            limit=self.job.dialect.name_limit,
        ):
            warning = self.drop_retired(name)
            if warning is None:
                outcome.removed.append(name)
            else:
                outcome.warnings.append(warning)

    @abstractmethod
    def view_state(self, name: str) -> ViewState:
        """Whether the name is free, a view that this exporter made, or something else."""

    @abstractmethod
    def replace_view(self, name: str) -> list[str]:
        """Makes the view show the table of this run; warnings about what was lost."""

    @abstractmethod
    def drop_retired(self, name: str) -> str | None:
        """Drops a table in a transaction of its own; or says why it stays."""

    def close(self) -> None:
        """Ends the session; what is not committed is gone."""
        self.session.close()
