"""A delivery into a table, told once: its rows are seen whole or not at all, and a run delivers them once.

`Delivery.deliver` is the whole story, in order. A database fills in six abstract steps, three for every delivery and three for
the views and old tables of mode `timestamp`, and `prepare` if its ledger is made ahead. Where it has to differ from the others, the docstring of its override
says why. What holds everywhere, and is proven for each database by `tests/contract/delivery.py`:

- whatever ends a delivery early, a kill included, leaves the old rows or the new ones, and the ledger says which;
- a retry of a run that has delivered finds that and reads no row; one of a run that has not, delivers;
- deliveries into one table take turns; a reader sees no mixture.

What only looks at the target stands in `look`, since a rehearsal does no more. What does not belong here: how rows get into a table (`target_writer` and the databases), the ledger itself (`ledger`).
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import ClassVar, Literal

from resources.connectors.sql.names import choose_retired, latest_view_name
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.look import Columns, Look
from resources.connectors.sql.writing.plan import TablePlan
from resources.connectors.sql.writing.target_writer import Session

ViewState = Literal["absent", "ours", "foreign"]


class Delivery(Look[Session]):
    """One delivery over one session.

    Args:
        session: the connection.
        ledger: where the schema keeps what was delivered.
    """

    may_be_unfinished: ClassVar[bool] = False
    """Whether a run that the ledger knows may have left something to do: only where a table's shape commits by itself."""

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
