"""Checked records of a part of a file as columns, and the list of what was found wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pyarrow as pa

from assets.classifications.problems import WARNINGS, FileProblem, Notice
from assets.classifications.reading.arrays import to_arrow
from assets.classifications.reading.values import Value, integer_remark
from assets.classifications.schema import SetSchema

UPDATE = 0  # makes its key if it is not stored
DELETE_FIELDS = 1  # JSON's delete-field: the only kind that adds up
DELETE_KEY = 2


@dataclass(frozen=True)
class Rewritten:
    """Numbers of an integer column that are written otherwise: as a batch counts its rows, and the texts."""

    column: str
    rows: np.ndarray
    texts: pa.Array

    def filtered(self, keep: np.ndarray) -> Rewritten:
        """Only those of the mask."""
        return Rewritten(self.column, self.rows[keep], self.texts.filter(to_arrow(keep)))


@dataclass(frozen=True)
class Batch:
    """Records without errors, one element each: row numbers (int32), kinds, keys; values and clearings by column.

    `values` has the column's own Arrow type, null where the record brings no value. A column that is in neither
    mapping is named by no record. `rewritten` is what has to be said about the values.
    """

    rows: np.ndarray
    kinds: np.ndarray
    keys: pa.Array
    values: Mapping[str, pa.Array]
    cleared: Mapping[str, np.ndarray]
    rewritten: tuple[Rewritten, ...] = ()

    def filtered(self, keep: np.ndarray) -> Batch:
        """Only the records of the mask."""
        mask, rows = to_arrow(keep), self.rows[keep]
        return Batch(
            rows=rows,
            kinds=self.kinds[keep],
            keys=self.keys.filter(mask),
            values={name: array.filter(mask) for name, array in self.values.items()},
            cleared={name: flags[keep] for name, flags in self.cleared.items()},
            rewritten=tuple(one.filtered(np.isin(one.rows, rows)) for one in self.rewritten),
        )

    def with_rows_from(self, first: int) -> Batch:
        """The same records, their row numbers counted from there."""
        moved = [replace(one, rows=one.rows + np.int32(first)) for one in self.rewritten]
        return replace(self, rows=self.rows + np.int32(first), rewritten=tuple(moved))


class ErrorReport(Protocol):
    """Takes every error of a file as it is found, which is in file order."""

    def write(self, problems: Sequence[FileProblem]) -> None:
        """The problems of one record."""

    def restart(self) -> None:
        """Forgets what was written: the file as a whole is refused, and nothing else is said about it."""


@dataclass
class Findings:
    """Problems and warnings in the order they are found; `..._in_file_order` sorts them.

    Counts are exact; the lists end at their limits.
    """

    max_problems: int
    max_warnings: int
    report: ErrorReport | None = None
    problems: list[FileProblem] = field(default_factory=list)
    problem_count: int = 0
    warnings: list[Notice] = field(default_factory=list)
    warning_counts: Counter[str] = field(default_factory=Counter)

    @property
    def only_counts(self) -> bool:
        """No more problems are wanted."""
        return self.report is None and len(self.problems) >= self.max_problems

    def refuse(self, problems: list[FileProblem]) -> None:
        """Add the problems of one record."""
        self.problem_count += len(problems)
        if len(self.problems) < self.max_problems:
            self.problems.extend(problems)
        if self.report is not None:
            self.report.write(problems)

    def warn_rewritten(self, found: Rewritten) -> None:
        """Count the numbers that are written otherwise than they are stored, and list them while there is room."""
        rule = "integer_rewritten"
        room = max(0, self.max_warnings - self.warning_counts[rule])
        for row, text in zip(
            found.rows[:room].tolist(), found.texts[:room].to_pylist(), strict=True
        ):
            self.warn(row, rule, found.column, integer_remark(text))
        self.warning_counts[rule] += max(0, len(found.rows) - room)

    def warn(self, row: int, rule: str, column: str | None, detail: str) -> None:
        """Count a warning, and list it while there is room."""
        self.warning_counts[rule] += 1
        if self.warning_counts[rule] <= self.max_warnings:
            self.warnings.append(Notice(row, rule, column, f"{WARNINGS[rule]}: {detail}"))

    def problems_in_file_order(self) -> tuple[FileProblem, ...]:
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
