"""Charts as SVG in the page itself: crisp at any size, coloured by the stylesheet, so that light and dark are its business.

Every text that comes from data is escaped here. A chart is hidden from screen readers, which have its table; its links are
in that table again, for the keyboard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from orchestration.services.profiles.bars import Bar, bars_of
from orchestration.services.profiles.drawing import cut, rect, svg, text
from orchestration.services.profiles.wording import count, figure, moment, share
from resources.profiles.record import ColumnProfile, Value

SMALL_WIDTH, SMALL_HEIGHT = 220, 76
_LINE = 19
_SMALL_LINES = 4
_SMALL_TEXT = 26
WIDTH, HEIGHT = 760, 230
_LEFT, _BOTTOM, _TOP = 64, 26, 12
_BAR_LINE, _BAR_LABEL = 26, 210
_BAR_TEXT = 30
Address = Callable[[Bar], str]
"""Where the rows of a bar are; empty where they cannot be shown."""


def nowhere(_bar: Bar) -> str:
    """Of a chart whose bars lead nowhere."""
    return ""


def small_chart(column: ColumnProfile, rows: int) -> Markup:
    """The distribution of a column at a glance; empty where it has none.

    Args:
        column: its profile.
        rows: of the table, for shares.
    """
    bars = bars_of(column)
    if not bars or column.distribution is None:
        return Markup()
    if column.distribution.kind == "bars":
        return svg(SMALL_WIDTH, SMALL_HEIGHT, _small_lines(bars, rows), "small")
    return svg(SMALL_WIDTH, SMALL_HEIGHT, _small_bins(bars, column), "small")


def large_chart(column: ColumnProfile, rows: int, address: Address = nowhere) -> Markup:
    """The distribution of a column, each bar a link to its rows; empty where it has none."""
    bars = bars_of(column)
    if not bars or column.distribution is None:
        return Markup()
    if column.distribution.kind == "bars":
        height = len(bars) * _BAR_LINE
        return svg(WIDTH, height, _lines(bars, rows, address), "large")
    return svg(WIDTH, HEIGHT, _bins(bars, address), "large")


def share_bar(part: float, whole: float) -> Markup:
    """A bar as long as a part of a whole, for a cell of a table."""
    width = round(100 * part / whole, 1) if whole else 0
    return svg(100, 10, [rect("track", 0, 0, 100, 10), rect("bar", 0, 0, width, 10)], "share")


def _title(bar: Bar, whole: int) -> str:
    return f"{cut(bar.label, 120)}: {count(bar.rows)} ({share(bar.rows, whole)})"


def _small_bins(bars: Sequence[Bar], column: ColumnProfile) -> Iterator[Markup]:
    """All bins as one path, below them the lowest and the highest value."""
    floor = SMALL_HEIGHT - 16
    most, step = max(bar.rows for bar in bars) or 1, SMALL_WIDTH / len(bars)
    gap = min(step * 0.12, 1.5)
    for kind, is_rest in (("bar", False), ("rest", True)):
        path = "".join(
            f"M{place * step:.1f} {floor}v-{max(floor * bar.rows / most, 1):.1f}h{step - gap:.1f}V{floor}z"
            for place, bar in enumerate(bars)
            if bar.rows and bar.is_rest == is_rest
        )
        if path:
            yield Markup('<path class="{}" d="{}"/>').format(kind, path)
    yield text(_end(column, column.lowest), 0, SMALL_HEIGHT - 3)
    if column.highest != column.lowest:
        yield text(_end(column, column.highest), SMALL_WIDTH, SMALL_HEIGHT - 3, "end")


def _end(column: ColumnProfile, value: Value | None) -> str:
    shown = column.distribution
    if value is None or shown is None:
        return ""
    return cut(moment(value, shown.unit) if shown.kind == "time" else figure(value), 18)


def _small_lines(bars: Sequence[Bar], rows: int) -> Iterator[Markup]:
    """The most frequent values as lines of a list, each on a bar of its share."""
    shown = bars[:_SMALL_LINES]
    for place, bar in enumerate(shown):
        y = place * _LINE
        width = SMALL_WIDTH * bar.rows / rows if rows else 0
        yield rect("track", 0, y, SMALL_WIDTH, _LINE - 2)
        yield rect("under rest" if bar.is_rest else "under", 0, y, width, _LINE - 2)
        label = cut(bar.label, _SMALL_TEXT) if bar.label else "(empty)"
        yield Markup('<svg x="0" y="{}" width="{}" height="{}">{}</svg>').format(
            y, SMALL_WIDTH - 48, _LINE - 2, text(label, 5, _LINE - 7)
        )
        yield text(share(bar.rows, rows), SMALL_WIDTH - 5, y + _LINE - 7, "end")


def _bins(bars: Sequence[Bar], address: Address) -> Iterator[Markup]:
    floor, whole = HEIGHT - _BOTTOM, sum(bar.rows for bar in bars)
    most = max(bar.rows for bar in bars) or 1
    step = (WIDTH - _LEFT) / len(bars)
    for part in (0.0, 0.5, 1.0):
        y = floor - part * (floor - _TOP)
        yield Markup('<path class="axis" d="M{} {:g}H{}"/>').format(_LEFT, y, WIDTH)
        if (rows := most * part) == int(rows):
            yield text(count(int(rows)), _LEFT - 6, y + 4, "end")
    for place, bar in enumerate(bars):
        height = max((floor - _TOP) * bar.rows / most, 1.5) if bar.rows else 0
        x = _LEFT + place * step
        drawn = rect("rest" if bar.is_rest else "bar", x, floor - height, step * 0.92, height)
        yield _linked(bar, whole, drawn + rect("hit", x, _TOP, step, floor - _TOP), address)
    yield from _axis(bars, step)


def _axis(bars: Sequence[Bar], step: float) -> Iterator[Markup]:
    """What the bars begin with, as many as have room; the last says where it ends."""
    every = max(round(len(bars) / 6), 1)
    for place in range(0, len(bars) - every // 2, every):
        label = bars[place].label.partition(" to ")[0]
        anchor = "start" if " to " in bars[place].label else "middle"
        x = _LEFT + step * place + (step / 2 if anchor == "middle" else 0)
        yield text(cut(label, 16), x, HEIGHT - 8, anchor)
    if " to " in bars[-1].label:
        last = bars[-1].label.rpartition(" to ")[2]
        yield text(cut(last, 16), WIDTH, HEIGHT - 8, "end")


def _lines(bars: Sequence[Bar], rows: int, address: Address) -> Iterator[Markup]:
    most = max(bar.rows for bar in bars) or 1
    room = WIDTH - _BAR_LABEL - 130
    for place, bar in enumerate(bars):
        y = place * _BAR_LINE
        label = cut(bar.label, _BAR_TEXT) if bar.label else "(empty)"
        name = Markup('<svg x="0" y="{}" width="{}" height="{}">{}</svg>').format(
            y, _BAR_LABEL - 8, _BAR_LINE, text(label, 0, 17)
        )
        width = max(room * bar.rows / most, 1)
        drawn = rect("rest" if bar.is_rest else "bar", _BAR_LABEL, y + 4, width, _BAR_LINE - 8)
        told = text(f"{count(bar.rows)} ({share(bar.rows, rows)})", _BAR_LABEL + width + 6, y + 17)
        hit = rect("hit", 0, y, WIDTH, _BAR_LINE)
        yield _linked(bar, rows, name + drawn + told + hit, address)


def _linked(bar: Bar, whole: int, drawn: Markup, address: Address) -> Markup:
    title = Markup("<title>{}</title>").format(_title(bar, whole))
    href = address(bar) if bar.rows else ""
    if not href:
        return Markup("<g>{}{}</g>").format(title, drawn)
    return Markup('<a href="{}" tabindex="-1">{}{}</a>').format(href, title, drawn)


def told(column: ColumnProfile) -> str:
    """What a chart shows, in a sentence for whoever does not see it."""
    bars = [bar for bar in bars_of(column) if not bar.is_rest]
    if not bars:
        return ""
    most = max(bars, key=lambda bar: bar.rows)
    return f"{len(bars)} bars; the highest is {cut(most.label, 60) or '(empty)'} with {count(most.rows)} rows"
