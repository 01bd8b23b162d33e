"""Tables whose cells are separated by lines: the grid is told by what is drawn, the text by what stands in it."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pypdfium2
from pypdfium2 import raw

from resources.documents.parsers.pdf.characters import Box, Characters
from resources.documents.parsers.pdf.content import FoundTable

_MOST_OBJECTS = 20_000
_MOST_SEGMENTS = 400
"""Of one path: what has more is a drawing."""
_MOST_RULES = 3_000
_THIN = 3.0
"""Points that a line is thick at most."""
_NEAR = 3.0
"""Points within which two lines are one, or touch."""
_SHORTEST = 6.0
_MOST_CELLS = 5_000


class _Rule(NamedTuple):
    """A straight line: at `place` across, from `start` to `end` along."""

    place: float
    start: float
    end: float


def ruled_tables(page: pypdfium2.PdfPage, characters: Characters) -> list[FoundTable]:
    """The tables of a page with lines around their cells."""
    across, down = _rules(page)
    return [
        table for group in _grids(across, down) if (table := _table(*group, characters)) is not None
    ]


def _rules(page: pypdfium2.PdfPage) -> tuple[list[_Rule], list[_Rule]]:
    """Lines across and lines down the page."""
    across: list[_Rule] = []
    down: list[_Rule] = []
    for box in _drawn(page):
        if len(across) + len(down) > _MOST_RULES:
            return [], []
        width, height = box.right - box.left, box.top - box.bottom
        if height <= _THIN and width >= _SHORTEST:
            across.append(_Rule((box.top + box.bottom) / 2, box.left, box.right))
        elif width <= _THIN and height >= _SHORTEST:
            down.append(_Rule((box.left + box.right) / 2, box.bottom, box.top))
    return across, down


def _drawn(page: pypdfium2.PdfPage) -> Iterator[Box]:
    """Places of what is drawn: straight lines, thin boxes, and the four sides of wide ones."""
    count = min(raw.FPDFPage_CountObjects(page.raw), _MOST_OBJECTS)
    sides = [ctypes.c_float() for _ in range(4)]
    references = [ctypes.byref(side) for side in sides]
    for number in range(count):
        drawn = raw.FPDFPage_GetObject(page.raw, number)
        if raw.FPDFPageObj_GetType(drawn) != raw.FPDF_PAGEOBJ_PATH:
            continue
        raw.FPDFPageObj_GetBounds(drawn, *references)
        box = Box(sides[0].value, sides[1].value, sides[2].value, sides[3].value)
        if min(box.right - box.left, box.top - box.bottom) <= _THIN:
            yield box
        elif _is_stroked(drawn) and raw.FPDFPath_CountSegments(drawn) <= _MOST_SEGMENTS:
            yield from _segments(drawn)


def _is_stroked(drawn: object) -> bool:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(drawn, ctypes.byref(fill), ctypes.byref(stroke))
    return bool(stroke.value)


def _segments(drawn: object) -> Iterator[Box]:
    """The straight lines of a path, in points of the page."""
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(drawn, ctypes.byref(matrix))
    x, y = ctypes.c_float(), ctypes.c_float()
    before = first = (0.0, 0.0)
    for number in range(raw.FPDFPath_CountSegments(drawn)):
        segment = raw.FPDFPath_GetPathSegment(drawn, number)
        raw.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_MOVETO:
            first = point
        else:
            yield _between(before, point)
        if raw.FPDFPathSegment_GetClose(segment):
            yield _between(point, first)
        before = point


def _between(one: tuple[float, float], other: tuple[float, float]) -> Box:
    (x, y), (u, v) = one, other
    return Box(min(x, u), min(y, v), max(x, u), max(y, v))


def _grids(
    across: Sequence[_Rule], down: Sequence[_Rule]
) -> Iterator[tuple[list[_Rule], list[_Rule]]]:
    """Lines that touch each other, table by table."""
    left = list(across)
    free = list(down)
    while left:
        rows, columns = [left.pop()], []
        grown = True
        while grown:
            new_columns = [one for one in free if any(_touches(row, one) for row in rows)]
            free = [one for one in free if one not in new_columns]
            columns += new_columns
            new_rows = [one for one in left if any(_touches(one, column) for column in columns)]
            left = [one for one in left if one not in new_rows]
            rows += new_rows
            grown = bool(new_columns or new_rows)
        yield rows, columns


def _touches(row: _Rule, column: _Rule) -> bool:
    return (
        column.start - _NEAR <= row.place <= column.end + _NEAR
        and row.start - _NEAR <= column.place <= row.end + _NEAR
    )


def _table(
    across: Sequence[_Rule], down: Sequence[_Rule], characters: Characters
) -> FoundTable | None:
    ys, xs = _places(across)[::-1], _places(down)
    if len(ys) < 3 or len(xs) < 3 or len(ys) * len(xs) > _MOST_CELLS:
        return None
    rows = [
        [
            characters.within(Box(left, bottom, right, top)).strip()
            for left, right in itertools.pairwise(xs)
        ]
        for top, bottom in itertools.pairwise(ys)
    ]
    filled = sum(bool(cell) for row in rows for cell in row)
    if filled < 3:
        return None
    return FoundTable(rows, Box(xs[0], ys[-1], xs[-1], ys[0]))


def _places(rules: Sequence[_Rule]) -> list[float]:
    """Where lines are, those that are one line taken together."""
    places: list[float] = []
    for place in sorted(rule.place for rule in rules):
        if not places or place - places[-1] > _NEAR:
            places.append(place)
    return places
