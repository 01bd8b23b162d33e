"""Columns of numbers and times, and the lengths of texts: from `counted` to how far the sides are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from resources.drift import measures
from resources.drift.counting import COUNTED, PairBlock
from resources.drift.ordered import BinCounts, PairedPiece, TwoSamples, paired_piece
from resources.drift.pairs import DriftPair
from resources.drift.record import BothSides, DriftMethod, SharedBins
from resources.drift.session import OpenedSides
from resources.profiles.arrays import as_numpy
from resources.profiles.bins import Range, moment_edges, number_edges
from resources.profiles.kinds import INFINITE, CountedColumn, kept_value, number_value, units_a_day
from resources.profiles.ordered import SecondPass, SortedValues
from resources.profiles.record import TimeUnit

_HELD_VALUES = 1_000_000
"""So many values of a block are read once and held; more are read twice."""
_FEW_ROWS = 20
"""Below, hardly a column has values that repeat."""
_FINITE = {"real": "isfinite(x)", "moment": f"x NOT IN ({INFINITE}, -{INFINITE})"}


@dataclass(frozen=True)
class PairTotals:
    """What a column has in all."""

    missing: BothSides
    values: BothSides
    """Rows with a value that can be compared."""
    not_finite: BothSides
    distinct: int
    """Of both together."""
    is_identifier: bool = False
    """Whether the reference's values are whole numbers without a gap, each once."""


@dataclass(frozen=True)
class Measured:
    """How far the sides are apart, by every method, and how their values lie."""

    values: dict[DriftMethod, float]
    chances: dict[DriftMethod, float]
    p_values: dict[str, float]
    bins: SharedBins | None


def ordered_totals(sides: OpenedSides, block: PairBlock) -> dict[int, PairTotals]:
    """What the columns of a block that is counted have in all, by position."""
    family = block.pairs[0].shown.family
    finite = _FINITE.get(family, "x IS NOT NULL")
    # The widest of whole numbers: the range of 64-bit integers is none itself.
    ends = (f"{end}(x) FILTER (a > 0)::HUGEINT" for end in ("max", "min"))
    dense = f"max(a) = 1 AND {' - '.join(ends)} + 1 = count(x) FILTER (a > 0)"
    dense = dense if family == "whole" else "false"
    sums = ", ".join(
        f"coalesce(sum({side}) FILTER ({which}), 0)::BIGINT"
        for which in ("x IS NULL", finite, f"x IS NOT NULL AND NOT {finite}")
        for side in ("a", "b")
    )
    found = sides.current.rows(
        f"SELECT p, {sums}, count(x), coalesce({dense}, false) FROM {COUNTED} GROUP BY p"
    )
    return _no_totals(block) | {row[0]: _totals(*row[1:]) for row in found}


def _no_totals(block: PairBlock) -> dict[int, PairTotals]:
    none = BothSides()
    empty = PairTotals(none, none, none, 0)
    return dict.fromkeys((pair.position for pair in block.pairs), empty)


def _totals(*found: Any) -> PairTotals:
    a_none, b_none, a, b, a_odd, b_odd, distinct, is_dense = found
    return PairTotals(
        missing=BothSides(a_none, b_none),
        values=BothSides(a, b),
        not_finite=BothSides(a_odd, b_odd),
        distinct=distinct,
        is_identifier=bool(is_dense) and a >= _FEW_ROWS,
    )


def measure_ordered(
    sides: OpenedSides, block: PairBlock, totals: dict[int, PairTotals]
) -> dict[int, Measured]:
    """How far the sides are apart in each column of a block that both have values of.

    Args:
        sides: with `counted`.
        block: its columns.
        totals: of the columns to be measured, by position.
    """
    wanted = {
        pair.position: _Column(pair.shown, totals[pair.position])
        for pair in block.pairs
        if pair.position in totals
    }
    pieces = _reader(sides, block)
    for position, piece in pieces():
        if position in wanted:
            wanted[position].first.take(piece)
    for column in wanted.values():
        column.settle()
    for position, piece in pieces():
        if position in wanted:
            wanted[position].take_again(piece)
    return {position: column.measured() for position, column in wanted.items()}


Pieces = Callable[[], Iterable[tuple[int, PairedPiece]]]


