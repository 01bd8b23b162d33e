"""The bars of a column's distribution, each with the conditions that find just its rows.

Values on both sides of an edge are told apart exactly: edges are brought onto the values that the type of the column has, since 2.5
is no whole number to compare one with. Bounds keep NaN and infinities out, which DuckDB sorts above all numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import numpy as np

from orchestration.services.hidden_characters import spelled
from orchestration.services.profiles.wording import figure, moment
from orchestration.services.rows.conditions import Condition, Operator
from resources.profiles.record import ColumnProfile, Distribution, TopValue, Value

_DIGITS = Context(prec=400)
_DECIMAL = re.compile(r"decimal\d*\(\d+, (-?\d+)\)")
_SMALL_FLOATS: dict[str, type[np.floating]] = {"float": np.float32, "halffloat": np.float16}


@dataclass(frozen=True)
class Bar:
    """One bar.

    Args:
        label: which values it counts.
        rows: how many rows have one.
        conditions: what finds these rows; empty where nothing does.
        is_rest: whether it stands for all that have no bar of their own.
    """

    label: str
    rows: int
    conditions: tuple[Condition, ...] = ()
    is_rest: bool = False


def bars_of(column: ColumnProfile) -> tuple[Bar, ...]:
    """The bars of a column, in order; none where it has no distribution."""
    shown = column.distribution
    if shown is None:
        return ()
    return tuple(_labelled(column, shown) if shown.kind == "bars" else _binned(column, shown))


def rows_with(column: ColumnProfile, value: TopValue) -> tuple[Condition, ...]:
    """What finds the rows with a value; empty where it was cut."""
    return () if value.exact is None else _equal(column, value.exact)


def _equal(column: ColumnProfile, value: Value | bool) -> tuple[Condition, ...]:
    if column.kind in ("nested", "binary") or column.type.startswith("duration"):
        return ()
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return (Condition(column.name, Operator.EQUAL, text),)


def outside(column: ColumnProfile) -> list[Bar]:
    """The numbers beyond the fences, on each side that has any; how many there are is told of both together."""
    if column.fences is None or not column.outliers:
        return []
    low, high = column.fences
    sides = []
    if _number(column.lowest) < _number(low):
        found = _between(column, low=column.lowest, below=low)
        sides.append(Bar(f"below {figure(low)}", 0, found))
    if _number(column.highest) > _number(high):
        found = _between(column, above=high, high=column.highest)
        sides.append(Bar(f"above {figure(high)}", 0, found))
    return sides


def odd_rows(column: ColumnProfile) -> list[Bar]:
    """Rows whose value is none, or no finite number."""
    wanted = [
        ("missing", column.missing, Operator.IS_NULL, ""),
        ("NaN", column.nans or 0, Operator.EQUAL, "nan"),
        ("infinite", column.infinities or 0, Operator.IN, "inf,-inf"),
    ]
    return [
        Bar(label, rows, (Condition(column.name, operator, value),))
        for label, rows, operator, value in wanted
        if rows
    ]


def _labelled(column: ColumnProfile, shown: Distribution) -> Iterator[Bar]:
    exact = {top.value: rows_with(column, top) for top in column.top}
    for label, rows in zip(shown.labels, shown.counts, strict=True):
        yield Bar(spelled(label), rows, exact.get(label, ()))
    if shown.others:
        values = f"{shown.other_values:,} other value{'' if shown.other_values == 1 else 's'}"
        yield Bar(values, shown.others, is_rest=True)


def _binned(column: ColumnProfile, shown: Distribution) -> Iterator[Bar]:
    edges, last = shown.edges, len(shown.counts) - 1
    texts = [moment(e, shown.unit) if shown.kind == "time" else figure(e) for e in edges]
    if shown.below:
        found = _between(column, low=column.lowest, below=edges[0])
        yield Bar(f"below {texts[0]}", shown.below, found, is_rest=True)
    for place, rows in enumerate(shown.counts):
        low = edges[place] if place or shown.below else column.lowest
        if place < last:
            found = _between(column, low=low, below=edges[place + 1])
        else:
            found = _between(column, low=low, high=edges[-1] if shown.above else column.highest)
        yield Bar(_bin_label(column, shown, texts, place), rows, found)
    if shown.above:
        found = _between(column, above=edges[-1], high=column.highest)
        yield Bar(f"above {texts[-1]}", shown.above, found, is_rest=True)


def _bin_label(column: ColumnProfile, shown: Distribution, texts: list[str], place: int) -> str:
    low, high = shown.edges[place], shown.edges[place + 1]
    is_one = shown.kind == "histogram" and "int" in column.type and high == _next(low)
    if is_one or texts[place] == texts[place + 1]:
        return texts[place]
    return f"{texts[place]} to {texts[place + 1]}"


def _next(value: Value) -> Value:
    return value + 1 if isinstance(value, int) else value


def _between(
    column: ColumnProfile,
    *,
    low: Value | None = None,
    above: Value | None = None,
    high: Value | None = None,
    below: Value | None = None,
) -> tuple[Condition, ...]:
    """The conditions for a range; none for types whose values cannot be asked for."""
    if column.type.startswith("duration"):
        return ()
    bounds = [
        (Operator.AT_LEAST, low, ROUND_CEILING),
        (Operator.GREATER, above, ROUND_FLOOR),
        (Operator.AT_MOST, high, ROUND_FLOOR),
        (Operator.LESS, below, ROUND_CEILING),
    ]
    return tuple(
        Condition(column.name, operator, _of_type(bound, column, rounding))
        for operator, bound, rounding in bounds
        if bound is not None
    )


def _of_type(bound: Value, column: ColumnProfile, rounding: str) -> str:
    """The next value that the column's type has, upwards or downwards."""
    if column.kind != "number":
        return str(bound)
    if "int" in column.type:
        return f"{_number(bound).to_integral_value(rounding, context=_DIGITS):f}"
    if (found := _DECIMAL.match(column.type)) is not None:
        step = Decimal(1).scaleb(-int(found[1]))
        return f"{_number(bound).quantize(step, rounding, context=_DIGITS):f}"
    if (single := _SMALL_FLOATS.get(column.type)) is not None:
        return repr(_small_float(float(bound), single, is_up=rounding == ROUND_CEILING))
    return repr(float(bound))


def _small_float(bound: float, single: type[np.floating], *, is_up: bool) -> float:
    with np.errstate(over="ignore"):
        near = single(bound)
    if float(near) == bound or (float(near) > bound) == is_up:
        return float(near)
    return float(np.nextafter(near, single(np.inf if is_up else -np.inf)))


def _number(value: Value | None) -> Decimal:
    return Decimal(repr(value) if isinstance(value, float) else str(value))
