"""What stands at the head or foot of many pages: it belongs to no place in the text, and is kept once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from resources.documents.parsers.pdf.content import PageContent, PageLine

_MARGIN = 0.12
"""Share of a page's height in which heads and feet stand."""
_SHARE = 0.4
"""Of the pages: left and right ones may have heads of their own."""
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
_OUTER_NUMBERS = re.compile(r"\A\d{1,5}(?!\S)|(?<!\S)\d{1,5}\Z")
_FEWEST_NUMBERED = 3
_MOST_KEPT = 5
"""Different heads, or feet, that are kept."""
_LONGEST = 200
_MOST_LINES = 4
_ROOM = 0.5
"""Heights of a line between a head and the text, at least."""
_Numbered = tuple[int, PageLine]


class _Marginal(NamedTuple):
    """A line of a margin."""

    where: Literal["head", "foot"]
    sign: str
    """What it says without its numbers: the same on many pages."""
    text: str


def without_running(pages: Sequence[PageContent]) -> tuple[list[PageContent], list[str], list[str]]:
    """The pages without their heads and feet; the texts of the heads, and of the feet."""
    if len(pages) < 2:
        return list(pages), [], []
    counts: Counter[tuple[str, str]] = Counter()
    margins = [_margin_lines(page) for page in pages]
    for margin in margins:
        counts.update({(one.where, one.sign) for one in margin.values()})
    least = max(2, round(len(pages) * _SHARE))
    numbered = _numbered(pages, margins)
    texts: dict[str, dict[str, str]] = {"head": {}, "foot": {}}
    kept = []
    for page, margin in zip(pages, margins, strict=True):
        running = {
            number: one
            for number, one in margin.items()
            if counts[one.where, one.sign] >= least or (page.number, number) in numbered
        }
        for one in running.values():
            texts[one.where].setdefault(one.sign, one.text)
        content = [one for number, one in enumerate(page.content) if number not in running]
        kept.append(page._replace(content=content))
    return (
        kept,
        list(texts["head"].values())[:_MOST_KEPT],
        list(texts["foot"].values())[:_MOST_KEPT],
    )


def _numbered(
    pages: Sequence[PageContent], margins: Sequence[Mapping[int, _Marginal]]
) -> set[tuple[int, int]]:
    """Lines of the margins, by page and place, that end or begin with the page's number, whatever else they say."""
    found = [
        (page.number, number, one.where, int(digits) - page.number)
        for page, margin in zip(pages, margins, strict=True)
        for number, one in margin.items()
        for digits in {*_OUTER_NUMBERS.findall(one.text)}
    ]
    counts = Counter((where, offset) for _, _, where, offset in found)
    usual = {one for one, count in counts.items() if count >= _FEWEST_NUMBERED}
    return {(page, number) for page, number, where, offset in found if (where, offset) in usual}


def _margin_lines(page: PageContent) -> dict[int, _Marginal]:
    """Lines of the margins by their number in the content."""
    lines = sorted(page.lines_by_number.items(), key=lambda one: -one[1].box.top)
    head = _outermost(lines, lambda line: line.box.bottom > page.height * (1 - _MARGIN))
    foot = _outermost(lines[::-1], lambda line: line.box.top < page.height * _MARGIN)
    heads = {number: _marginal("head", line.text) for number, line in head}
    return heads | {number: _marginal("foot", line.text) for number, line in foot}


def _marginal(where: Literal["head", "foot"], text: str) -> _Marginal:
    return _Marginal(where, _DIGITS.sub("#", text), text)


def _outermost(
    lines: Sequence[_Numbered], is_margin: Callable[[PageLine], bool]
) -> list[_Numbered]:
    """The few lines at the edge that have room between them and the text."""
    found: list[_Numbered] = []
    for number, line in lines:
        if found:
            last = found[-1][1].box
            room = max(last.bottom - line.box.top, line.box.bottom - last.top)
            if room > line.height * _ROOM:
                return found
        if not is_margin(line) or len(found) == _MOST_LINES or len(line.text) > _LONGEST:
            return []
        found.append((number, line))
    return found
