"""What an argument of an expectation may be, as Great Expectations takes it and YAML can say it.

Not here: `{"$PARAMETER": ...}`, which the library takes for any value, but for which no value can be given.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})([T ]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?"
)
_YES_OR_NO = frozenset(
    {"0", "off", "f", "false", "n", "no", "1", "on", "t", "true", "y", "yes"}
)  # fmt: skip
_LEAST_COLUMNS = 2


@dataclass(frozen=True)
class ArgumentKind:
    """A kind of value."""

    words: str
    """What it is, for people: `a number`."""
    takes: Callable[[object], bool]
    is_needed: bool = False

    def needed(self) -> ArgumentKind:
        """The same for an argument that has to be given."""
        return replace(self, is_needed=True)

    def or_null(self) -> ArgumentKind:
        """The same for an argument that may be null."""
        return replace(self, takes=lambda value: value is None or self.takes(value))


def _reads(reader: Callable[[str], object], text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        reader(text)
    except ValueError:
        return False
    return True


def _is_number(value: object) -> bool:
    return _fits_a_double(value) if isinstance(value, int | float) else _reads(float, value)


def _fits_a_double(value: float) -> bool:
    try:
        float(value)
    except OverflowError:
        return False  # columns hold no such number, and comparing one with a double is an error
    return True


def _is_whole(value: object) -> bool:
    if isinstance(value, float):
        return value - value == 0  # neither infinite nor NaN; the library cuts off the rest
    return isinstance(value, int) or _reads(int, value)


def _is_share(value: object) -> bool:
    return _is_number(value) and 0 <= float(value) <= 1  # type: ignore[arg-type]  # a number, or its text


def _is_size(value: object) -> bool:
    return _is_number(value) and float(value) >= 0  # type: ignore[arg-type]  # a number, or its text


def _is_date(value: object) -> bool:
    if isinstance(value, dt.date):
        return True
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    return found is not None and _reads(
        lambda text: dt.date(*map(int, text.split())), " ".join(found.group(1, 2, 3))
    )


def _is_flag(value: object) -> bool:
    if isinstance(value, str):
        return value.lower() in _YES_OR_NO
    return isinstance(value, int) and value in (0, 1)


def _is_text(value: object) -> bool:
    """The library makes text of a number."""
    return isinstance(value, str | int | float)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


def _are_pairs(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        _is_list(pair) and len(pair) == len(("a", "b")) for pair in value
    )


def choice(*known: str) -> ArgumentKind:
    """One of some words."""
    return ArgumentKind("one of " + ", ".join(map(repr, known)), lambda value: value in known)


COLUMN = ArgumentKind("the name of a column", lambda value: isinstance(value, str) and value != "")
SHAPE = ArgumentKind("a list of columns", _is_list)
COLUMNS = ArgumentKind(
    "a list of two or more columns",
    lambda value: _are_texts(value) and len(value) >= _LEAST_COLUMNS,  # type: ignore[arg-type]  # a list
)
_NUMBER = f"a number (at most {sys.float_info.max:.1e})"
NUMBER = ArgumentKind(_NUMBER, _is_number)
WHOLE = ArgumentKind("a whole number", _is_whole)
BOUND = ArgumentKind(f"{_NUMBER} or a date", lambda value: _is_number(value) or _is_date(value))
SHARE = ArgumentKind("a number from 0 to 1", _is_share)
SIZE = ArgumentKind("a number of 0 or more", _is_size)
FLAG = ArgumentKind("true or false", _is_flag)
TEXT = ArgumentKind("a text", _is_text)
CHARACTER = ArgumentKind(
    "a single character", lambda value: _is_text(value) and len(str(value)) == 1
)
VALUES = ArgumentKind("a list of values", _is_list)
SOME_VALUES = ArgumentKind(
    "a list of one or more values", lambda value: _is_list(value) and bool(value)
)
TEXTS = ArgumentKind("a list of texts", _are_texts)
SOME_TEXTS = ArgumentKind(
    "a list of one or more texts", lambda value: _are_texts(value) and bool(value)
)
PAIRS = ArgumentKind("a list of pairs of values", _are_pairs)
MAPPING = ArgumentKind("names with values", lambda value: isinstance(value, dict))
