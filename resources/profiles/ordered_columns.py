"""Profiles of columns whose values have an order: numbers, times, booleans. From `counted` to their figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from resources.profiles.arrays import as_numpy
from resources.profiles.bins import Range, moment_edges, number_edges
from resources.profiles.counting import COUNTED, Block
from resources.profiles.kinds import (
    EXACT_INTEGERS,
    INFINITE,
    CountedColumn,
    kept_value,
    number_value,
    shown_value,
    units_a_day,
)
from resources.profiles.ordered import Exact, FirstPass, SecondPass, SortedValues, piece_of
from resources.profiles.record import ColumnProfile, Distribution, TopValue, Value
from resources.profiles.session import Session

_HELD_VALUES = 1_000_000
"""So many values of a block are read once and held; more are read twice."""
_FENCE = 1.5

_FINITE = {"real": "isfinite(x)", "moment": f"x NOT IN ({INFINITE}, -{INFINITE})"}
_INFINITE = {"real": "isinf(x)", "moment": f"x IN ({INFINITE}, -{INFINITE})"}


@dataclass(frozen=True)
class Totals:
    """What a column has in all."""

    missing: int
    distinct: int
    once: int
    finite: int
    infinities: int
    nans: int


def profile_ordered(session: Session, block: Block) -> list[ColumnProfile]:
    """The profiles of the columns of a block that is counted, without warnings."""
    totals = _totals(session, block)
    pieces = _reader(session, block)
    first = {c.position: FirstPass(totals[c.position].finite) for c in block.columns}
    for position, piece in pieces():
        first[position].take(piece)
    facts = {c.position: _Facts(c, totals[c.position], first[c.position]) for c in block.columns}
    second = {position: fact.second_pass() for position, fact in facts.items()}
    for position, piece in pieces():
        second[position].take(piece)
    return [facts[position].profile(second[position]) for position in facts]


def _totals(session: Session, block: Block) -> dict[int, Totals]:
    family = block.columns[0].family
    finite = _FINITE.get(family, "x IS NOT NULL")
    infinite = _INFINITE.get(family, "false")
    nan = "isnan(x)" if family == "real" else "false"
    found = session.rows(
        "SELECT p, coalesce(sum(n) FILTER (x IS NULL), 0)::BIGINT, count(x), count(x) FILTER (n = 1),"
        f" coalesce(sum(n) FILTER ({finite}), 0)::BIGINT, coalesce(sum(n) FILTER ({infinite}), 0)::BIGINT,"
        f" coalesce(sum(n) FILTER ({nan}), 0)::BIGINT FROM {COUNTED} GROUP BY p"
    )
    # A table without rows has no row to count.
    none = {column.position: Totals(0, 0, 0, 0, 0, 0) for column in block.columns}
    return none | {position: Totals(*counts) for position, *counts in found}


Pieces = Callable[[], Iterable[tuple[int, SortedValues]]]


def _reader(session: Session, block: Block) -> Pieces:
    """What gives the values of a block as often as it is asked, in order."""
    finite = _FINITE.get(block.columns[0].family, "x IS NOT NULL")
    sql = f"SELECT p, x, n FROM {COUNTED} WHERE {finite}"

    def read() -> Iterator[tuple[int, SortedValues]]:
        for batch in session.batches(sql):
            yield from _pieces(batch)

    counted = session.rows(f"SELECT count(*) FROM {COUNTED}")[0][0]
    if counted > _HELD_VALUES:
        return read
    held = list(read())
    return lambda: held


def _pieces(batch: pa.RecordBatch) -> Iterator[tuple[int, SortedValues]]:
    positions = as_numpy(batch.column(0))
    starts = [0, *(np.flatnonzero(np.diff(positions)) + 1).tolist()] if len(positions) else []
    for start, end in zip(starts, [*starts[1:], len(positions)], strict=True):
        part = batch.slice(start, end - start)
        yield int(positions[start]), piece_of(part.column(1), part.column(2))


class _Facts:
    """What the first pass told of a column, and what follows from it."""

    def __init__(self, column: CountedColumn, totals: Totals, first: FirstPass) -> None:
        self._column, self._totals, self._first = column, totals, first
        self._is_number = column.kind == "number"
        self._quantiles = first.quantiles() if self._is_number else first.values_below()
        self._fences = self._tukey()
        self._edges, self._unit = self._binned()

    def second_pass(self) -> SecondPass:
        """What is to be looked for when the values come again."""
        fences = None if self._fences is None else (float(self._fences[0]), float(self._fences[1]))
        mean = self._first.mean if self._is_number else None
        return SecondPass(self._totals.finite, mean, self._first.reach, self._edges or [0], fences)

    def profile(self, second: SecondPass) -> ColumnProfile:
        """All of it."""
        column, totals, first = self._column, self._totals, self._first
        plain = ColumnProfile(
            name=column.name,
            position=column.position,
            type=str(column.field.type),
            kind=column.kind,
            missing=totals.missing,
            distinct=totals.distinct,
            once=totals.once,
            top=tuple(self._top(value, -rows) for rows, _, value in first.top),
        )
        if column.kind == "boolean":
            return self._boolean(plain)
        ranged = replace(
            plain,
            lowest=self._kept(first.lowest),
            highest=self._kept(first.highest),
            quantiles=tuple(self._quantile(value) for value in self._quantiles),
            infinities=totals.infinities,
            smallest=tuple(self._top(value, rows) for value, rows in first.smallest),
            largest=tuple(self._top(value, rows) for value, rows in reversed(first.largest)),
            distribution=self._distribution(second),
        )
        return self._number(ranged, second) if self._is_number else ranged

    def _number(self, plain: ColumnProfile, second: SecondPass) -> ColumnProfile:
        fences = self._fences
        return replace(
            plain,
            mean=self._first.mean,
            std=second.std(),
            skew=second.skew(),
            zeros=self._first.zeros,
            negatives=self._first.negatives,
            nans=self._totals.nans,
            outliers=None if fences is None else second.outliers,
            fences=None
            if fences is None
            else (self._computed(fences[0]), self._computed(fences[1])),
        )

    def _boolean(self, plain: ColumnProfile) -> ColumnProfile:
        rows = {bool(value): -count for count, _, value in self._first.top}
        bars = [
            (label, rows[flag])
            for flag, label in ((True, "true"), (False, "false"))
            if flag in rows
        ]
        shown = Distribution(
            "bars", tuple(count for _, count in bars), labels=tuple(label for label, _ in bars)
        )
        return replace(plain, trues=rows.get(True, 0), distribution=shown if bars else None)

    def _distribution(self, second: SecondPass) -> Distribution | None:
        if not self._edges:
            return None
        counts, below, above = second.bins()
        return Distribution(
            kind="histogram" if self._is_number else "time",
            counts=counts,
            edges=tuple(self._edge(edge) for edge in self._edges),
            unit=self._unit,
            below=below,
            above=above,
        )

    def _binned(self) -> tuple[list[int | float], Any]:
        """Edges of the bins, and their unit."""
        if (
            self._first.lowest is None
            or self._first.highest is None
            or self._column.kind == "boolean"
        ):
            return [], ""
        low, high = self._quantiles[1], self._quantiles[-2]
        bounds = (self._first.lowest, self._first.highest, low, high)
        spread = Range(*(_number(bound) for bound in bounds))
        if self._is_number:
            return number_edges(spread, is_whole=self._column.family == "whole"), ""
        edges, unit = moment_edges(spread, units_a_day(self._column.field.type))
        return [*edges], unit

    def _tukey(self) -> tuple[Fraction | float, Fraction | float] | None:
        if not self._is_number or not self._quantiles:
            return None
        low, high = self._quantiles[3], self._quantiles[5]
        if isinstance(low, float) or isinstance(high, float):
            reach = _FENCE * (float(high) - float(low))
            fences = float(low) - reach, float(high) + reach
            return fences if all(map(math.isfinite, fences)) else None
        exact = Fraction(3, 2) * (Fraction(high) - Fraction(low))
        return Fraction(low) - exact, Fraction(high) + exact

    def _quantile(self, value: Any) -> Value:
        return self._computed(value) if self._is_number else kept_value(self._column, value)

    def _edge(self, edge: int | float) -> Value:
        return number_value(edge) if self._is_number else kept_value(self._column, edge)

    def _computed(self, value: Fraction | float) -> Value:
        """Of decimals as digits, all of them; of other numbers as `rounded` has it."""
        if self._column.family == "decimal" and isinstance(value, Fraction):
            return digits_of(value)
        return rounded(value)

    def _kept(self, value: Any) -> Value | None:
        return None if value is None else kept_value(self._column, value)

    def _top(self, value: Exact, rows: int) -> TopValue:
        exact = bool(value) if self._column.kind == "boolean" else kept_value(self._column, value)
        return TopValue(shown_value(self._column, value), rows, exact)


def rounded(value: Fraction | float) -> Value:
    """What was computed of numbers, as the record keeps it: a double, or digits where a double is not enough."""
    if isinstance(value, float):
        return value
    if value.denominator == 1:
        return number_value(value.numerator)
    if abs(value) <= EXACT_INTEGERS:
        return float(value)
    return digits_of(value)


def digits_of(value: Fraction) -> str:
    """A fraction of powers of ten as its digits."""
    with localcontext(prec=80):
        return f"{(Decimal(value.numerator) / Decimal(value.denominator)).normalize():f}"


def _number(value: Any) -> Any:
    return Fraction(value) if isinstance(value, Decimal) else value
