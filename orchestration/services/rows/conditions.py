"""What rows are asked for: conditions on columns, as records and as a person writes them. Pure; reads nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from resources.kernel.errors import InputError
from resources.kernel.quoting import quoted

LIST_LIMIT = 1_000
"""Values of one `in`."""
CONDITIONS_LIMIT = 50
TEXT_LIMIT = 10_000
_SHOWN = 30


class Operator(StrEnum):
    """How a column is compared; nulls meet `is null` alone, as in SQL."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    CONTAINS = "contains"
    STARTS_WITH = "starts with"
    IN = "in"
    IS_NULL = "is null"
    IS_NOT_NULL = "is not null"

    @property
    def takes_value(self) -> bool:
        """Whether a value stands behind it."""
        return self not in {Operator.IS_NULL, Operator.IS_NOT_NULL}


@dataclass(frozen=True)
class Condition:
    """One condition on one column; several hold together.

    Args:
        column: its name, exactly.
        operator: how it is compared.
        value: as text, whatever the column's type; of `in` several with commas between, or a JSON list.
    """

    column: str
    operator: Operator
    value: str = ""

    @property
    def values(self) -> list[str]:
        """The values of an `in`.

        Raises:
            InputError: none, too many, or a JSON list of anything but texts, numbers and booleans.
        """
        found = _json_list(self.value) if self.value.lstrip().startswith("[") else None
        values = [part.strip() for part in self.value.split(",")] if found is None else found
        if not 0 < len(values) <= LIST_LIMIT:
            raise InputError(
                f"column {self.column!r}: a list has 1 to {LIST_LIMIT:,} values, not {len(values):,}"
            )
        return values

    def __str__(self) -> str:
        """As `parse_condition` reads it."""
        column = self.column if _PLAIN.fullmatch(self.column) else quoted(self.column)
        return (
            f"{column} {self.operator} {self.value}"
            if self.operator.takes_value
            else (f"{column} {self.operator}")
        )


_PLAIN = re.compile(r"\w+")
_QUOTED = re.compile(r'"(?P<name>(?:[^"]|"")*)"(?P<rest>.*)', re.DOTALL)
_OPERATOR = re.compile(
    r"\s*(?:(?P<sign>!=|<>|<=|>=|==|=|<|>)|(?<=\s)(?P<word>contains|starts\s+with|in|is\s+not\s+null|is\s+null)"
    r"(?=\s|$))(?P<value>.*)",
    re.DOTALL | re.IGNORECASE,
)
_BEFORE_OPERATOR = re.compile(
    r"\s*(?P<name>.+?)(?:\s*(?:!=|<=|>=|=|<|>)|\s+(?:contains|starts|in|is)\s)"
)
_SPELLED = {"<>": "!=", "==": "="}


def parse_condition(text: str, columns: Sequence[str]) -> Condition:
    """A condition as a person writes it: `hour >= 5`, `carrier in UA,AA`, `note is null`, `"odd name" contains x`.

    The value is the rest of the text, as it stands, without the blanks around it. A name that an operator could be part of
    stands between double quotes.

    Raises:
        InputError: no operator, or a column that there is not.
    """
    if len(text) > TEXT_LIMIT:
        raise InputError(f"a condition has at most {TEXT_LIMIT:,} characters, not {len(text):,}")
    if (marked := _QUOTED.fullmatch(text.strip())) is not None:
        name = marked["name"].replace('""', '"')
        if name in columns:
            return _condition(name, marked["rest"], text)
    for name in sorted(columns, key=len, reverse=True):
        if text.lstrip().startswith(name) and _OPERATOR.fullmatch(text.lstrip()[len(name) :]):
            return _condition(name, text.lstrip()[len(name) :], text)
    raise _unreadable(text, columns)


def check_column(name: str, columns: Sequence[str]) -> str:
    """`name` itself if it is a column.

    Raises:
        InputError: it is none; names the nearest and the others.
    """
    if name in columns:
        return name
    folded = {column.casefold(): column for column in columns}
    near = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    more = f" and {len(columns) - _SHOWN:,} more" if len(columns) > _SHOWN else ""
    raise InputError(
        f"there is no column {name[:100]!r}",
        hint=(f"Did you mean {folded[near[0]]!r}? " if near else "")
        + f"Columns: {', '.join(columns[:_SHOWN])}{more}",
        column=name,
    )


def _condition(name: str, rest: str, text: str) -> Condition:
    found = _OPERATOR.fullmatch(rest)
    if found is None:
        raise _no_operator(text)
    said = " ".join((found["sign"] or found["word"]).lower().split())
    operator = Operator(_SPELLED.get(said, said))
    value = found["value"].strip()
    if value and not operator.takes_value:
        raise InputError(f"{text[:100]!r}: no value stands behind `{operator}`")
    return Condition(name, operator, value)


def _unreadable(text: str, columns: Sequence[str]) -> InputError:
    """Why: there is no operator behind a column, or no such column before an operator."""
    start = text.strip().split()[0] if text.strip() else ""
    found = _BEFORE_OPERATOR.match(text)
    if found is None or start in columns:
        return _no_operator(text)
    try:
        check_column(found["name"].strip('"'), columns)
    except InputError as error:
        return error
    return _no_operator(text)


def _no_operator(text: str) -> InputError:
    known = ", ".join(f"`{operator}`" for operator in Operator)
    return InputError(
        f"{text[:100]!r} is no condition", hint=f"Write COLUMN OPERATOR VALUE; operators: {known}"
    )


def _json_list(text: str) -> list[str] | None:
    try:
        found = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None  # a text that begins with a bracket
    kinds = (str, bool)
    if not isinstance(found, list) or not all(isinstance(item, kinds) for item in found):
        raise InputError(f"a list of values holds texts, numbers and booleans: {text[:100]!r}")
    return [item if isinstance(item, str) else str(item).lower() for item in found]
