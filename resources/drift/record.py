"""What a comparison of distributions found: plain values that JSON carries unchanged. docs/drift.md explains every figure.

The side that is compared with is the *reference*, the other one is *current*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resources.profiles.record import TimeUnit, Value

DriftMethod = Literal["wasserstein", "psi", "ks", "jensen_shannon", "chi_square"]
PTest = Literal["ks", "chi_square"]
Subject = Literal["numbers", "times", "categories", "lengths", "nothing"]
"""What of a column is compared, beside how many of its values are missing: `lengths` of free texts, `nothing` of identifiers and the like."""
DriftState = Literal["drifted", "stable", "too_few", "not_compared"]
"""`too_few`: there are too few rows to tell it from chance, or none at all."""

SHOWN_CATEGORIES = 20
"""Most categories that are named of those that are new, and of those that have vanished."""


@dataclass(frozen=True)
class BothSides:
    """A count on either side."""

    reference: int = 0
    current: int = 0


@dataclass(frozen=True)
class Category:
    """A value, and how many rows have it."""

    value: str
    """As it is shown; cut if it is long."""
    rows: int


@dataclass(frozen=True)
class SharedBins:
    """How the values of both sides lie, in the same bins.

    `histogram` and `time`: `reference[i]` values from `edges[i]` on, below `edges[i + 1]`; the last edge belongs to the last bin. What is
    outside of the edges is in `below` and `above`. `bars`: `reference[i]` rows have `labels[i]`, `others` one of the values without a bar.
    """

    kind: Literal["histogram", "time", "bars"]
    reference: tuple[int, ...]
    current: tuple[int, ...]
    edges: tuple[Value, ...] = ()
    labels: tuple[str, ...] = ()
    unit: TimeUnit = ""
    below: BothSides = BothSides()
    above: BothSides = BothSides()
    others: BothSides = BothSides()


@dataclass(frozen=True)
class ColumnDrift:
    """One column that both sides have."""

    name: str
    type: str
    """Of the current side."""
    reference_type: str
    subject: Subject
    state: DriftState
    """Of values and missing ones together: `drifted` if either has."""
    drifted: bool
    method: DriftMethod | None = None
    """None where values are not compared."""
    value: float | None = None
    """How far the sides are apart, by the method; None where it cannot be said."""
    threshold: float | None = None
    """Above it there is drift, unless chance explains it."""
    chance: float | None = None
    """What chance alone may make of the value, with as many rows as there are: below it nothing is called drift."""
    p_value: float | None = None
    """For information: how likely chance makes a difference as great, by `p_test`. Of many rows it is tiny, whatever the difference."""
    p_test: PTest | None = None
    values_state: DriftState = "not_compared"
    missing: BothSides = BothSides()
    """Rows whose value is null."""
    not_finite: BothSides = BothSides()
    """Rows whose number is NaN or infinite: no values to be compared."""
    missing_points: float | None = None
    """By how many percentage points the share of nulls, or that of numbers that are not finite, has changed: whichever changed more;
    None where a side has no rows."""
    missing_state: DriftState = "not_compared"
    new: tuple[Category, ...] = ()
    """Categories that the reference has not, the most frequent first; at most 20."""
    more_new: int = 0
    """How many others there are."""
    vanished: tuple[Category, ...] = ()
    """Categories that only the reference has."""
    more_vanished: int = 0
    bins: SharedBins | None = None
    reason: str = ""
    """Why values are not compared, or not as the type suggests."""


@dataclass(frozen=True)
class TypedColumn:
    """A column that only one side has."""

    column: str
    type: str


@dataclass(frozen=True)
class RetypedColumn:
    """A column that has another type than in the reference."""

    column: str
    reference: str
    current: str


@dataclass(frozen=True)
class ComparedVersion:
    """One of the two sides."""

    dataset: str
    version: int
    rows: int
    tag: str = ""
    """Under which it was asked for."""


@dataclass(frozen=True)
class Drift:
    """One version of a dataset against another one."""

    reference: ComparedVersion
    current: ComparedVersion
    state: DriftState
    """`drifted` if more than `share_threshold` of the compared columns have; without a threshold if any has."""
    compared: int
    """Columns of which something could be judged."""
    drifted: int
    share: float
    """Drifted columns among those compared, from 0 to 1."""
    share_threshold: float | None
    missing_threshold: float
    """Percentage points."""
    least_rows: int
    """A side with fewer values than that is not judged."""
    columns: tuple[ColumnDrift, ...]
    """As they stand in the current version."""
    columns_added: tuple[TypedColumn, ...] = ()
    """Columns that the reference has not."""
    columns_removed: tuple[TypedColumn, ...] = ()
    columns_retyped: tuple[RetypedColumn, ...] = ()
    ignored: tuple[str, ...] = ()
    """Columns that were not to be looked at."""
    seconds: float = 0.0

    def column(self, name: str) -> ColumnDrift | None:
        """What was found of one column; None if not both sides have it."""
        return next((column for column in self.columns if column.name == name), None)
