"""How rows get into a table that is there or not: what all databases have in common, the checks of what was stored.

A database's own writer chooses the way (into the table itself, by a staging table, by a new table in the old one's
place) and runs inside what `Delivery` has begun. It begins and ends nothing itself, but where a change of a table's shape
commits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from resources.connectors.sql.writing.arrival import compare, measures, refuse_losses
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.plan import TablePlan, TargetColumn
from resources.connectors.sql.writing.session import WriteSession
from resources.kernel.errors import ConflictError, InputError, IntegrityError

Session = TypeVar("Session", bound=WriteSession)


class TargetWriter(ABC, Generic[Session]):
    """Writes the rows of one export by one plan.

    Args:
        session: the connection.
        plan: what is to be done.
        target: the columns that are there, or None.
    """

    def __init__(
        self, session: Session, plan: TablePlan, target: Sequence[TargetColumn] | None
    ) -> None:
        self.session = session
        self.job = session.job
        self.plan = plan
        self.target = target
        self.overwrites = session.job.request.mode == "overwrite"

    @abstractmethod
    def write(self, outcome: Outcome) -> None:
        """Brings the rows into the table; notes in `outcome` which way, and what the user should know.

        Raises:
            ConflictError: another session holds or changed the table.
            InputError: rows of other tables would be changed, or a value does not fit.
            IntegrityError: the table stored other than what was sent.
        """

    @property
    def table(self) -> str:
        """The target's quoted name."""
        return self.session.qualified(self.job.table.name)

    def old_rows(self, most: int) -> int:
        """How many rows the table holds, counted up to `most`."""
        return self.session.count_up_to(self.table, most)

    def check_stored(self, stored: int) -> None:
        """Compares the rows that the database stored with those that were sent.

        Raises:
            IntegrityError: a trigger or a rule of the table dropped or added rows.
        """
        sent = self.job.source.rows
        if stored != sent:
            raise IntegrityError(
                f"{self.job.doing}: {sent:,} rows were sent and the table stored {stored:,};"
                " the old rows stay",
                hint="Look at the triggers and rules of the table",
            )

    def refuse_filled(self) -> None:
        """Stops a delivery with nulls in columns that are never null: some databases put a value of their own there.

        Raises:
            InputError: naming the column.
        """
        needed = {t.name for t in self.target or () if t.required or t.filled_by == "identity"}
        source = self.job.source
        for column, name in self.plan.pairs:
            nulls = source.rows - source.tally.values[column.name]
            if nulls and self.plan.action == "keep" and name in needed:
                raise InputError(
                    f"{self.job.doing}: column {name!r} of the table is NOT NULL and the data holds nulls in {nulls:,} rows,"
                    " in whose place the database would put a value of its own; nothing was written",
                    hint="Fill the column in a transform, or leave it out for the database to fill",
                    column=column.name,
                )

    def check_arrived(self, table: str) -> None:
        """Compares a table that holds this delivery alone with what was sent: rows, values and bytes.

        Args:
            table: its quoted name.

        Raises:
            IntegrityError: the database stored something else.
        """
        refuse_losses(self.job.doing, self.find_losses(table))

    def judge_losses(
        self, losses: Sequence[str], triggers: Sequence[str], outcome: Outcome
    ) -> None:
        """Stops a delivery that did not arrive as it was sent. What a trigger of the table changed is told, not refused.

        Raises:
            IntegrityError: the database itself stored something else.
        """
        if losses and triggers:
            outcome.warnings.append(
                f"table {self.job.table}: trigger {', '.join(triggers)} changed the rows: {'; '.join(losses)}"
            )
            return
        refuse_losses(self.job.doing, losses)

    def find_losses(self, table: str, *, by_column: bool = True) -> list[str]:
        """How a table that holds this delivery alone differs from what was sent, column by column.

        Raises:
            IntegrityError: it holds another number of rows.
        """
        keeps = self.plan.action == "keep"
        types = {found.name: found.type for found in self.target or ()} if keeps else {}
        pairs = [
            (column, name, types.get(name, column.type.sql)) for column, name in self.plan.pairs
        ]
        source, octets = self.job.source, self.job.dialect.octets
        asked = measures(pairs if by_column else [], source.tally, octets, self.session.quote)
        terms = ", ".join(["count(*)", *(measure.sql for measure in asked)])
        ((stored, *answers),) = self.session.execute(f"SELECT {terms} FROM {table}")
        self.check_stored(int(str(stored)))
        return compare(asked, answers)

    def refuse_children(self, children: Sequence[str]) -> None:
        """Refuses to drop a table that others hang on: they would go with it, or be left in the air.

        Raises:
            InputError: naming those tables.
        """
        if children:
            raise InputError(
                f"{self.job.doing}: the table would be dropped and made again, and others refer to it by foreign"
                f" keys: {', '.join(children[:5])}; nothing was written",
                hint="Drop those foreign keys first, change the table by hand, or change the data",
                children=list(children),
            )

    def changed(self) -> ConflictError:
        """The error about a table that another session changed after it was inspected."""
        return ConflictError(
            f"{self.job.doing}: another session changed the table meanwhile; nothing was written",
            hint="Try again",
        )

    def gone(self, names: Sequence[str]) -> list[str]:
        """The warning about what went with a table that was dropped."""
        listed = ", ".join(names)
        return [f"gone with the old table {self.job.table}: {listed}"] if names else []
