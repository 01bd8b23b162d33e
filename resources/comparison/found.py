"""What a comparison found, as numbers of rows: records alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["key", "rows"]
"""By a key; or whole rows as multisets, where one that has changed is one removed and one added."""


@dataclass(frozen=True)
class FoundRow:
    """A row that only one version has, by its number in what was read of it."""

    number: int
    times: int = 1
    """How many times more than in the other version: rows without a key may be there more than once."""


@dataclass(frozen=True)
class FoundChange:
    """A row that both versions have, with other values: its numbers in what was read of either."""

    before: int
    after: int


@dataclass(frozen=True)
class Differences:
    """What two versions have to do with each other, row by row."""

    method: Method
    added: int
    removed: int
    changed: int
    added_rows: tuple[FoundRow, ...] = ()
    removed_rows: tuple[FoundRow, ...] = ()
    changed_rows: tuple[FoundChange, ...] = ()
    changes_of_columns: tuple[int, ...] = ()
    """Of each compared column, in how many of `counted_changes` rows its value has changed."""
    counted_changes: int = 0
