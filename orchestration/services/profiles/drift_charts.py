"""Two distributions over each other as SVG: the current version filled, the reference as an outline, both as shares of their own rows.

As in `charts.py`: every text that comes from data is escaped, the stylesheet colours, and a table beside has the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from orchestration.services.profiles.drawing import cut, rect, svg, text
from orchestration.services.profiles.drift_bars import SharedBar, shared_bars
from orchestration.services.profiles.wording import count, share
from resources.drift.record import ColumnDrift

SMALL_WIDTH, SMALL_HEIGHT = 220, 64
WIDTH, HEIGHT = 760, 250
_FLOOR, _TOP = 26, 12
_LEFT = 64
_LINE, _LABEL = 19, 26
_LARGE_LINE, _LARGE_LABEL, _LARGE_ROOM = 34, 210, 150
_SMALL_LINES = 4


def small_overlay(column: ColumnDrift) -> Markup:
    """Both distributions at a glance; empty where values were not compared."""
    bars = shared_bars(column)
    if not bars or column.bins is None:
        return Markup()
    if column.bins.kind == "bars":
        shown = bars[:_SMALL_LINES]
        lines = _small_lines(shown, _totals(bars))
        return svg(SMALL_WIDTH, len(shown) * _LINE, lines, "small")
    return svg(
        SMALL_WIDTH, SMALL_HEIGHT, _steps(bars, 0, SMALL_WIDTH, SMALL_HEIGHT - 1, 2), "small"
    )


def large_overlay(column: ColumnDrift) -> Markup:
    """Both distributions with axes; empty where values were not compared."""
    bars = shared_bars(column)
    if not bars or column.bins is None:
        return Markup()
    if column.bins.kind == "bars":
        return svg(WIDTH, len(bars) * _LARGE_LINE, _large_lines(bars), "large")
    return svg(WIDTH, HEIGHT, _large_steps(bars), "large")


def told(column: ColumnDrift) -> str:
    """What the chart shows, in a sentence for whoever does not see it: where the shares differ most."""
    bars = shared_bars(column)
    if not bars:
        return ""
    totals = _totals(bars)
    most = max(bars, key=lambda bar: abs(_part(bar, totals, 0) - _part(bar, totals, 1)))
    if not abs(_part(most, totals, 0) - _part(most, totals, 1)):
        return "The shares of all values are the same"
    was, now = share(most.reference, totals[0]), share(most.current, totals[1])
    return f"The greatest change: {cut(most.label, 60)}, from {was} to {now}"


def _steps(
    bars: Sequence[SharedBar], left: float, right: float, floor: float, top: float
) -> Iterator[Markup]:
    """Current shares as one filled path, those of the reference as a line along their tops."""
    totals = _totals(bars)
    parts = [[_part(bar, totals, side) for bar in bars] for side in (0, 1)]
    most, step = max(map(max, parts)) or 1, (right - left) / len(bars)
    heights = [[(floor - top) * part / most for part in side] for side in parts]
    filled = "".join(
        f"M{left + place * step:.1f} {floor:g}v-{height:.1f}h{step:.1f}V{floor:g}z"
        for place, height in enumerate(heights[1])
        if height
    )
    outline = f"M{left:.1f} {floor:g}" + "".join(
        f"V{floor - height:.1f}h{step:.1f}" for height in heights[0]
    )
    yield Markup('<path class="now" d="{}"/>').format(filled)
    yield Markup('<path class="then" d="{}V{:g}"/>').format(outline, floor)


def _large_steps(bars: Sequence[SharedBar]) -> Iterator[Markup]:
    floor, totals = HEIGHT - _FLOOR, _totals(bars)
    most = max(_part(bar, totals, side) for bar in bars for side in (0, 1))
    for part in (0.0, 0.5, 1.0):
        y = floor - part * (floor - _TOP)
        yield Markup('<path class="axis" d="M{} {:g}H{}"/>').format(_LEFT, y, WIDTH)
        yield text(f"{100 * most * part:.3g} %", _LEFT - 6, y + 4, "end")
    yield from _steps(bars, _LEFT, WIDTH, floor, _TOP)
    step = (WIDTH - _LEFT) / len(bars)
    for place, bar in enumerate(bars):
        hit = rect("hit", _LEFT + place * step, _TOP, step, floor - _TOP)
        yield Markup("<g><title>{}</title>{}</g>").format(_title(bar, totals), hit)
    every = max(round(len(bars) / 6), 1)
    for place in range(0, len(bars) - every // 2, every):
        label = bars[place].label.partition(" to ")[0]
        yield text(cut(label, 16), _LEFT + step * place, HEIGHT - 8)
    if " to " in bars[-1].label:
        yield text(cut(bars[-1].label.rpartition(" to ")[2], 16), WIDTH, HEIGHT - 8, "end")


def _small_lines(bars: Sequence[SharedBar], totals: tuple[int, int]) -> Iterator[Markup]:
    """The categories with the greatest shares as lines, each on a bar of its share now, with a mark at that of the reference."""
    for place, bar in enumerate(bars):
        y = place * _LINE
        yield rect("track", 0, y, SMALL_WIDTH, _LINE - 2)
        yield rect("under", 0, y, SMALL_WIDTH * _part(bar, totals, 1), _LINE - 2)
        mark = min(max(SMALL_WIDTH * _part(bar, totals, 0), 1), SMALL_WIDTH - 1)
        yield Markup('<path class="then" d="M{:.1f} {}v{}"/>').format(mark, y, _LINE - 2)
        yield Markup('<svg x="0" y="{}" width="{}" height="{}">{}</svg>').format(
            y, SMALL_WIDTH - 48, _LINE - 2, text(cut(bar.label, _LABEL), 5, _LINE - 7)
        )
        yield text(share(bar.current, totals[1]), SMALL_WIDTH - 5, y + _LINE - 7, "end")


def _large_lines(bars: Sequence[SharedBar]) -> Iterator[Markup]:
    totals = _totals(bars)
    most = max(_part(bar, totals, side) for bar in bars for side in (0, 1)) or 1
    room = WIDTH - _LARGE_LABEL - _LARGE_ROOM
    for place, bar in enumerate(bars):
        y = place * _LARGE_LINE
        yield Markup('<svg x="0" y="{}" width="{}" height="{}">{}</svg>').format(
            y, _LARGE_LABEL - 8, _LARGE_LINE, text(cut(bar.label, 30), 0, 21)
        )
        for side, rows, kind, top in ((1, bar.current, "now", 4), (0, bar.reference, "before", 17)):
            width = max(room * _part(bar, totals, side) / most, 1)
            yield rect(kind, _LARGE_LABEL, y + top, width, 11)
            told_share = f"{count(rows)} ({share(rows, totals[side])})"
            yield text(told_share, _LARGE_LABEL + width + 6, y + top + 10)


def _totals(bars: Sequence[SharedBar]) -> tuple[int, int]:
    return sum(bar.reference for bar in bars), sum(bar.current for bar in bars)


def _part(bar: SharedBar, totals: tuple[int, int], side: int) -> float:
    rows = bar.current if side else bar.reference
    return rows / totals[side] if totals[side] else 0.0


def _title(bar: SharedBar, totals: tuple[int, int]) -> str:
    was, now = share(bar.reference, totals[0]), share(bar.current, totals[1])
    return f"{cut(bar.label, 120)}: {was} in the reference, {now} now"
