"""Marks in numbers: which signs can stand before the fraction and between thousands, and which a column uses."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

THOUSANDS_MARKS = (".", ",", "'", "\u2019", " ", "\xa0", "\u202f", "\u2009")
_DECIMAL_MARKS = (".", ",")


@dataclass(frozen=True)
class Marks:
    """The marks that numbers are written with."""

    decimal: str = "."
    thousands: str | None = None


ISO_MARKS = Marks()
DECIMAL_COMMA = Marks(",")


def certain_marks(texts: pa.Array) -> Marks | None:
    """The marks of a column that can only be read with them: some value has both, and all fit; None otherwise."""
    for decimal in _DECIMAL_MARKS:
        for thousands in THOUSANDS_MARKS:
            if thousands != decimal and _shows_both(texts, Marks(decimal, thousands)):
                return Marks(decimal, thousands)
    return None


def _shows_both(texts: pa.Array, marks: Marks) -> bool:
    both = rf"^-?[1-9]\d{{0,2}}({_escape(marks.thousands)}\d{{3}})+{_escape(marks.decimal)}\d+$"
    return _any(texts, both) and fits_marks(texts, marks)


def fits_marks(texts: pa.Array, marks: Marks) -> bool:
    """Whether every value is a number with these marks: whole or with a fraction, in groups of three or without."""
    groups = rf"|[1-9]\d{{0,2}}({_escape(marks.thousands)}\d{{3}})+" if marks.thousands else ""
    return _all(texts, rf"^-?(0|[1-9]\d*{groups})({_escape(marks.decimal)}\d+)?$")


def is_decimal_comma(texts: pa.Array) -> bool:
    """Whether the values are numbers in which some comma cannot stand between thousands."""
    certain = r"^-?\d+,(\d{1,2}|\d{4,})$|^-?(0|\d{4,}),\d+$"
    return fits_marks(texts, DECIMAL_COMMA) and _any(texts, certain)


def is_decimal_point(texts: pa.Array) -> bool:
    """Whether the values are numbers, some with a point before the fraction."""
    return fits_marks(texts, ISO_MARKS) and _any(texts, r"\.")


def _escape(mark: str | None) -> str:
    return f"\\x{{{ord(mark):x}}}" if mark else ""


def _any(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


def _all(texts: pa.Array, pattern: str) -> bool:
    return len(texts) > 0 and bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())
