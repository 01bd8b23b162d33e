"""The distributions of a table's columns side by side, as one small SVG: crisp at any size, drawn in a millisecond.

`assets/pictures.py` draws what needs axes and labels, by matplotlib; to import that costs more than to profile a small table.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape

from resources.profiles.record import Distribution, Profile

MOST_COLUMNS = 12
_ACROSS = 4
_WIDTH, _HEIGHT, _TITLE, _GAP = 150, 44, 14, 10
_CHARACTERS = 22
_COLOUR = "#4c78a8"  # is told from the page in light and in dark


def picture_of(profile: Profile) -> str:
    """The first columns that have a distribution, as Markdown with the picture inside; empty when none has."""
    found = [(c.name, c.distribution) for c in profile.columns if c.distribution is not None]
    shown = found[:MOST_COLUMNS]
    if not shown:
        return ""
    rows = -(-len(shown) // _ACROSS)
    size = (_ACROSS * (_WIDTH + _GAP), rows * (_HEIGHT + _TITLE + _GAP))
    parts = "".join(_cell(place, name, bars) for place, (name, bars) in enumerate(shown))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" viewBox="0 0 {size[0]} {size[1]}"'
        f' font-family="sans-serif" font-size="10" fill="{_COLOUR}">{parts}</svg>'
    )
    return f"![Distributions](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def _cell(place: int, name: str, bars: Distribution) -> str:
    x = place % _ACROSS * (_WIDTH + _GAP)
    y = place // _ACROSS * (_HEIGHT + _TITLE + _GAP)
    plain = "".join(char if char.isprintable() else " " for char in name)
    title = plain if len(plain) <= _CHARACTERS else plain[: _CHARACTERS - 1] + "…"
    return (
        f'<g transform="translate({x} {y})"><text y="10">{escape(title)}</text>'
        f'<path d="{"".join(_bars(bars))}"/></g>'
    )


def _bars(bars: Distribution) -> Iterator[str]:
    highest = max(bars.counts, default=0) or 1
    width = _WIDTH / max(len(bars.counts), 1)
    for place, count in enumerate(bars.counts):
        height = round(_HEIGHT * count / highest, 1)
        if count:
            yield f"M{place * width:.1f} {_TITLE + _HEIGHT}v-{max(height, 0.5)}h{width * 0.9:.1f}V{_TITLE + _HEIGHT}z"
