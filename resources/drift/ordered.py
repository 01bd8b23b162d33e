"""Distances of two distributions of numbers or times, from the values of both in ascending order.

They come in pieces, twice, as those of a profile do: the first time tells distances, spread and where bins begin, the second fills the
bins. Nothing is held but a piece. Distances are computed with doubles, from the lowest value on, so that large numbers close together
keep their differences; of decimals, which doubles cannot tell apart then, these differences are what bins compare as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from resources.drift.record import BothSides
from resources.profiles.arrays import as_doubles, as_numpy
from resources.profiles.ordered import Numbers, piece_of

DECILES = 10
"""Bins of PSI and its like: as many of the reference's values in each, as far as equal values allow."""
FEW_VALUES = 20
"""Up to so many different values each has a bin of its own."""
_TAILS = (0.01, 0.99)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairedPiece:
    """Values in ascending order, with the rows that have each."""

    values: pa.Array
    """As they are."""
    numbers: Numbers
    """The same as numpy compares them: whole numbers or doubles."""
    reference: Numbers
    current: Numbers

    def compared(self, lowest: pa.Scalar) -> Numbers:
        """What bins compare: the numbers, of decimals how far each is from the lowest value."""
        if not pa.types.is_decimal(self.values.type):
            return self.numbers
        # One more digit than DuckDB's decimals have at most, for the difference of two.
        wide = pa.decimal256(39, self.values.type.scale)
        return as_doubles(pc.subtract(self.values.cast(wide), lowest.cast(wide)))


def paired_piece(values: pa.Array, reference: pa.Array, current: pa.Array) -> PairedPiece:
    """A piece of what DuckDB counted."""
    piece = piece_of(values, reference)
    return PairedPiece(values, piece.numbers, piece.rows, as_numpy(current))


class Spread:
    """Variance of values that come in pieces, each with its rows, ascending from 0 on.

    All is kept in units of the greatest value yet: squares of numbers beyond 1e154, or below 1e-162, are no doubles.
    """

    def __init__(self) -> None:
        self.rows = 0.0
        self.mean = 0.0
        self._squares = 0.0
        self._unit = 0.0

    def add(self, values: Floats, rows: Numbers) -> None:
        """The next piece; Chan's way, which does not cancel."""
        weights = rows.astype(np.float64)
        here = float(weights.sum())
        if not here:
            return
        smaller = self._unit / float(values[-1]) if values[-1] else 1.0
        self._unit, self.mean = float(values[-1]), self.mean * smaller
        self._squares *= smaller * smaller
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = values / (self._unit or 1.0)
            mean = float(scaled @ weights) / here
            squares = float(((scaled - mean) ** 2) @ weights)
        whole, away = self.rows + here, mean - self.mean
        self._squares += squares + away * away * self.rows * here / whole
        self.mean += away * here / whole
        self.rows = whole

    @property
    def std(self) -> float:
        """Of a sample."""
        if self.rows <= 1:
            return 0.0
        return self._unit * math.sqrt(self._squares / (self.rows - 1))


