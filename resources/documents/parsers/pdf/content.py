"""What stands on a page, in the order of reading."""

from __future__ import annotations

from typing import NamedTuple

from resources.documents.parsers.pdf.characters import Box

BELOW, ABOVE = 0.25, 0.85
"""Of the size of a font: how far its letters go below the base line, and above."""


class PageLine(NamedTuple):
    """A line."""

    text: str
    box: Box
    start: int
    """Where it begins in the text of its page; -1: it was put together from elsewhere."""
    height: float
    """The size of its font."""
    is_bold: bool = False


def leading(above: PageLine, below: PageLine) -> float:
    """From the base line of a line to that of another; negative where it goes back up the page."""
    return (above.box.bottom + BELOW * above.height) - (below.box.top - ABOVE * below.height)


class FoundTable(NamedTuple):
    """A table of a page."""

    rows: list[list[str]]
    box: Box


class PageContent(NamedTuple):
    """A page."""

    number: int
    height: float
    content: list[PageLine | FoundTable]

    @property
    def lines_by_number(self) -> dict[int, PageLine]:
        """Its lines without its tables, by their place in the content."""
        return {n: one for n, one in enumerate(self.content) if isinstance(one, PageLine)}