def _reader(sides: OpenedSides, block: PairBlock) -> Pieces:
    """What gives the values of a block as often as it is asked, in order."""
    finite = _FINITE.get(block.pairs[0].shown.family, "x IS NOT NULL")
    sql = f"SELECT p, x, a, b FROM {COUNTED} WHERE {finite}"

    def read() -> Iterator[tuple[int, PairedPiece]]:
        for batch in sides.current.batches(sql):
            yield from _pieces(batch)

    counted = sides.current.rows(f"SELECT count(*) FROM {COUNTED}")[0][0]
    if counted > _HELD_VALUES:
        return read
    held = list(read())
    return lambda: held


def _pieces(batch: pa.RecordBatch) -> Iterator[tuple[int, PairedPiece]]:
    positions = as_numpy(batch.column(0))
    starts = [0, *(np.flatnonzero(np.diff(positions)) + 1).tolist()] if len(positions) else []
    for start, end in zip(starts, [*starts[1:], len(positions)], strict=True):
        part = batch.slice(start, end - start)
        yield int(positions[start]), paired_piece(part.column(1), part.column(2), part.column(3))


class _Column:
    """One column on the way to its measures."""

    def __init__(self, shown: CountedColumn, totals: PairTotals) -> None:
        self._shown, self._totals = shown, totals
        self.first = TwoSamples(totals.values, totals.distinct)

    def settle(self) -> None:
        """Bins, once all values were seen."""
        self._counts = BinCounts(self.first.edges(), self.first.origin)
        self._edges, self._unit = self._binned()
        values = self._totals.values
        self._lying = [
            SecondPass(rows, None, 0.0, self._edges, None)
            for rows in (values.reference, values.current)
        ]

    def take_again(self, piece: PairedPiece) -> None:
        """The next piece, for the second time."""
        self._counts.take(piece)
        for side, rows in zip(self._lying, (piece.reference, piece.current), strict=True):
            side.take(SortedValues(piece.values, piece.numbers, rows))

    def measured(self) -> Measured:
        """What came of it."""
        first, (a, b) = self.first, self._counts.counts()
        rows = self._totals.values.reference, self._totals.values.current
        wasserstein, spread = first.wasserstein()
        cramers_v, p_of_bins = measures.chi_square(a, b)
        return Measured(
            values={
                "wasserstein": wasserstein,
                "ks": first.greatest_gap,
                "psi": measures.population_stability(a, b),
                "jensen_shannon": measures.jensen_shannon(a, b),
                "chi_square": cramers_v,
            },
            chances={
                "wasserstein": measures.wasserstein_chance(spread, *rows),
                "ks": measures.kolmogorov_smirnov_chance(*rows),
                "psi": measures.population_stability_chance(len(a), *rows),
                "jensen_shannon": measures.jensen_shannon_chance(len(a), *rows),
                "chi_square": measures.chi_square_chance(len(a), *rows),
            },
            p_values={
                "ks": measures.kolmogorov_smirnov_p(first.greatest_gap, *rows),
                "chi_square": p_of_bins,
            },
            bins=self._shared_bins(),
        )

    def _shared_bins(self) -> SharedBins:
        (a, a_below, a_above), (b, b_below, b_above) = (side.bins() for side in self._lying)
        is_time = self._shown.kind == "time"
        edges = self._edges
        return SharedBins(
            kind="time" if is_time else "histogram",
            reference=a,
            current=b,
            edges=tuple(kept_value(self._shown, e) if is_time else number_value(e) for e in edges),
            unit=self._unit,
            below=BothSides(a_below, b_below),
            above=BothSides(a_above, b_above),
        )

    def _binned(self) -> tuple[list[int | float], TimeUnit]:
        low, high = self.first.tails
        bounds = (self.first.lowest, self.first.highest, low, high)
        spread = Range(*(_number(bound) for bound in bounds))
        if self._shown.kind == "time":
            edges, unit = moment_edges(spread, units_a_day(self._shown.field.type))
            return [*edges], unit
        return number_edges(spread, is_whole=self._shown.family == "whole"), ""


def _number(value: Any) -> Any:
    return Fraction(value) if isinstance(value, Decimal) else value


def lengths_of(pair: DriftPair) -> DriftPair:
    """A column of texts, as the numbers that their lengths are."""
    field = pa.field(pair.name, pa.int64())
    shown = replace(pair.shown, field=field, kind="number", family="whole", sql_type="BIGINT")
    return replace(pair, shown=shown)
