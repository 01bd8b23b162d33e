"""Marks in numbers: which signs can stand before the fraction and between thousands, and which a column uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.text_types.numbers import text_bytes

THOUSANDS_MARKS = (".", ",", "'", "\u2019", " ", "\xa0", "\u202f", "\u2009")
_DECIMAL_MARKS = (".", ",")


@dataclass(frozen=True)
class Marks:
    """The marks that numbers are written with."""

    decimal: str = "."
    thousands: str | None = None


ISO_MARKS = Marks()
DECIMAL_COMMA = Marks(",")


@dataclass(frozen=True)
class MarkUse:
    """How the numbers in some rows of a column use the marks that they are read with."""

    is_proven: bool = False
    """Whether some value can be read with these marks only: `1.234,5`, `1,25`, `0,125`."""
    open_thousands: str = ""
    """A value with a mark between thousands alone: with another mark `1.234` is a fraction, or no number at all."""
    open_decimal: str = ""
    """A value whose fraction could be thousands: `1,234`."""

    @property
    def is_open(self) -> bool:
        """Whether the marks in some value could mean something else, and no value tells."""
        return not self.is_proven and bool(self.open_thousands or self.open_decimal)

    def merge(self, other: MarkUse) -> MarkUse:
        """The use in both stretches of rows."""
        return MarkUse(
            self.is_proven or other.is_proven,
            self.open_thousands or other.open_thousands,
            self.open_decimal or other.open_decimal,
        )


def find_use(texts: pa.Array, marks: Marks) -> MarkUse:
    """The use of `marks` in a column of numbers that are written with them."""
    fraction = pc.match_substring(texts, marks.decimal)
    shape = rf"^[+-]?[1-9]\d{{0,2}}{_escape(marks.decimal)}\d{{3}}$"
    in_doubt = pc.match_substring_regex(texts, shape)
    whole = ""
    if marks.thousands:
        grouped = pc.match_substring(texts, marks.thousands)
        whole = _first(texts, pc.and_not(grouped, fraction))
    return MarkUse(fraction.true_count > in_doubt.true_count, whole, _first(texts, in_doubt))


_GROUPS = "".join(f"\\x{{{ord(mark):x}}}" for mark in THOUSANDS_MARKS if mark != ",")
_FOREIGN = (
    r"^[+-]?(?:\d+,(?:\d{1,2}|\d{4,})|(?:0|\d{4,}),\d+"
    rf"|[1-9]\d{{0,2}}(?:[{_GROUPS}]\d{{3}})+,\d+"
    r"|[1-9]\d{0,2}(?:\.\d{3}){2})$"
)


def find_foreign(texts: pa.Array) -> int | None:
    """Place of the first number whose comma must stand before the fraction or whose points between thousands.

    Four groups with points are left out: those are network addresses.
    """
    data, bounds = text_bytes(texts)
    if not ((data == ord(",")) | (data == ord("."))).any():
        return None
    starts = data[np.minimum(bounds[:-1], len(data) - 1)]
    # Most values of text begin with a letter: only the others are worth an expression.
    places = np.flatnonzero((starts <= ord("9")) & (np.diff(bounds) > 0))
    if not len(places):
        return None
    found = pc.index(pc.match_substring_regex(texts.take(pa.array(places)), _FOREIGN), True).as_py()
    return None if found < 0 else int(places[found])


def _first(texts: pa.Array, mask: pa.Array) -> str:
    place = pc.index(mask, True).as_py()
    return "" if place < 0 else str(texts[place].as_py())


def certain_marks(texts: pa.Array) -> Marks | None:
    """The marks of a column that can only be read with them: some value has both, and all fit; None otherwise."""
    data = text_bytes(texts)[0].tobytes()
    present = {mark for mark in THOUSANDS_MARKS if mark.encode() in data}
    for decimal in _DECIMAL_MARKS:
        for thousands in THOUSANDS_MARKS:
            is_there = decimal in present and thousands in present and thousands != decimal
            if is_there and _shows_both(texts, Marks(decimal, thousands)):
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
