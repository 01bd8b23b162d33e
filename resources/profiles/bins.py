"""Where the bins of a histogram begin: round numbers, or whole units of the calendar. Pure arithmetic, exact.

A long tail would press all other values into one bin: then the bins cover what lies between the 1st and the 99th percentile and as much
again, and what is outside is counted apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from resources.profiles.record import TimeUnit

Number = int | float

MOST_BINS = 60
_WANTED_BINS = 30
_INTEGER_BINS = 50
_TAIL = 10
"""How many times wider than the middle 98 % the whole range is, for the rest to be a tail."""
_STEPS = (Fraction(1), Fraction(2), Fraction(5, 2), Fraction(5), Fraction(10))
_WHOLE_STEPS = (Fraction(1), Fraction(2), Fraction(5), Fraction(10))


@dataclass(frozen=True)
class Range:
    """Where values lie."""

    lowest: Number
    highest: Number
    low: Number
    """The 1st percentile."""
    high: Number
    """The 99th."""

    def without_tails(self) -> tuple[Fraction, Fraction]:
        """What the bins are to cover."""
        lowest, highest = Fraction(self.lowest), Fraction(self.highest)
        low, high = Fraction(self.low), Fraction(self.high)
        core = high - low
        if core <= 0 or highest - lowest <= _TAIL * core:
            return lowest, highest
        return max(lowest, low - core / 2), min(highest, high + core / 2)


def number_edges(spread: Range, *, is_whole: bool) -> list[Number]:
    """Edges of equal bins at round numbers; a bin for each number of a short range of whole ones."""
    if spread.lowest == spread.highest:
        return [spread.lowest, spread.lowest]
    start, end = spread.without_tails()
    if is_whole:
        start, end = Fraction(math.floor(start)), Fraction(math.ceil(end))
        if end - start < _INTEGER_BINS:
            return list(range(int(start), int(end) + 2))
    width = _round_width((end - start) / _WANTED_BINS, is_whole=is_whole)
    first, last = math.floor(start / width), math.ceil(end / width)
    edges = [_plain(place * width, is_whole=is_whole) for place in range(first, last + 1)]
    return _ascending(edges) or [spread.lowest, spread.highest]


def moment_edges(spread: Range, units_a_day: int) -> tuple[list[int], TimeUnit]:
    """Edges at whole units of the calendar, as counts since 1970, and the unit.

    Args:
        spread: the moments.
        units_a_day: what they are counted in.
    """
    start, end = (math.floor(bound) for bound in spread.without_tails())
    for unit, length, step in _clock(units_a_day):
        if (end - start) // (length * step) < MOST_BINS:
            return _clock_edges(start, end, length * step, units_a_day), unit
    for unit, months in _CALENDAR:
        if (end - start) // (28 * units_a_day * months) < MOST_BINS * 12 // 11:
            edges = _calendar_edges(start, end, months, units_a_day)
            if len(edges) <= MOST_BINS + 1:
                return edges, unit
    return _calendar_edges(
        start, end, 12_000 * _round_millennia(end - start, units_a_day), units_a_day
    ), "millennium"


_CLOCK: tuple[tuple[TimeUnit, int, tuple[int, ...]], ...] = (
    ("microsecond", 1, (1, 10, 100)),
    ("millisecond", 1_000, (1, 10, 100)),
    ("second", 1_000_000, (1, 5, 15, 30)),
    ("minute", 60_000_000, (1, 5, 15, 30)),
    ("hour", 3_600_000_000, (1, 3, 6, 12)),
    ("day", 86_400_000_000, (1, 7)),
)
_CALENDAR: tuple[tuple[TimeUnit, int], ...] = (
    ("month", 1), ("month", 3), ("year", 12), ("year", 24), ("year", 60), ("decade", 120), ("decade", 240),
    ("decade", 600), ("century", 1_200), ("century", 2_400), ("century", 6_000), ("millennium", 12_000),
)  # fmt: skip
_MICROSECONDS_A_DAY = 86_400_000_000


def _clock(units_a_day: int) -> list[tuple[TimeUnit, int, int]]:
    """Units of the clock that moments of this precision can have: name, length in their own units, how many a bin."""
    return [
        (unit, length * units_a_day // _MICROSECONDS_A_DAY, step)
        for unit, length, steps in _CLOCK
        for step in steps
        if length * units_a_day % _MICROSECONDS_A_DAY == 0
    ]


def _clock_edges(start: int, end: int, width: int, units_a_day: int) -> list[int]:
    # Day 4 after the first of 1970 is a Monday.
    shift = 4 * units_a_day if width == 7 * units_a_day else 0
    first = (start - shift) // width
    last = (end - shift) // width + 1
    return [place * width + shift for place in range(first, last + 1)]


def _calendar_edges(start: int, end: int, months: int, units_a_day: int) -> list[int]:
    first = _month_of(start, units_a_day) // months
    last = _month_of(end, units_a_day) // months + 1
    return [_day_of_month(place * months) * units_a_day for place in range(first, last + 1)]


def _month_of(moment: int, units_a_day: int) -> int:
    """Months since the year 0."""
    day = np.datetime64(moment // units_a_day, "D")
    return int(day.astype("datetime64[M]").astype(np.int64)) + 1970 * 12


def _day_of_month(month: int) -> int:
    """Days since 1970 of the first of a month, counted from the year 0."""
    first = np.datetime64(month - 1970 * 12, "M")
    return int(first.astype("datetime64[D]").astype(np.int64))


def _round_millennia(length: int, units_a_day: int) -> int:
    return max(math.ceil(length / (365_242 * units_a_day * _WANTED_BINS)), 1)


def _round_width(width: Fraction, *, is_whole: bool) -> Fraction:
    """The next round number from `width` on."""
    exponent = math.floor(_log10(width))
    power = Fraction(10) ** exponent
    steps = _WHOLE_STEPS if is_whole else _STEPS
    found = next(step * power for step in steps if step * power >= width)
    return max(found, Fraction(1)) if is_whole else found


def _log10(number: Fraction) -> float:
    return math.log10(number.numerator) - math.log10(number.denominator)


def _plain(edge: Fraction, *, is_whole: bool) -> Number:
    if is_whole:
        return int(edge)
    try:
        return float(edge)
    except OverflowError:
        return float(np.finfo(float).max if edge > 0 else np.finfo(float).min)


def _ascending(edges: Sequence[Number]) -> list[Number]:
    """Without those that a double cannot tell from the one before; none if fewer than two are left."""
    kept = [edge for place, edge in enumerate(edges) if not place or edge > edges[place - 1]]
    return kept if len(kept) > 1 else []
