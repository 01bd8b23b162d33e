"""Tables without lines between their cells: words of several lines that stand below each other, with room between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from resources.documents.parsers.pdf.characters import Box, Characters
from resources.documents.parsers.pdf.content import FoundTable, PageLine
from resources.documents.parsers.pdf.lines import Gap, gaps_of, looseness, parts_of

_LOOSE = 1.2
_FEWEST_ROWS = 3
_MOST_LEADING = 3.0
"""Heights of a line between two rows."""
_LEAST_OVERLAP = 1.0
_Corridor = tuple[float, float]
"""Room from left to right that no word of a table stands in."""


class _Row(NamedTuple):
    line: PageLine
    gaps: list[Gap]


def aligned_tables(
    lines: Sequence[PageLine], characters: Characters
) -> list[tuple[range, FoundTable]]:
    """Tables, each with the numbers of the lines that it takes the place of."""
    rows = [
        _Row(line, gaps_of(line, characters) if how > _LOOSE else [])
        for line, how in zip(lines, looseness(lines), strict=True)
    ]
    return [(numbers, _table([rows[n] for n in numbers])) for numbers in _runs(rows)]


def _runs(rows: Sequence[_Row]) -> Iterator[range]:
    """Lines that follow each other and share corridors."""
    start = 0
    while start < len(rows):
        end = start
        while end < len(rows) and rows[end].gaps and _goes_on(rows[start : end + 1]):
            end += 1
        if end - start >= _FEWEST_ROWS:
            yield range(start, end)
        start = max(end, start + 1)


def _goes_on(rows: Sequence[_Row]) -> bool:
    """Whether the last row is one of the table that the others are of."""
    if len(rows) == 1:
        return True
    above, line = rows[-2].line, rows[-1].line
    is_below = line.box.top <= above.box.top - above.height * 0.5
    is_near = above.box.bottom - line.box.top < line.height * _MOST_LEADING
    return is_below and is_near and bool(_corridors(rows))


def _corridors(rows: Sequence[_Row]) -> list[_Corridor]:
    """Of the row with most cells, as narrow as the others leave them; none: they are no table."""
    corridors = [(gap.left, gap.right) for gap in max(rows, key=lambda row: len(row.gaps)).gaps]
    for row in rows:
        for gap in row.gaps:
            crossed = [n for n, one in enumerate(corridors) if _overlap(one, gap) > _LEAST_OVERLAP]
            if not crossed:
                return []
            for n in crossed:
                left, right = corridors[n]
                corridors[n] = (max(left, gap.left), min(right, gap.right))
    return corridors


def _overlap(corridor: _Corridor, gap: Gap) -> float:
    return min(corridor[1], gap.right) - max(corridor[0], gap.left)


def _table(rows: Sequence[_Row]) -> FoundTable:
    corridors = _corridors(rows)
    box = Box(
        min(row.line.box.left for row in rows),
        rows[-1].line.box.bottom,
        max(row.line.box.right for row in rows),
        rows[0].line.box.top,
    )
    return FoundTable([_cells(row, corridors) for row in rows], box)


def _cells(row: _Row, corridors: Sequence[_Corridor]) -> list[str]:
    """The cells of a row: what stands between two corridors, empty where a gap goes over several of them."""
    cells = [""] * (len(corridors) + 1)
    for part in parts_of(row.line, row.gaps):
        column = sum(right <= part.box.left + _LEAST_OVERLAP for _, right in corridors)
        cells[column] = f"{cells[column]} {part.text}".strip()
    return cells
