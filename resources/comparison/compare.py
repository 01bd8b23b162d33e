"""Two versions of a table compared, from their files to what was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resources.comparison.as_rows import compare_rows
from resources.comparison.by_key import KeyComparison
from resources.comparison.cells import changed_cells
from resources.comparison.columns import ColumnPair, match_columns
from resources.comparison.found import Differences, FoundChange, FoundRow
from resources.comparison.sides import Side, split_files
from resources.stores.tables import StoredTable

if TYPE_CHECKING:
    import duckdb

EXAMPLES = 20
"""Rows that are named of those added, removed and changed."""


class TableComparison:
    """Two versions, opened to be compared.

    Args:
        connection: bounded by who opened it; gets relations of the files.
        before: the earlier version, or the one that is to be taken for it.
        after: the later one.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, before: StoredTable, after: StoredTable
    ) -> None:
        self._connection = connection
        self._rows = before.rows, after.rows
        self.columns = match_columns(before.schema, after.schema)
        left, right, both = split_files(before, after)
        self.sides = Side(connection, before, left), Side(connection, after, right)
        self._shared = Side(connection, after, both) if both and (left or right) else None

    @property
    def folders(self) -> list[Path]:
        """Folders whose files are read."""
        opened = [*self.sides, *([self._shared] if self._shared else [])]
        return sorted({folder for side in opened for folder in side.part.opened_folders})

    def run(self, key: Sequence[str] = ()) -> Differences:
        """What was found.

        Args:
            key: columns that tell rows apart; without one, whole rows are compared as multisets.

        Raises:
            InputError: not both versions have the key, it has nulls, or it does not tell rows apart.
        """
        chosen = list(dict.fromkeys(self.columns.pair(name) for name in key))
        cells = self.columns.compared
        before, after = self.sides
        if not (before.rows or after.rows):
            return Differences("key" if key else "rows", 0, 0, 0)
        if not cells or 0 in self._rows:
            return _all_differ(before, after)
        if not chosen:
            return compare_rows(self._connection, self.sides, cells, EXAMPLES)
        others = [pair for pair in cells if pair not in set(chosen)]
        comparison = KeyComparison(
            self._connection, self.sides, self._shared, key=chosen, cells=others
        )
        return comparison.run(EXAMPLES)

    def changed_columns(self, changes: Sequence[FoundChange]) -> list[list[ColumnPair]]:
        """Of each of some changed rows the columns whose values differ."""
        cells = self.columns.compared
        return [
            [pair for pair, is_changed in zip(cells, row, strict=True) if is_changed]
            for row in changed_cells(self._connection, self.sides, cells, changes)
        ]


def _all_differ(before: Side, after: Side) -> Differences:
    """No column has values that could be compared, or one version has no rows."""
    added, removed = (tuple(map(FoundRow, range(min(s.rows, EXAMPLES)))) for s in (after, before))
    return Differences("rows", after.rows, before.rows, 0, added_rows=added, removed_rows=removed)
