"""Columns of texts and booleans: from `counted` to how far the shares of their values are apart, and which are new or gone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resources.drift import measures
from resources.drift.counting import COUNTED, PairBlock
from resources.drift.ordered_columns import Measured
from resources.drift.pairs import DriftPair
from resources.drift.record import SHOWN_CATEGORIES, BothSides, Category, SharedBins
from resources.drift.session import OpenedSides
from resources.profiles.kinds import LONGEST_KEY, shown_value

MOST_CATEGORIES = 1_000
"""More are taken for one, but for those with the greatest shares."""
BARS = 10
_FEW_ROWS = 20
"""Below, hardly a column has values that repeat."""


@dataclass(frozen=True)
class CategoryTotals:
    """What a column has in all."""

    missing: BothSides
    values: BothSides
    distinct: BothSides
    once: int
    """Values of the reference that occur once."""
    new: int
    """Values that the reference has not."""
    vanished: int
    spaced: int
    """Values of the reference with a space."""

    @property
    def is_identifier(self) -> bool:
        """Whether every value of the reference is another, and they are no texts of several words."""
        rows = self.values.reference
        return rows >= _FEW_ROWS and self.distinct.reference == rows and 2 * self.spaced <= rows

    @property
    def is_free_text(self) -> bool:
        """Whether more than half of the reference's texts occur once."""
        rows = self.values.reference
        return rows >= _FEW_ROWS and 2 * self.once > rows


def category_totals(sides: OpenedSides, block: PairBlock) -> dict[int, CategoryTotals]:
    """What the columns of a block that is counted have in all, by position."""
    found = sides.current.rows(
        "SELECT p, coalesce(sum(a) FILTER (x IS NULL), 0)::BIGINT, coalesce(sum(b) FILTER (x IS NULL), 0)::BIGINT,"
        " coalesce(sum(a) FILTER (x IS NOT NULL), 0)::BIGINT, coalesce(sum(b) FILTER (x IS NOT NULL), 0)::BIGINT,"
        " count(x) FILTER (a > 0), count(x) FILTER (b > 0), count(x) FILTER (a = 1), count(x) FILTER (a = 0),"
        f" count(x) FILTER (b = 0), count(x) FILTER (a > 0 AND contains(x::VARCHAR, ' ')) FROM {COUNTED} GROUP BY p"
    )
    none = CategoryTotals(BothSides(), BothSides(), BothSides(), 0, 0, 0, 0)
    totals = {pair.position: none for pair in block.pairs}
    for position, *n in found:
        totals[position] = CategoryTotals(
            BothSides(n[0], n[1]), BothSides(n[2], n[3]), BothSides(n[4], n[5]), *n[6:]
        )
    return totals


def measure_categories(sides: OpenedSides, pair: DriftPair, totals: CategoryTotals) -> Measured:
    """How far the sides are apart in a column that is counted, and that both have values of."""
    a_rows, b_rows = totals.values.reference, totals.values.current
    found = sides.current.rows(
        f"SELECT left(x::VARCHAR, {LONGEST_KEY + 1}), a, b FROM {COUNTED} WHERE p = {pair.position} AND x IS NOT NULL"
        f" ORDER BY greatest(a / {a_rows}, b / {b_rows}) DESC, x LIMIT {MOST_CATEGORIES}"
    )
    a, b = (np.array([row[place] for row in found], np.int64) for place in (1, 2))
    others = BothSides(a_rows - int(a.sum()), b_rows - int(b.sum()))
    if others.reference or others.current:
        a, b = np.append(a, others.reference), np.append(b, others.current)
    cramers_v, p_value = measures.chi_square(a, b)
    return Measured(
        values={
            "jensen_shannon": measures.jensen_shannon(a, b),
            "psi": measures.population_stability(a, b),
            "chi_square": cramers_v,
        },
        chances={
            "jensen_shannon": measures.jensen_shannon_chance(len(a), a_rows, b_rows),
            "psi": measures.population_stability_chance(len(a), a_rows, b_rows),
            "chi_square": measures.chi_square_chance(len(a), a_rows, b_rows),
        },
        p_values={"chi_square": p_value},
        bins=_bars(pair, found, totals.values),
    )


def changed_categories(
    sides: OpenedSides, pair: DriftPair
) -> tuple[tuple[Category, ...], tuple[Category, ...]]:
    """The most frequent values that only the current side has, and those that only the reference has."""
    new, vanished = (
        sides.current.rows(
            f"SELECT left(x::VARCHAR, {LONGEST_KEY + 1}), {own} FROM {COUNTED} WHERE p = {pair.position}"
            f" AND x IS NOT NULL AND {other} = 0 ORDER BY {own} DESC, x LIMIT {SHOWN_CATEGORIES}"
        )
        for own, other in (("b", "a"), ("a", "b"))
    )
    return _shown(pair, new), _shown(pair, vanished)


def _shown(pair: DriftPair, found: list[tuple[str, int]]) -> tuple[Category, ...]:
    return tuple(Category(_label(pair, value), rows) for value, rows in found)


def _bars(pair: DriftPair, found: list[tuple[str, int, int]], values: BothSides) -> SharedBins:
    bars = found[:BARS]
    a, b = [row[1] for row in bars], [row[2] for row in bars]
    return SharedBins(
        kind="bars",
        reference=tuple(a),
        current=tuple(b),
        labels=tuple(_label(pair, row[0]) for row in bars),
        others=BothSides(values.reference - sum(a), values.current - sum(b)),
    )


def _label(pair: DriftPair, value: str) -> str:
    """A value as people read it; a boolean was counted as a number."""
    return shown_value(pair.shown, value == "1" if pair.shown.kind == "boolean" else value)
