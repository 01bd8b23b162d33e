"""Decimal and thousands mark of a dataset: found in its first rows beyond doubt, or left alone."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from resources.formats.csv.options import CsvOptions
from resources.formats.text_types.marks import (
    DECIMAL_COMMA,
    ISO_MARKS,
    Marks,
    certain_marks,
    fits_marks,
    is_decimal_comma,
    is_decimal_point,
)
from resources.kernel.records import Guess

_ROWS = 2000
_SIGNS = {
    " ": "space",
    "\xa0": "no-break space",
    "\u202f": "narrow no-break space",
    "\u2009": "thin space",
}


def find_marks(texts: pa.RecordBatch | None, options: CsvOptions) -> tuple[Marks, list[Guess]]:
    """The marks that some column can only be read with, if no other column contradicts; else those of ISO."""
    if texts is None or not options.detects_marks:
        return ISO_MARKS, []
    head = texts.slice(0, _ROWS)
    columns = {
        name: head[name].drop_null()
        for name in head.schema.names
        if name not in options.types and name not in options.own_marks
    }
    found = {name: marks for name, column in columns.items() if (marks := _marks_of(column))}
    seen = set(found.values())
    if not seen:
        return ISO_MARKS, []
    full = {marks for marks in seen if marks.thousands}
    marks = next(iter(full), DECIMAL_COMMA)
    points = _points(columns, found, marks)
    if len({one.decimal for one in seen}) > 1 or len(full) > 1 or points:
        return ISO_MARKS, [_undecided(found, points)]
    column = next(name for name, one in found.items() if one == marks)
    return marks, _guesses(marks, column)


def _marks_of(texts: pa.Array) -> Marks | None:
    return certain_marks(texts) or (DECIMAL_COMMA if is_decimal_comma(texts) else None)


def _points(columns: Mapping[str, pa.Array], found: Mapping[str, Marks], marks: Marks) -> list[str]:
    """Columns with points before fractions, which are no numbers with `marks`."""
    if marks.decimal == ".":
        return []
    return [
        name
        for name, texts in columns.items()
        if name not in found and is_decimal_point(texts) and not fits_marks(texts, marks)
    ]


def _undecided(found: Mapping[str, Marks], points: list[str]) -> Guess:
    names = [name for name, marks in found.items() if marks.decimal == ","]
    others = points or [name for name in found if name not in names] or list(found)[1:]
    first = (names or list(found))[0]
    reason = f"both marks are in use: {first!r} has a comma, {others[0]!r} a point"
    if not points and len({marks.decimal for marks in found.values()}) == 1:
        reason = f"{first!r} and {others[0]!r} have different marks between thousands"
    return Guess("decimal mark", ".", reason, "decimal_mark")


def _guesses(marks: Marks, column: str) -> list[Guess]:
    reason = f"numbers in column {column!r}"
    guesses = []
    if marks.decimal != ".":
        guesses.append(Guess("decimal mark", marks.decimal, reason, "decimal_mark"))
    if marks.thousands:
        sign = _SIGNS.get(marks.thousands, marks.thousands)
        guesses.append(Guess("thousands mark", sign, reason, "thousands_mark"))
    return guesses
