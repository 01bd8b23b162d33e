"""Numbers of rows that match, by DuckDB over the part files, within limits of memory and time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assets.transforms.sandbox import lock_in, open_sandbox
from assets.transforms.time_limit import interrupted_after
from orchestration.services.rows.search import Search, where_clause
from resources.kernel.errors import InputError, IntegrityError
from resources.scratch import ScratchFolder
from resources.stores.tables import StoredTable

if TYPE_CHECKING:
    import duckdb

MEMORY = "1GB"
SPILL = "20GB"


class Finder:
    """Asks about the rows of one version; made by `opened_finder`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: StoredTable, seconds: float
    ) -> None:
        self._connection, self._table, self._seconds = connection, table, seconds
        self._relation = table.numbered(connection)

    def count(self, search: Search) -> int:
        """How many rows match."""
        where = where_clause(search, self._table.schema, self._relation)
        ((count,),) = self._ask(
            f"SELECT count(*) FROM {self._relation.source} WHERE {where.sql}", where.values
        )
        return int(count)

    def find(
        self, search: Search, *, sort: str, descending: bool, offset: int, limit: int
    ) -> list[int]:
        """Numbers of rows that match, from 0; equal ones, and all where nothing is sorted, in the order stored."""
        where = where_clause(search, self._table.schema, self._relation)
        order = ""
        if sort:
            order = f"ORDER BY {self._order(sort, 'DESC' if descending else 'ASC')}, n"
        found = self._ask(
            f"SELECT n FROM {self._relation.source} WHERE {where.sql} {order}"
            f" LIMIT {int(limit)} OFFSET {int(offset)}",
            where.values,
        )
        return [int(number) for (number,) in found]

    def _order(self, sort: str, direction: str) -> str:
        """NaN is larger than every number; said aloud, since DuckDB skips row groups by bounds that leave it out."""
        column = f"c{self._table.schema.names.index(sort)}"
        plain = f"{column} {direction} NULLS LAST"
        is_floating = pa.types.is_floating(self._table.schema.field(sort).type)
        return f"isnan({column}) {direction} NULLS LAST, {plain}" if is_floating else plain

    def most_frequent(self, search: Search, column: str, limit: int) -> tuple[int, list[Any]]:
        """How many different values a column has, and (a row, how often) of those that come most."""
        place = self._table.schema.names.index(column)
        where = where_clause(search, self._table.schema, self._relation)
        groups = (
            f"SELECT min(n) AS first, count(*) AS times FROM {self._relation.source}"
            f" WHERE {where.sql} AND c{place} IS NOT NULL GROUP BY c{place}"
        )
        found = self._ask(
            f"SELECT first, times, count(*) OVER () FROM ({groups})"
            f" ORDER BY times DESC, first LIMIT {int(limit)}",
            where.values,
        )
        return (int(found[0][2]) if found else 0), [(int(n), int(times)) for n, times, _ in found]

    def extremes(
        self, search: Search, column: str, *, is_compared: bool
    ) -> tuple[int, int, int | None, int | None]:
        """How many rows there are, how many without a value, and the rows of the smallest and the largest."""
        place = self._table.schema.names.index(column)
        where = where_clause(search, self._table.schema, self._relation)
        least, most = (f"arg_min(n, c{place})", f"arg_max(n, c{place})")
        if not is_compared:
            least = most = "NULL"
        ((rows, present, low, high),) = self._ask(
            f"SELECT count(*), count(c{place}), {least}, {most}"
            f" FROM {self._relation.source} WHERE {where.sql}",
            where.values,
        )
        return int(rows), int(rows - present), low, high

    def _ask(self, sql: str, values: list[str]) -> list[Any]:
        import duckdb

        error = InputError(
            f"the search was stopped after its limit of {self._seconds:g} seconds",
            hint="Narrow it down by further conditions, or make a transform that does it once",
        )
        try:
            with interrupted_after(self._connection, self._seconds, error):
                return self._connection.execute(sql, values).fetchall()
        except (duckdb.OutOfMemoryException, MemoryError) as refused:
            raise InputError(
                f"the search needs more than the {MEMORY} of memory and {SPILL} of disk that it may have",
                hint="Narrow it down by further conditions, or sort by a shorter column",
            ) from refused
        except duckdb.Error as refused:
            raise IntegrityError(
                f"version {self._table.version.number} of {self._table.name} cannot be searched:"
                f" {' '.join(str(refused).split())[:200]}",
                hint="Import it again, or look at another version",
            ) from refused


@contextmanager
def opened_finder(table: StoredTable, seconds: float) -> Iterator[Finder]:
    """A DuckDB that sees the files of one version and nothing else."""
    with ExitStack() as stack:
        scratch = stack.enter_context(ScratchFolder("rows")).name
        connection = stack.enter_context(open_sandbox(scratch, memory=MEMORY, spill=SPILL))
        finder = Finder(connection, table, seconds)
        lock_in(connection, [Path(scratch), *sorted(table.opened_folders)])
        yield finder
