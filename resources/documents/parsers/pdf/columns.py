"""Pages whose lines go across two columns: each is cut in the gutter, and the left column read before the right one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from resources.documents.parsers.pdf.characters import Characters
from resources.documents.parsers.pdf.content import PageLine
from resources.documents.parsers.pdf.lines import Gap, gaps_of, parts_of

_SAMPLE = 6
_FEWEST = 4
"""Lines that have to share a gutter."""
_LONG_PART = 20
"""Characters of a part of a line that is prose, and no cell."""


def in_columns(lines: Sequence[PageLine], characters: Characters) -> list[PageLine]:
    """The lines in the order of reading."""
    gutter = _gutter(list(_sampled(lines, characters)))
    if gutter is None:
        return list(lines)
    return list(_ordered(lines, characters, gutter))


def _sampled(lines: Sequence[PageLine], characters: Characters) -> Iterator[list[Gap]]:
    """Gaps with prose on both sides of the longest lines; no more of them are looked at than are needed to say no."""
    without = 0
    for line in sorted(lines, key=lambda one: -len(one.text))[:_SAMPLE]:
        gaps = gaps_of(line, characters, _LONG_PART)
        without += not gaps
        if without > _SAMPLE - _FEWEST:
            return
        yield gaps


def _gutter(gaps: Sequence[Sequence[Gap]]) -> float | None:
    """The place that lies in a gap of most of the lines; None: there is none."""
    for one in (gap for line in gaps for gap in line):
        middle = (one.left + one.right) / 2
        shared = sum(any(gap.left < middle < gap.right for gap in line) for line in gaps)
        if shared >= _FEWEST:
            return middle
    return None


def _ordered(
    lines: Sequence[PageLine], characters: Characters, gutter: float
) -> Iterator[PageLine]:
    """Between two lines across the whole page, first what is left of the gutter, then what is right of it."""
    cut = [part for line in lines for part in _cut(line, characters, gutter)]
    for is_across, group in groupby(cut, key=lambda one: _is_across(one, gutter)):
        band = list(group)
        if is_across:
            yield from band
        else:
            yield from (line for line in band if line.box.right <= gutter)
            yield from (line for line in band if line.box.right > gutter)


def _cut(line: PageLine, characters: Characters, gutter: float) -> list[PageLine]:
    if not _is_across(line, gutter):
        return [line]
    at = [gap for gap in gaps_of(line, characters) if gap.left < gutter < gap.right]
    return parts_of(line, at[:1])


def _is_across(line: PageLine, gutter: float) -> bool:
    return line.box.left < gutter < line.box.right
