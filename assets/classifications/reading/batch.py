"""Checked records of a part of a file as columns, and the list of what was found wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from assets.classifications.problems import WARNINGS, Notice, Problem
from assets.classifications.reading.arrays import to_arrow
from assets.classifications.reading.values import Value
from assets.classifications.schema import SetSchema

UPDATE = 0  # makes its key if it is not stored
CLEAR = 1  # only clears values
DELETE_FIELDS = 2  # JSON's delete-field: the only kind that adds up (section 8.2)
DELETE_KEY = 3


@dataclass(frozen=True)
class Batch:
    """Records without errors, one element each: row numbers (int32), kinds, keys; values and clearings by column.

    `values` has the column's own Arrow type, null where the record brings no value. A column that is in neither
    mapping is named by no record.
    """

    rows: np.ndarray
    kinds: np.ndarray
    keys: pa.Array
    values: Mapping[str, pa.Array]
    cleared: Mapping[str, np.ndarray]

    def filtered(self, keep: np.ndarray) -> Batch:
        """Only the records of the mask."""
        mask = to_arrow(keep)
        return Batch(
            rows=self.rows[keep],
            kinds=self.kinds[keep],
            keys=self.keys.filter(mask),
            values={name: array.filter(mask) for name, array in self.values.items()},
            cleared={name: flags[keep] for name, flags in self.cleared.items()},
        )

    def with_rows_from(self, first: int) -> Batch:
        """The same records, their row numbers counted from there."""
        return replace(self, rows=self.rows + np.int32(first))


class ProblemLimitError(Exception):
    """So many problems are listed that the check ends."""


@dataclass
class Findings:
    """Problems and warnings in the order they are found; `..._in_file_order` sorts them."""

    max_problems: int
    max_warnings: int
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)
    warning_counts: Counter[str] = field(default_factory=Counter)

    def refuse(self, problems: list[Problem]) -> None:
        """Add the problems of one record.

        Raises:
            ProblemLimitError: the list is full.
        """
        self.problems.extend(problems)
        if len(self.problems) >= self.max_problems:
            raise ProblemLimitError

    def warn(self, row: int, rule: str, column: str | None, detail: str) -> None:
        """Count a warning, and list it while there is room."""
        self.warning_counts[rule] += 1
        if self.warning_counts[rule] <= self.max_warnings:
            self.warnings.append(Notice(row, rule, column, f"{WARNINGS[rule]}: {detail}"))

    def problems_in_file_order(self) -> tuple[Problem, ...]:
        """Stable by row: within a row the order in which they were found."""
        return tuple(sorted(self.problems, key=lambda problem: problem.row)[: self.max_problems])

    def warnings_in_file_order(self) -> tuple[Notice, ...]:
        """Stable by row, at most `max_warnings`."""
        return tuple(sorted(self.warnings, key=lambda notice: notice.row)[: self.max_warnings])


@dataclass
class RecordList:
    """Records of the exact way, gathered one by one."""

    schema: SetSchema
    rows: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    values: dict[str, list[Value | None]] = field(default_factory=dict)
    cleared: dict[str, list[int]] = field(default_factory=dict)

    def add(
        self, row: int, kind: int, key: str, values: Mapping[str, Value], cleared: list[str]
    ) -> None:
        """One record: the values it sets and the columns it clears."""
        for name in cleared:
            self.cleared.setdefault(name, []).append(len(self.rows))
        for name, value in values.items():
            listed = self.values.setdefault(name, [])
            listed.extend([None] * (len(self.rows) - len(listed)))
            listed.append(value)
        self.rows.append(row)
        self.kinds.append(kind)
        self.keys.append(key)

    def to_batches(self) -> list[Batch]:
        """The records as columns: one batch, or none without records."""
        count = len(self.rows)
        if not count:
            return []
        values = {
            name: pa.array(
                listed + [None] * (count - len(listed)), self.schema.by_name[name].arrow_type
            )
            for name, listed in self.values.items()
        }
        cleared = {}
        for name, positions in self.cleared.items():
            cleared[name] = np.zeros(count, bool)
            cleared[name][positions] = True
        batch = Batch(
            rows=np.array(self.rows, np.int32),
            kinds=np.array(self.kinds, np.uint8),
            keys=pa.array(self.keys, pa.string()),
            values=values,
            cleared=cleared,
        )
        return [batch]
