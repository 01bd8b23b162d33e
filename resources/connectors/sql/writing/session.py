"""One connection that writes for one export: the few things that every database is asked, whatever its driver.

What belongs here: running a statement, and names as the database takes them. What does not: how rows get into a table
(`target_writer`), and in which order all of it happens (`delivery`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.plan import TargetColumn


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

    def count_up_to(self, table: str, most: int) -> int:
        """How many rows a table holds, given its quoted name, counted up to `most`."""
        ((count,),) = self.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {most}) AS old"
        )
        return int(str(count))

    def count(self, table: str) -> int:
        """How many rows a table holds, given its quoted name."""
        ((count,),) = self.execute(f"SELECT count(*) FROM {table}")
        return int(str(count))


def column_list(names: Sequence[str]) -> str:
    """Quoted names with commas."""
    return ", ".join(quote_identifier(name) for name in names)


def definition(columns: Sequence[WrittenColumn], *, staged: bool = False) -> str:
    """The inside of a CREATE TABLE."""
    return ", ".join(
        f"{quote_identifier(column.name)} {column.staged if staged else column.type.sql}"
        for column in columns
    )
