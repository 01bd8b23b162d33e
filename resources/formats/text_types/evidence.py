"""What has been seen of a column so far, and the type that follows from it.

Evidence only ever shrinks: merging in any order gives the same, so the type of a column depends on its values alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from functools import reduce
from operator import or_

import pyarrow as pa


class ValueKind(Flag):
    """What every value seen so far can be read as."""

    INTEGER = auto()
    NUMBER = auto()
    """A plain decimal."""
    DOUBLE = auto()
    """A number of which a double gives every digit back."""
    TRUE_FALSE = auto()
    TITLE_TRUE_FALSE = auto()
    UPPER_TRUE_FALSE = auto()
    DATE = auto()
    TIMESTAMP = auto()
    TIMESTAMPTZ = auto()


NOTHING = ValueKind(0)
TRIED = tuple(kind for kind in ValueKind if kind is not ValueKind.DOUBLE)
"""Kinds that a column is tried for, in this order; what is said of numbers tells whether doubles hold them."""
ANYTHING: ValueKind = reduce(or_, ValueKind)
SPELLINGS: dict[ValueKind, tuple[str, str]] = {
    ValueKind.TRUE_FALSE: ("true", "false"),
    ValueKind.TITLE_TRUE_FALSE: ("True", "False"),
    ValueKind.UPPER_TRUE_FALSE: ("TRUE", "FALSE"),
}
DOUBLE_DIGITS = 15
"""A double gives every plain decimal of so many significant digits back as it was printed."""
DOUBLE_FRACTION = 290
"""Digits behind the point beyond which a double may round to zero."""
DECIMAL_DIGITS = 38


@dataclass(frozen=True)
class Evidence:
    """The kinds that all values fit, and the extent of the numbers among them.

    The extents are upper bounds over the values, of use only while `NUMBER` is among the kinds.
    """

    kinds: ValueKind = ANYTHING
    integer_digits: int = 0
    fraction_digits: int = 0
    significant_digits: int = 0

    def merge(self, other: Evidence) -> Evidence:
        """Evidence of both sets of values together."""
        if other is NO_VALUES:
            return self
        return Evidence(
            self.kinds & other.kinds,
            max(self.integer_digits, other.integer_digits),
            max(self.fraction_digits, other.fraction_digits),
            max(self.significant_digits, other.significant_digits),
        )


NO_VALUES = Evidence()
IS_TEXT = Evidence(NOTHING)


@dataclass(frozen=True)
class TextType:
    """A type of the rule and the Arrow type that holds it."""

    name: str
    arrow: pa.DataType
    kind: ValueKind = NOTHING

    def __str__(self) -> str:
        return self.name


TEXT = TextType("text", pa.string())
INTEGER = TextType("integer", pa.int64(), ValueKind.INTEGER)
NUMBER = TextType("number", pa.float64(), ValueKind.NUMBER)
DATE = TextType("date", pa.date32(), ValueKind.DATE)
TIMESTAMP = TextType("timestamp", pa.timestamp("us"), ValueKind.TIMESTAMP)
TIMESTAMPTZ = TextType("timestamptz", pa.timestamp("us", "UTC"), ValueKind.TIMESTAMPTZ)

TIMESTAMP_NS = TextType("timestamp(ns)", pa.timestamp("ns"), ValueKind.TIMESTAMP)
"""Given only, as the next: up to nine decimals of seconds, years 1678 to 2261."""
TIMESTAMPTZ_NS = TextType("timestamptz(ns)", pa.timestamp("ns", "UTC"), ValueKind.TIMESTAMPTZ)


def decimal(precision: int, scale: int) -> TextType:
    """`decimal(precision,scale)`, of at most 38 digits."""
    return TextType(
        f"decimal({precision},{scale})", pa.decimal128(precision, scale), ValueKind.NUMBER
    )


def boolean(spelling: ValueKind) -> TextType:
    """A boolean written in one of `SPELLINGS`."""
    return TextType("boolean", pa.bool_(), spelling)


def decide(evidence: Evidence) -> TextType:
    """The type of a column of which `evidence` is all there is."""
    kinds = evidence.kinds
    if kinds in (NOTHING, ANYTHING):
        return TEXT
    for column_type in (INTEGER, DATE, TIMESTAMP, TIMESTAMPTZ):
        if column_type.kind in kinds:
            return column_type
    for spelling in SPELLINGS:
        if spelling in kinds:
            return boolean(spelling)
    return NUMBER if ValueKind.DOUBLE in kinds else _decide_number(evidence)


def _decide_number(evidence: Evidence) -> TextType:
    precision = evidence.integer_digits + evidence.fraction_digits
    if evidence.significant_digits <= DOUBLE_DIGITS and evidence.fraction_digits <= DOUBLE_FRACTION:
        return NUMBER
    if precision <= DECIMAL_DIGITS:
        return decimal(precision, evidence.fraction_digits)
    return TEXT
