"""What every export does, whatever the database: the ledger, empty sources, the view of the newest table, retention.

What belongs here: the steps that are the same SQL everywhere, written once. What does not: how a dialect connects,
loads and replaces rows, which its own module does.

No export leaves anything to clean up: rows wait in a staging table that lives inside the one transaction (PostgreSQL)
or in the connection's own temporary space (SQLite), so whatever ends an export early, a kill included, ends it too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.names import (
    LEDGER_TABLE,
    choose_retired,
    latest_view_name,
    quote_identifier,
)
from resources.connectors.sql.writing.arrival import compare, measures, refuse_losses
from resources.connectors.sql.writing.columns import Column
from resources.connectors.sql.writing.job import ExportJob as ExportJob  # noqa: PLC0414 - for the databases that follow
from resources.connectors.sql.writing.job import Outcome as Outcome  # noqa: PLC0414 - for the databases that follow
from resources.connectors.sql.writing.plan import TablePlan, TargetColumn, plan_table
from resources.kernel.errors import ConfigError, EmptySourceError, InputError, IntegrityError

ViewState = Literal["absent", "ours", "foreign"]

LEDGER_COLUMNS = ("exporter", "target", "run_id", "mode", "source", "rows", "committed_at")


class WriteSession(ABC):
    """One connection that carries out one export."""

    def __init__(self, job: ExportJob) -> None:
        self.job = job

    @abstractmethod
    def close(self) -> None:
        """Ends the connection; what is not committed is gone."""

    @abstractmethod
    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement. Parameters stand in it as `mark(1)`, `mark(2)` ..."""

    @abstractmethod
    def mark(self, number: int) -> str:
        """The placeholder of the parameter with this 1-based number."""

    @abstractmethod
    def qualified(self, name: str) -> str:
        """A table of the target's schema, quoted."""

    @abstractmethod
    def inspect(self, name: str) -> tuple[TargetColumn, ...] | None:
        """The columns of a table of the target's schema, or None when there is none.

        Raises:
            InputError: it is no table but a view or the like.
        """

    @abstractmethod
    def existing_tables(self) -> set[str]:
        """Names of all tables of the target's schema."""

    def quote(self, name: str) -> str:
        """A name as the database quotes it."""
        return quote_identifier(name)

    def count(self, table: str) -> int:
        """How many rows a table holds, given its quoted name."""
        ((count,),) = self.execute(f"SELECT count(*) FROM {table}")
        return int(str(count))


