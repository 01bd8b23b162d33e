"""One key or one cell -> what is stored, or the rule it breaks. The exact way, and the only place with the wording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from assets.classifications.problems import RULES, Problem
from assets.classifications.schema import (
    DELETE_TOKEN,
    EMPTY_TOKEN,
    VALUE_LIMIT,
    ColumnType,
    SetColumn,
)

Value = str | int | float | list[str]
_EXCERPT = 40  # characters of a value that a message quotes
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken rule, before it is known where."""

    rule: str
    detail: str

    def at(self, row: int, column: str | None = None) -> Problem:
        """The problem with its place and wording."""
        return Problem(row, self.rule, column, f"{RULES[self.rule]}: {self.detail}")


def excerpt(text: str) -> str:
    """The text quoted, cut, and safe to print."""
    return repr(text) if len(text) <= _EXCERPT else f"{text[:_EXCERPT]!r}..."


def check_key(key: str, *, blank_rule: str) -> Fault | None:
    """G5, G6, C9; `blank_rule` is `key_empty` or `key_required`."""
    if not key or key.isspace():
        return Fault(blank_rule, "it is missing, empty or white space only")
    if key in (EMPTY_TOKEN, DELETE_TOKEN):
        return Fault("key_reserved_token", f"{key} has a meaning in other columns only")
    size_bytes = len(key.encode())
    if size_bytes > VALUE_LIMIT:
        return Fault("key_too_long", f"{excerpt(key)} has {size_bytes} bytes of {VALUE_LIMIT}")
    if "\0" in key:
        return Fault("key_type_invalid", f"{excerpt(key)} has the character U+0000")
    return None


def read_value(column: SetColumn, text: str, list_delimiter: str) -> Value | Fault:
    """A cell that is neither blank nor a token, as the column's type (G5, section 1)."""
    size_bytes = len(text.encode())
    if size_bytes > VALUE_LIMIT:
        return Fault("value_too_long", f"{excerpt(text)} has {size_bytes} bytes of {VALUE_LIMIT}")
    if "\0" in text:
        return Fault("value_type_invalid", f"{excerpt(text)} has the character U+0000")
    match column.type:
        case ColumnType.INTEGER:
            return _read_integer(text)
        case ColumnType.FLOAT:
            return _read_float(text)
        case ColumnType.LIST:
            return text.split(list_delimiter)
        case _:
            return text


def _read_integer(text: str) -> int | Fault:
    if not _INTEGER.fullmatch(text):
        return Fault("value_type_invalid", f"{excerpt(text)} is not an integer such as -17")
    number = int(text)
    if not -(2**63) <= number < 2**63:
        return Fault("value_type_invalid", f"{excerpt(text)} needs more than 64 bits")
    return number


def _read_float(text: str) -> float | Fault:
    if not _FLOAT.fullmatch(text):
        return Fault("value_type_invalid", f"{excerpt(text)} is not a number such as -17.5 or 2e6")
    number = float(text)
    mantissa_is_zero = not re.sub("[eE].*", "", text).strip("-0.")
    if mantissa_is_zero:
        return 0.0
    # A double that prints as another number than the file has would change the value silently.
    if not isfinite(number) or number == 0 or Decimal(repr(number)) != Decimal(text):
        return Fault("value_type_invalid", f"{excerpt(text)} is more than a 64-bit number can keep")
    return number
