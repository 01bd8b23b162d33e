"""The pieces that charts are drawn of: SVG as markup, with every text escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup


def svg(
    width: float, height: float, parts: Sequence[Markup] | Iterator[Markup], kind: str
) -> Markup:
    """A picture; hidden from screen readers, which have its table."""
    inner = Markup("").join(parts)
    return Markup('<svg class="chart {}" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>').format(
        kind, width, height, inner
    )


def rect(kind: str, x: float, y: float, width: float, height: float) -> Markup:
    """A rectangle of a kind that the stylesheet colours."""
    return Markup('<rect class="{}" x="{:g}" y="{:g}" width="{:g}" height="{:g}"/>').format(
        kind, round(x, 2), round(y, 2), round(width, 2), round(height, 2)
    )


def text(text: str, x: float, y: float, anchor: str = "start") -> Markup:
    """A line of text."""
    return Markup('<text x="{:g}" y="{:g}" text-anchor="{}">{}</text>').format(
        round(x, 2), round(y, 2), anchor, text
    )


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, with an ellipsis for the rest."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
