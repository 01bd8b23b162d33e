"""One key or one cell -> what is stored, or the rule it breaks. The exact way, and the only place with the wording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from assets.classifications.problems import RULES, FileProblem
from assets.classifications.schema import (
    DELETE_TOKEN,
    EMPTY_TOKEN,
    VALUE_LIMIT,
    ColumnType,
    SetColumn,
)

Value = str | int | float | list[str]
_EXCERPT = 40  # characters of a value that a message quotes
_INTEGER = re.compile(r"([+-]?)(0|[1-9][0-9]*)(?:\.0+)?")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]+(?:\.0+)?")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken rule, before it is known where."""

    rule: str
    detail: str

    def at(self, row: int, column: str | None = None) -> FileProblem:
        """The problem with its place and wording."""
        return FileProblem(row, self.rule, column, f"{RULES[self.rule]}: {self.detail}")


@dataclass(frozen=True, slots=True)
class Taken:
    """What is stored of a cell that is not quite as it should be, with the warning about it; None is a blank cell."""

    value: Value | None
    rule: str
    detail: str


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


def read_value(column: SetColumn, text: str, list_delimiter: str) -> Value | Taken | Fault:
    """A cell that is neither blank nor a token, as the column's type (G5)."""
    fault = check_text(text)
    if fault:
        return fault
    match column.type:
        case ColumnType.INTEGER:
            return _read_integer(text)
        case ColumnType.FLOAT:
            return _read_float(text)
        case ColumnType.LIST:
            return read_elements(text.split(list_delimiter))
        case _:
            return text


def check_text(text: str) -> Fault | None:
    """What is refused of a cell of any type."""
    size_bytes = len(text.encode())
    if size_bytes > VALUE_LIMIT:
        return Fault("value_too_long", f"{excerpt(text)} has {size_bytes} bytes of {VALUE_LIMIT}")
    if "\0" in text:
        return Fault("value_type_invalid", f"{excerpt(text)} has the character U+0000")
    return None


def read_elements(texts: Sequence[str]) -> list[str] | Taken | Fault:
    """The elements of a list without the spaces round them; empty ones are left out, a list of nothing else is blank."""
    elements = [element for element in (text.strip(" ") for text in texts) if element]
    if len(elements) == 1 and elements[0] in (EMPTY_TOKEN, DELETE_TOKEN):
        return Fault("value_reserved_token", f"{elements[0]} has a meaning as a whole cell only")
    if len(elements) < len(texts):
        detail = f"{len(texts) - len(elements)} of {len(texts)}"
        return Taken(elements or None, "empty_elements", detail)
    return elements


def integer_remark(text: str) -> str:
    """The detail of `integer_rewritten` for a text that `read_value` takes."""
    return f"{excerpt(text)} is {_parse_integer(text)}"


def _parse_integer(text: str) -> int | None:
    found = _INTEGER.fullmatch(text)
    return int(found[1] + found[2]) if found else None


def _read_integer(text: str) -> int | Taken | Fault:
    number = _parse_integer(text)
    if number is None:
        if _LEADING_ZERO.fullmatch(text):
            detail = f"{excerpt(text)} has a leading zero; a column of `type: text` keeps it"
            return Fault("value_type_invalid", detail)
        return Fault("value_type_invalid", f"{excerpt(text)} is not an integer such as -17")
    if not -(2**63) <= number < 2**63:
        return Fault("value_type_invalid", f"{excerpt(text)} needs more than 64 bits")
    if str(number) != text:  # pandas writes the integers of a column with a gap as 7.0
        return Taken(number, "integer_rewritten", integer_remark(text))
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
