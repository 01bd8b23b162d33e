"""What stands on a page, in the order of reading."""

from __future__ import annotations

from typing import NamedTuple

from resources.documents.parsers.pdf.characters import Box


class PageLine(NamedTuple):
    """A line."""

    text: str
    box: Box
    start: int
    """Where it begins in the text of its page; -1: it was put together from elsewhere."""
    height: float
    """Of its letters, with the room of its font above and below."""
    is_bold: bool = False


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