class ExportSession(ABC):
    """One connection that carries out one export."""

    ledger_types = ("TEXT", "TEXT", "TEXT", "TEXT", "TEXT", "BIGINT", "TIMESTAMP WITH TIME ZONE")

    def __init__(self, job: ExportJob) -> None:
        self.job = job

    @abstractmethod
    def deliver(self) -> Outcome:
        """Brings the rows into the table, or finds that this run has done so already."""

    @abstractmethod
    def close(self) -> None:
        """Ends the connection; what is not committed is gone."""

    @abstractmethod
    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement. Parameters stand in it as `mark(1)`, `mark(2)` ..."""

    @abstractmethod
    def mark(self, number: int) -> str:
        """The placeholder of the parameter with this 1-based number."""

    @abstractmethod
    def qualified(self, name: str) -> str:
        """A table of the target's schema, quoted."""

    @abstractmethod
    def inspect(self, name: str) -> tuple[TargetColumn, ...] | None:
        """The columns of a table of the target's schema, or None when there is none.

        Raises:
            InputError: it is no table but a view or the like.
        """

    @abstractmethod
    def existing_tables(self) -> set[str]:
        """Names of all tables of the target's schema."""

    @abstractmethod
    def view_state(self, name: str) -> ViewState:
        """Whether the name is free, a view that this exporter made, or somebody else's."""

    @abstractmethod
    def replace_view(self, name: str) -> list[str]:
        """Makes the view show the table of this run; warnings about what was lost."""

    @abstractmethod
    def drop_retired(self, name: str) -> str | None:
        """Drops a table in a transaction of its own; or says why it stays."""

    def plan(self, target: Sequence[TargetColumn] | None) -> TablePlan:
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

    def create_ledger(self) -> None:
        """Makes the ledger, if it is not there; the caller sees to it that nobody else does at this moment."""
        columns = ", ".join(
            f"{quote_identifier(name)} {kind} NOT NULL"
            for name, kind in zip(LEDGER_COLUMNS, self.ledger_types, strict=True)
        )
        self.execute(
            f"CREATE TABLE IF NOT EXISTS {self.qualified(LEDGER_TABLE)}"
            f" ({columns}, PRIMARY KEY (exporter, target, run_id))"
        )

    def has_ledger(self) -> bool:
        """Whether the schema has a ledger.

        Raises:
            ConfigError: a table of that name is something else.
        """
        found = self.inspect(LEDGER_TABLE)
        if found is None:
            return False
        missing = set(LEDGER_COLUMNS) - {column.name for column in found}
        if missing:
            raise ConfigError(
                f"{self.job.doing}: the table {LEDGER_TABLE!r} there is no ledger of exports,"
                f" it lacks {', '.join(sorted(missing))}",
                hint="Rename that table: Waybill keeps its ledger under this name",
            )
        return True

    def find_delivery(self) -> Outcome | None:
        """What this run delivered before, if it did: it is not done twice (E16, E50)."""
        request = self.job.request
        rows = self.execute(
            f"SELECT {quote_identifier('rows')} FROM {self.qualified(LEDGER_TABLE)} WHERE exporter = {self.mark(1)}"
            f" AND target = {self.mark(2)} AND run_id = {self.mark(3)}",
            *(request.exporter, self.job.table.name, request.run_id),
        )
        if not rows:
            return None
        outcome = Outcome(rows=int(str(rows[0][0])), repeated=True)
        if self.inspect(self.job.table.name) is None:
            outcome.warnings.append(
                f"table {self.job.table} was delivered by this run and has been removed since"
            )
        return outcome

    def record_delivery(self, rows: int) -> None:
        """Writes the ledger row: in the transaction of the rows, so that both are there or neither (2b)."""
        request = self.job.request
        marks = ", ".join(self.mark(number + 1) for number in range(len(LEDGER_COLUMNS)))
        self.execute(
            f"INSERT INTO {self.qualified(LEDGER_TABLE)} ({column_list(LEDGER_COLUMNS)})"
            f" VALUES ({marks})",
            *(request.exporter, self.job.table.name, request.run_id, request.mode),
            *(request.source, rows, datetime.now(UTC).isoformat(sep=" ", timespec="microseconds")),
        )

    def refuse_empty(self, target: Sequence[TargetColumn] | None) -> None:
        """Stops an export of no rows unless that was allowed (E11).

        Raises:
            EmptySourceError: naming how many rows stay.
        """
        if self.job.request.allow_empty or self.job.source.peek():
            return
        kept = "nothing was written"
        if target is not None:
            ((count,),) = self.execute(
                f"SELECT count(*) FROM {self.qualified(self.job.table.name)}"
            )
            kept = f"kept {count:,} in table {self.job.table}"
        raise EmptySourceError(
            f"{self.job.request.source} returned 0 rows; {kept}",
            hint="Set `allow_empty: true` if it may be empty",
            table=str(self.job.table),
        )

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

    def refuse_filled(self, plan: TablePlan, target: Sequence[TargetColumn] | None) -> None:
        """Stops a delivery with nulls in columns that are never null: some databases put a value of their own there.

        Raises:
            InputError: naming the column.
        """
        needed = {t.name for t in target or () if t.required or t.filled_by == "identity"}
        source = self.job.source
        for column, name in plan.pairs:
            nulls = source.rows - source.tally.values[column.name]
            if nulls and plan.action == "keep" and name in needed:
                raise InputError(
                    f"{self.job.doing}: column {name!r} of the table is NOT NULL and the data holds nulls in {nulls:,} rows,"
                    " in whose place the database would put a value of its own; nothing was written",
                    hint="Fill the column in a transform, or leave it out for the database to fill",
                    column=column.name,
                )

    def check_arrived(
        self, plan: TablePlan, target: Sequence[TargetColumn] | None, table: str
    ) -> None:
        """Compares a table that holds this delivery alone with what was sent: rows, values and bytes.

        Args:
            plan: what was done.
            target: the columns that were there before.
            table: quoted name of the table that holds the rows.

        Raises:
            IntegrityError: the database stored something else.
        """
        self.refuse_losses(self.find_losses(plan, target, table))

    def find_losses(
        self,
        plan: TablePlan,
        target: Sequence[TargetColumn] | None,
        table: str,
        *,
        by_column: bool = True,
    ) -> list[str]:
        """How a table that holds this delivery alone differs from what was sent; see `check_arrived`."""
        types = {found.name: found.type for found in target or ()} if plan.action == "keep" else {}
        pairs = [(column, name, types.get(name, column.type.sql)) for column, name in plan.pairs]
        source, dialect = self.job.source, self.job.dialect
        asked = measures(pairs if by_column else [], source.tally, dialect.octets, self.quote)
        terms = ", ".join(["count(*)", *(measure.sql for measure in asked)])
        ((stored, *answers),) = self.execute(f"SELECT {terms} FROM {table}")
        self.check_stored(int(str(stored)))
        return compare(asked, answers)

    def quote(self, name: str) -> str:
        """A name as the database quotes it."""
        return quote_identifier(name)

    def refuse_losses(self, problems: Sequence[str]) -> None:
        """Stops a delivery that did not arrive as it was sent.

        Raises:
            IntegrityError: there is a problem.
        """
        refuse_losses(self.job.doing, problems)

    def refuse_children(self, children: Sequence[str], *, replaces: bool) -> None:
        """Refuses to drop a table that others hang on: they would go with it, or be left in the air.

        Raises:
            InputError: naming those tables.
        """
        if replaces and children:
            raise InputError(
                f"{self.job.doing}: the table would be dropped and made again, and others refer to it by foreign"
                f" keys: {', '.join(children[:5])}; nothing was written",
                hint="Drop those foreign keys first, change the table by hand, or change the data",
                children=list(children),
            )

    def point_latest(self) -> list[str]:
        """Makes the view `<base>_latest` show the table of this run, unless the name is somebody else's."""
        name = latest_view_name(self.job.request.table.name, self.job.dialect.name_limit)
        if self.view_state(name) == "foreign":
            return [f"view {name} was not made: something else has this name"]
        return self.replace_view(name)

    def retire(self, outcome: Outcome) -> None:
        """Drops what is beyond `keep`: only tables that match the full pattern and are in the ledger as ours."""
        request = self.job.request
        if request.mode != "timestamp" or request.keep is None:
            return
        rows = self.execute(
            f"SELECT DISTINCT target FROM {self.qualified(LEDGER_TABLE)}"
            f" WHERE exporter = {self.mark(1)} AND mode = {self.mark(2)}",
            *(request.exporter, "timestamp"),
        )
        names = {str(row[0]) for row in rows} & self.existing_tables()
        for name in choose_retired(
            names,
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


def column_list(names: Sequence[str]) -> str:
    """Quoted names with commas."""
    return ", ".join(quote_identifier(name) for name in names)


def definition(columns: Sequence[Column], *, staged: bool = False) -> str:
    """The inside of a CREATE TABLE."""
    return ", ".join(
        f"{quote_identifier(column.name)} {column.staged if staged else column.type.sql}"
        for column in columns
    )


def check_folder(config: SqlConfig, job: ExportJob) -> None:
    """A database file is made where there is none, but never its folder.

    Raises:
        ConfigError: the folder is not there.
    """
    if config.path is None or not config.path.absolute().parent.is_dir():
        raise ConfigError(
            f"{job.doing}: there is no folder for the database file {config.path}",
            hint="Create it, or correct `path`",
        )