class TwoSamples:
    """What the first look at all values tells.

    Args:
        values: rows with a value on either side; both have some.
        distinct: how many different values both have together.
    """

    def __init__(self, values: BothSides, distinct: int) -> None:
        self._total = np.array([values.reference, values.current], np.int64)
        self._is_few = distinct <= FEW_VALUES
        self._seen = np.zeros(2, np.int64)
        self.origin: Any = None
        """The lowest value, as Arrow has it."""
        self._last = 0.0
        self._gap = self._root = 0.0
        self._area = self._spread_area = 0.0
        self.greatest_gap = 0.0
        """Of the two cumulative distributions: the Kolmogorov-Smirnov distance."""
        self.lowest: Any = None
        self.highest: Any = None
        self.tails: list[Any] = []
        """Of both together, the values at 1 and at 99 %."""
        self._edges: list[Any] = []
        self._of_reference, self._of_both = Spread(), Spread()

    def take(self, piece: PairedPiece) -> None:
        """The next piece."""
        if not len(piece.numbers):
            return
        if self.origin is None:
            self.origin, self.lowest = piece.values[0], piece.values[0].as_py()
        self.highest = piece.values[-1].as_py()
        upto = np.stack([np.cumsum(piece.reference), np.cumsum(piece.current)])
        upto += self._seen[:, None]
        numbers = piece.compared(self.origin)
        away = self._away(numbers)
        self._measure(away, upto)
        self._pick(piece, numbers, upto)
        self._of_reference.add(away, piece.reference)
        self._of_both.add(away, piece.reference + piece.current)
        self._seen = upto[:, -1]

    def wasserstein(self) -> tuple[float, float]:
        """The area between the cumulative distributions over the reference's standard deviation, and the same of chance's spread.

        Where all values of the reference are the same, over the standard deviation of both together. Not finite where doubles cannot
        hold the distances.
        """
        unit = self._of_reference.std or self._of_both.std
        if not unit:
            return 0.0, 0.0
        return self._area / unit, self._spread_area / unit

    def edges(self) -> Numbers:
        """The greatest value of each bin but the last, as bins compare it: deciles of the reference, or every value where there are few."""
        found = self._edges[:-1] if self._is_few else self._edges
        # A single value; of decimals it is no distance from itself.
        alone = 0.0 if isinstance(self.lowest, Decimal) else self.lowest
        return np.array(found) if found else np.array([alone])

    def _away(self, numbers: Numbers) -> Floats:
        """What bins compare, from the lowest value on."""
        if isinstance(self.lowest, Decimal):
            return numbers
        if numbers.dtype == np.int64 and int(numbers[-1]) - self.lowest < 2**63:
            near: Floats = (numbers - self.lowest).astype(np.float64)
            return near
        with np.errstate(over="ignore"):
            away: Floats = numbers.astype(np.float64) - float(self.lowest)
        return away

    def _measure(self, away: Floats, upto: Numbers) -> None:
        shares = upto / self._total[:, None]
        gaps = np.abs(shares[0] - shares[1])
        both = upto.sum(axis=0) / self._total.sum()
        roots = np.sqrt(np.clip(both * (1 - both), 0, None))
        with np.errstate(over="ignore", invalid="ignore"):
            steps = np.diff(away, prepend=self._last)
            self._area += float(np.concatenate(([self._gap], gaps[:-1])) @ steps)
            self._spread_area += float(np.concatenate(([self._root], roots[:-1])) @ steps)
        self.greatest_gap = max(self.greatest_gap, float(gaps.max()))
        self._last, self._gap, self._root = float(away[-1]), float(gaps[-1]), float(roots[-1])

    def _pick(self, piece: PairedPiece, numbers: Numbers, upto: Numbers) -> None:
        """Where bins end, as values that are there."""
        if self._is_few:
            self._edges += list(numbers)
        else:
            ends = [self._total[0] * part / DECILES for part in range(1, DECILES)]
            places = _reached(upto[0], self._seen[0], ends)
            self._edges += [e for e in numbers[places] if e not in self._edges[-1:]]
        both, seen = upto.sum(axis=0), self._seen.sum()
        ends = [self._total.sum() * part for part in _TAILS]
        self.tails += [piece.values[int(place)].as_py() for place in _reached(both, seen, ends)]


def _reached(upto: Numbers, seen: Any, ends: list[Any]) -> Numbers:
    """Places of the values at which a running count reaches each end, of those that it reaches here."""
    here = np.array([end for end in ends if seen < end <= upto[-1]])
    return np.searchsorted(upto, here, side="left")


class BinCounts:
    """Rows of either side in each bin.

    Args:
        edges: the greatest value of each bin but the last, as bins compare them.
        lowest: of all values, as Arrow has it.
    """

    def __init__(self, edges: Numbers, lowest: pa.Scalar) -> None:
        self._edges, self._lowest = edges, lowest
        self._upto = np.zeros((2, len(edges)), np.int64)
        self._total = np.zeros((2, 1), np.int64)

    def take(self, piece: PairedPiece) -> None:
        """The next piece."""
        places = np.searchsorted(piece.compared(self._lowest), self._edges, side="right")
        for side, rows in enumerate((piece.reference, piece.current)):
            self._upto[side] += np.concatenate(([0], np.cumsum(rows)))[places]
            self._total[side] += rows.sum()

    def counts(self) -> tuple[Numbers, Numbers]:
        """Of the reference and of the current version; bins without any row are left out."""
        none = np.zeros((2, 1), np.int64)
        found = np.diff(np.concatenate((none, self._upto, self._total), axis=1), axis=1)
        found = found[:, found.sum(axis=0) > 0]
        return found[0], found[1]
