"""Figures that follow from the values of a column in ascending order, each with the number of its rows.

They come in pieces, twice: the first time tells quantiles, the mean and what is most frequent, the second what needs these: moments
about the mean, bins, outliers. Nothing is held but a piece. Doubles are used for sums; quantiles, edges and extremes are the values
themselves, and whole numbers are compared as such.
"""

from __future__ import annotations

import itertools
import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resources.profiles.arrays import as_doubles, as_numpy
from resources.profiles.record import EXTREMES, QUANTILES, TOP_VALUES

Numbers = npt.NDArray[Any]
Exact = int | float | Decimal
_FRACTIONS = [Fraction(str(part)) for part in QUANTILES]


@dataclass(frozen=True)
class SortedValues:
    """Values in ascending order, those of one column."""

    values: pa.Array
    """As they are."""
    numbers: Numbers
    """The same as numpy compares them: whole numbers or doubles."""
    rows: Numbers
    """How many rows have each."""


def piece_of(values: pa.Array, rows: pa.Array) -> SortedValues:
    """A piece of what DuckDB counted."""
    is_plain = pa.types.is_int64(values.type) or pa.types.is_float64(values.type)
    numbers = as_numpy(values) if is_plain else as_doubles(values)
    return SortedValues(values, numbers, as_numpy(rows))


@dataclass
class FirstPass:
    """What the first look at all values tells.

    Args:
        total: rows with a value.
    """

    total: int
    lowest: Exact | None = None
    highest: Exact | None = None
    zeros: int = 0
    negatives: int = 0
    top: list[tuple[int, int, Exact]] = field(default_factory=list)
    """Rows (negative), place in the order, value: the most frequent first."""
    smallest: list[tuple[Exact, int]] = field(default_factory=list)
    largest: list[tuple[Exact, int]] = field(default_factory=list)
    _found: dict[int, Exact] = field(default_factory=dict)
    _seen_rows: int = 0
    _seen_values: int = 0
    _shifted_sum: float = 0.0

    def __post_init__(self) -> None:
        self._places = [(self.total - 1) * part for part in _FRACTIONS]
        ends = {math.floor(place) for place in self._places}
        ends |= {math.ceil(place) for place in self._places}
        self._wanted = np.array(sorted(ends), np.int64)

    def take(self, piece: SortedValues) -> None:
        """The next piece."""
        if not len(piece.rows):
            return
        if self.lowest is None:
            self.lowest = piece.values[0].as_py()
        self.highest = piece.values[-1].as_py()
        upto = np.cumsum(piece.rows) + self._seen_rows
        self._pick(piece, upto)
        self._sum(piece)
        self._rank(piece)
        self._extremes(piece)
        self._seen_rows = int(upto[-1])
        self._seen_values += len(piece.rows)

    @property
    def mean(self) -> float | None:
        """Of all values; None where doubles cannot hold their sum."""
        if self.lowest is None:
            return None
        return _finite(float(self.lowest) + self._shifted_sum / self.total)

    @property
    def reach(self) -> float:
        """The greatest distance of a value from the mean."""
        if self.mean is None or self.lowest is None or self.highest is None:
            return 0.0
        return max(float(self.highest) - self.mean, self.mean - float(self.lowest))

    def quantiles(self) -> list[Fraction | float]:
        """At `QUANTILES`, linear between neighbours."""
        return [self._between(place) for place in self._places] if self._found else []

    def values_below(self) -> list[Exact]:
        """At `QUANTILES`, the value at or below."""
        return [self._found[math.floor(place)] for place in self._places] if self._found else []

    def _between(self, place: Fraction) -> Fraction | float:
        below, above = self._found[math.floor(place)], self._found[math.ceil(place)]
        part = place - math.floor(place)
        if below == above:
            return below if isinstance(below, float) else Fraction(below)
        if isinstance(below, float) and isinstance(above, float):
            return below * float(1 - part) + above * float(part)
        return Fraction(below) * (1 - part) + Fraction(above) * part

    def _pick(self, piece: SortedValues, upto: Numbers) -> None:
        here = self._wanted[(self._wanted >= self._seen_rows) & (self._wanted < upto[-1])]
        for place, index in zip(here, np.searchsorted(upto, here, side="right"), strict=True):
            self._found[int(place)] = piece.values[int(index)].as_py()

    def _sum(self, piece: SortedValues) -> None:
        doubles = piece.numbers.astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            self._shifted_sum += float(
                np.dot(doubles - float(self.lowest or 0), piece.rows.astype(np.float64))
            )
        self.zeros += int(piece.rows[piece.numbers == 0].sum())
        self.negatives += int(piece.rows[piece.numbers < 0].sum())

    def _rank(self, piece: SortedValues) -> None:
        least = -self.top[-1][0] if len(self.top) == TOP_VALUES else 0
        candidates = np.flatnonzero(piece.rows > least)
        best = candidates[np.argsort(-piece.rows[candidates], kind="stable")[:TOP_VALUES]]
        for index in map(int, best):
            rank = (-int(piece.rows[index]), self._seen_values + index)
            insort(self.top, (*rank, piece.values[index].as_py()), key=lambda one: one[:2])
        del self.top[TOP_VALUES:]

    def _extremes(self, piece: SortedValues) -> None:
        for index in range(min(EXTREMES - len(self.smallest), len(piece.rows))):
            self.smallest.append((piece.values[index].as_py(), int(piece.rows[index])))
        for index in range(max(len(piece.rows) - EXTREMES, 0), len(piece.rows)):
            self.largest.append((piece.values[index].as_py(), int(piece.rows[index])))
        del self.largest[:-EXTREMES]


