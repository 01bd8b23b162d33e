"""The files that have to be read to compare two versions: what both name with the same bytes is equal, and is left out.

Versions in partitions, restored ones and tables that only grow share most of their files.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.kernel.records import StoredFile
from resources.stores.tables import StoredTable

if TYPE_CHECKING:
    import duckdb


class Side:
    """Some files of one version as DuckDB reads them.

    Args:
        connection: gets the relation.
        table: the version.
        places: of the files, among those of the version.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: StoredTable, places: Sequence[int]
    ) -> None:
        files = table.version.files
        self.part = table.of_files([files[place] for place in places])
        self.version = table.version.number
        self._starts = _starts(self.part.version.files)
        whole = _starts(files)
        self._whole_starts = [whole[place] for place in places]
        self.source = self.part.numbered(connection).source if self.part.rows else ""
        """What stands behind FROM; empty where there is nothing to read."""

    @property
    def rows(self) -> int:
        """Number of rows to be read."""
        return self.part.rows

    def rows_at(self, numbers: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Rows by their numbers in what is read."""
        return self.part.rows_at(numbers, columns)

    def number_in_version(self, number: int) -> int:
        """The number of a row in its version, from 1, as pages and commands show it."""
        place = bisect_right(self._starts, number) - 1
        return number - self._starts[place] + self._whole_starts[place] + 1


def split_files(before: StoredTable, after: StoredTable) -> tuple[list[int], list[int], list[int]]:
    """Places of the files of the earlier version and of the later one that must be read, and of those of the later that both have."""
    files, others = before.version.files, after.version.files
    if not before.schema.equals(after.schema):
        return _with_rows(files), _with_rows(others), []
    shared = Counter(map(_content, files)) & Counter(map(_content, others))
    left, _ = _without(files, Counter(shared))
    right, both = _without(others, Counter(shared))
    return left, right, both


def _without(
    files: Sequence[StoredFile], shared: Counter[tuple[str, int]]
) -> tuple[list[int], list[int]]:
    left, both = [], []
    for place in _with_rows(files):
        content = _content(files[place])
        if shared[content]:
            shared[content] -= 1
            both.append(place)
        else:
            left.append(place)
    return left, both


def _content(file: StoredFile) -> tuple[str, int]:
    return file.sha256, file.rows or 0


def _with_rows(files: Sequence[StoredFile]) -> list[int]:
    return [place for place, file in enumerate(files) if file.rows]


def _starts(files: Sequence[StoredFile]) -> list[int]:
    return list(accumulate((file.rows or 0 for file in files), initial=0))[: len(files)]
