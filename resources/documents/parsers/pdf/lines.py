"""The lines of a page in PDFium's order, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from resources.documents.parsers.pdf.characters import Box, Characters
from resources.documents.parsers.pdf.content import ABOVE, BELOW, PageLine
from resources.documents.parsers.pdf.right_to_left import has_right_to_left, line_from_places

_NEW_LINE = "\r\n"
_HYPHENS = ("\x02", "\ufffe")
"""What PDFium has for a hyphen at the end of a line; it leaves the break out then."""
HYPHEN = "\u00ad"
"""What we have for it, with the next line behind it, until it is known whether it belongs there."""
_LIGATURES = str.maketrans({
    "\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st",
    HYPHEN: "",
})  # fmt: skip
_MARK = 6
"""Characters at the beginning of a line that may be a mark in another size."""
_WIDE = 1.0
"""A gap wider than so many heights of its line separates columns or cells."""


class Gap(NamedTuple):
    """Room between two words of a line."""

    left: float
    right: float
    place: int
    """Of the space in it, within the text of the line."""


def lines_of(characters: Characters) -> list[PageLine]:
    """All lines that have text."""
    return [line for line in (_line(characters, *one) for one in _spans(characters.text)) if line]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Beginning and end of each line without the spaces around it."""
    start = 0
    while start < len(text):
        end = text.find(_NEW_LINE, start)
        end = len(text) if end < 0 else end
        stripped = text[start:end]
        left = len(stripped) - len(stripped.lstrip())
        if stripped.strip():
            yield start + left, start + len(stripped.rstrip())
        start = end + len(_NEW_LINE)


def _line(characters: Characters, start: int, end: int) -> PageLine | None:
    raw = characters.text[start:end]
    first, last = characters.number(start), characters.number(end - 1)
    letter = next(
        (n for n in range(start, min(end, start + _MARK)) if characters.text[n].isalnum()), start
    )
    size = characters.size(characters.number(letter) if letter != start else first)
    (left, base), (_, end_base) = characters.origin(first), characters.origin(last)
    box = Box(
        left, min(base, end_base) - size * BELOW, characters.box_of(last).right, base + size * ABOVE
    )  # PDFium makes one of two lines with a hyphen between them
    if has_right_to_left(raw):
        text, across = line_from_places(characters, start, end)
        box = box._replace(left=across.left, right=across.right)
        return PageLine(text, box, -1, size) if text else None
    text = raw.translate(_LIGATURES) if not raw.isascii() else raw
    for hyphen in _HYPHENS:
        text = text.replace(hyphen, HYPHEN)
    return PageLine(text, box._replace(right=max(box.right, left)), start, size)


def gaps_of(line: PageLine, characters: Characters, margin: int = 1) -> list[Gap]:
    """Wide gaps in a line, from left to right, with at least so many characters on both sides."""
    if line.start < 0 or HYPHEN in line.text:
        return []
    found = []
    least = max(line.height, 1.0) * _WIDE
    for place, character in enumerate(line.text):
        if character == " " and margin <= place < len(line.text) - margin:
            left = characters.box(line.start + place - 1).right
            right = characters.box(line.start + place + 1).left
            if right - left > least:
                found.append(Gap(left, right, place))
    return found


def parts_of(line: PageLine, gaps: Sequence[Gap]) -> list[PageLine]:
    """A line, cut at gaps."""
    starts = [0, *(gap.place + 1 for gap in gaps)]
    ends = [*(gap.place for gap in gaps), len(line.text)]
    lefts = [line.box.left, *(gap.right for gap in gaps)]
    rights = [*(gap.left for gap in gaps), line.box.right]
    return [
        line._replace(
            text=line.text[start:end].strip(),
            box=line.box._replace(left=left, right=right),
            start=line.start + start,
        )
        for start, end, left, right in zip(starts, ends, lefts, rights, strict=True)
    ]


def looseness(lines: Sequence[PageLine]) -> list[float]:
    """Of each line its width for each character, beside that of the usual line of the page: tables are above 1.3."""
    widths = [
        (line.box.right - line.box.left) / (max(len(line.text), 1) * max(line.height, 1.0))
        for line in lines
    ]
    usual = median(widths) if widths else 1.0
    return [width / max(usual, 0.01) for width in widths]