@dataclass
class SecondPass:
    """What the second look tells, once the first has ended.

    Args:
        total: rows with a value.
        mean: of them.
        reach: the greatest distance of a value from it.
        edges: of the bins.
        fences: outside of which values are outliers; None: they are not looked for.
    """

    total: int
    mean: float | None
    reach: float
    edges: Sequence[int | float]
    fences: tuple[float, float] | None
    outliers: int = 0
    _seen_rows: int = 0

    def __post_init__(self) -> None:
        self._below = np.zeros(len(self.edges), np.int64)
        self._upto_last = 0
        self._moments = np.zeros(3)
        self._scale = self.reach or 1.0

    def take(self, piece: SortedValues) -> None:
        """The next piece."""
        if not len(piece.rows):
            return
        upto = np.concatenate(([0], np.cumsum(piece.rows)))
        self._below += upto[_places_of(piece.numbers, self.edges)]
        self._upto_last += int(upto[_places_of(piece.numbers, self.edges[-1:], side="right")][0])
        if self.fences is not None:
            low, high = self.fences
            self.outliers += int(piece.rows[(piece.numbers < low) | (piece.numbers > high)].sum())
        if self.mean is not None:
            self._add_moments(piece)

    def bins(self) -> tuple[tuple[int, ...], int, int]:
        """Counts, and how many values are below the first edge and above the last."""
        upto = [*map(int, self._below[:-1]), self._upto_last]
        counts = tuple(b - a for a, b in itertools.pairwise(upto))
        return counts, upto[0], self.total - upto[-1]

    def std(self) -> float | None:
        """Of a sample."""
        if self.mean is None or self.total < 2:
            return None
        second = max(self._central(2), 0)
        return _finite(self._scale * math.sqrt(second * self.total / (self.total - 1)))

    def skew(self) -> float | None:
        """G1; of values that are all the same 0, as pandas has it."""
        if self.mean is None or self.total < 3:
            return None
        second, third = self._central(2), self._central(3)
        if not second > 0:
            return 0.0 if self.reach == 0 else None
        factor = math.sqrt(self.total * (self.total - 1)) / (self.total - 2)
        return _finite(factor * third / second**1.5) if second**1.5 else None

    def _add_moments(self, piece: SortedValues) -> None:
        assert self.mean is not None  # noqa: S101 - for the type checker
        with np.errstate(over="ignore", invalid="ignore"):
            away = (piece.numbers.astype(np.float64, copy=False) - self.mean) / self._scale
            rows = piece.rows.astype(np.float64)
            square = away * away
            self._moments += (np.dot(away, rows), np.dot(square, rows), np.dot(square * away, rows))

    def _central(self, power: int) -> float:
        """Central moments over powers of the reach; the mean may be off by a rounding, which is made good."""
        first, second, third = (float(moment) / self.total for moment in self._moments)
        if power == 2:
            return second - first * first
        return third - 3 * first * second + 2 * first**3


def _places_of(numbers: Numbers, edges: Sequence[int | float], side: Any = "left") -> Numbers:
    """Where edges would stand among numbers; whole ones beyond 64 bits stand at the ends."""
    if numbers.dtype == np.int64 and all(isinstance(edge, int) for edge in edges):
        bounds = np.iinfo(np.int64)
        within = [min(max(int(edge), int(bounds.min)), int(bounds.max)) for edge in edges]
        return np.searchsorted(numbers, np.array(within, np.int64), side=side)
    return np.searchsorted(
        numbers.astype(np.float64, copy=False), np.array(edges, np.float64), side=side
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
