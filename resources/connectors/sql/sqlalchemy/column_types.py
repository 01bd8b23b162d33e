"""Python values of any driver to Arrow, without a change: a column's type is what its driver says, or what its values are.

| what a driver hands over | Arrow |
|---|---|
| int | int64; decimal128(38, 0) beyond 64 bit; text beyond 38 digits |
| float, bool | float64, bool |
| Decimal | decimal128 of 38 digits with the most decimals there are; text where they do not fit, or for NaN |
| str, UUID | text |
| bytes, bytearray, memoryview | binary |
| date, time, datetime, datetime with a zone | date32, time64[us], timestamp[us], timestamp[us, UTC] |
| timedelta, list, dict, set | text: ISO 8601, JSON |
| several of these in one column | text; float64 where whole numbers are exact as doubles |
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

from resources.connectors.sql.reading import text_guess
from resources.kernel.errors import InputError
from resources.kernel.records import Guess

Parse = Callable[[pa.Array], pa.Array]

DIGITS = 38
_INT64 = (-(2**63), 2**63 - 1)
_EXACT_DOUBLE = 2**53

AWARE = "datetime with a zone"
NAIVE = "datetime"


class UnfitError(Exception):
    """A value that a column's type cannot hold unchanged."""


@dataclass(frozen=True)
class ValueColumn:
    """A column as it will be read.

    Args:
        name: the database's name for it.
        type: the Arrow type that is announced; None while only the values can tell.
        expression: what is selected in its place; the column itself when empty.
        parse: makes the announced type of the texts that `expression` yields.
        wider: the type to take when a value does not fit; text when None.
        guess: what was decided because the database did not say.
    """

    name: str
    type: pa.DataType | None = None
    expression: str = ""
    parse: Parse | None = None
    wider: pa.DataType | None = None
    guess: Guess | None = None

    def convert(self, values: Sequence[Any]) -> pa.Array:
        """The values as an array of `type`.

        Raises:
            UnfitError: one does not fit.
        """
        try:
            if self.parse is not None:
                return self.parse(to_array(values, pa.string()))
            return to_array(values, self.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, ValueError) as error:
            raise UnfitError(self.name) from error


def widened(column: ValueColumn) -> ValueColumn:
    """The column after a value did not fit: in its wider type, or as text."""
    if column.wider is not None:
        return ValueColumn(column.name, column.wider, column.expression)
    guess = text_guess(column.name, f"a value does not fit {column.type}")
    return ValueColumn(column.name, pa.string(), column.expression, guess=guess)


def text_column(name: str, expression: str, reason: str) -> ValueColumn:
    """A column that the database writes as text."""
    return ValueColumn(name, pa.string(), expression, guess=text_guess(name, reason))


def to_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values as an array of exactly this type.

    Raises:
        UnfitError: a value of another kind, or one that would change.
        pa.ArrowInvalid: a value that would change.
    """
    kinds = set(map(type, values)) - {type(None)}
    allowed, adapt = _HOLDS[kind.id]
    if not kinds <= allowed:
        values = [None if value is None else adapt(value) for value in values]
    elif datetime in kinds and pa.types.is_timestamp(kind):
        _check_zones(values, zoned=kind.tz is not None)
    return pa.array(values, kind)


def _check_zones(values: Sequence[Any], *, zoned: bool) -> None:
    """Arrow would take a datetime with a zone for one without."""
    if any(value is not None and (value.tzinfo is not None) is not zoned for value in values):
        raise UnfitError


def as_text(value: Any) -> str:
    """A value as text, from which it can be told again.

    Raises:
        UnfitError: bytes, which are no text.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise UnfitError
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return json.dumps(value, ensure_ascii=False, default=_json_text)
    return repr(value) if isinstance(value, float) else str(value)


def _json_text(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return as_text(value)


def _duration(value: timedelta) -> str:
    microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    sign, microseconds = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    seconds, fraction = divmod(microseconds, 1_000_000)
    return f"{sign}PT{seconds}{f'.{fraction:06}'.rstrip('0') if fraction else ''}S"


def _adapt_int(value: Any) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    raise UnfitError


def _adapt_float(value: Any) -> float:
    if type(value) is int and abs(value) <= _EXACT_DOUBLE:
        return float(value)
    raise _unless(float, value)


def _adapt_bool(value: Any) -> bool:
    if type(value) is int and value in (0, 1):
        return bool(value)
    raise _unless(bool, value)


def _adapt_decimal(value: Any) -> Decimal:
    if type(value) in (int, Decimal):
        return Decimal(value)
    raise UnfitError


def _adapt_bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise UnfitError


def _as_is(value: Any) -> Any:
    raise UnfitError(type(value).__name__)


def _unless(kind: type, value: Any) -> UnfitError:
    return UnfitError(f"{kind.__name__}: {type(value).__name__}")


def _mixed(plain: type, adapt: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Leaves what is of the plain kind; adapts the rest."""
    return lambda value: value if type(value) is plain else adapt(value)


_HOLDS: dict[int, tuple[frozenset[type], Callable[[Any], Any]]] = {
    pa.bool_().id: (frozenset({bool}), _mixed(bool, _adapt_bool)),
    pa.int16().id: (frozenset({int}), _mixed(int, _adapt_int)),
    pa.int32().id: (frozenset({int}), _mixed(int, _adapt_int)),
    pa.int64().id: (frozenset({int}), _mixed(int, _adapt_int)),
    pa.float32().id: (frozenset({float}), _mixed(float, _adapt_float)),
    pa.float64().id: (frozenset({float}), _mixed(float, _adapt_float)),
    pa.decimal128(1).id: (frozenset({Decimal}), _adapt_decimal),
    pa.string().id: (frozenset({str}), as_text),
    pa.binary().id: (frozenset({bytes}), _adapt_bytes),
    pa.date32().id: (frozenset({date}), _mixed(date, _as_is)),
    pa.time64("us").id: (frozenset({time}), _mixed(time, _as_is)),
    pa.timestamp("us").id: (frozenset({datetime}), _mixed(datetime, _as_is)),
}


@dataclass
class Seen:
    """What the values of one column are, gathered while all of them are looked at."""

    kinds: set[Any] = field(default_factory=set)
    lowest: int = 0
    highest: int = 0
    digits: int = 0
    """Most digits before the point."""
    decimals: int = 0

    def add(self, values: Sequence[Any]) -> None:
        """Takes note of more values."""
        kinds: set[Any] = set(map(type, values)) - {type(None)}
        if int in kinds:
            numbers = [value for value in values if type(value) is int]
            self.lowest, self.highest = min(self.lowest, *numbers), max(self.highest, *numbers)
        if Decimal in kinds:
            self._add_decimals([value for value in values if type(value) is Decimal])
        if datetime in kinds:
            kinds.discard(datetime)
            moments = [value for value in values if type(value) is datetime]
            kinds |= {AWARE if value.tzinfo else NAIVE for value in moments}
        if time in kinds and any(type(v) is time and v.tzinfo for v in values):
            kinds.add("time with a zone")
        self.kinds |= kinds

    def _add_decimals(self, numbers: Sequence[Decimal]) -> None:
        for number in numbers:
            _, digits, exponent = number.as_tuple()
            if not isinstance(exponent, int):  # NaN or an infinity
                self.kinds.add("no number")
                continue
            self.decimals = max(self.decimals, -exponent)
            self.digits = max(self.digits, len(digits) + exponent)

    def column(self, name: str, *, where: str, expression: str = "") -> ValueColumn:
        """How a column with these values is read.

        Raises:
            InputError: bytes beside values of another kind, which have no text in common.
        """
        kind = self._type()
        if kind is not None:
            return ValueColumn(name, kind, expression)
        if self.kinds & {bytes, bytearray, memoryview}:
            raise InputError(
                f"{where}: column {name!r} holds bytes beside other values",
                hint="Select it with a CAST to one type",
                column=name,
            )
        reason = "the database does not name its type, and there is no value to tell by"
        if self.kinds:
            reason = "its values are of several kinds, or of one that Arrow has no exact type for"
        return text_column(name, expression, reason)

    def _type(self) -> pa.DataType | None:
        kinds = self.kinds
        if kinds == {int}:
            return self._whole()
        if kinds == {int, float}:
            exact = self.lowest >= -_EXACT_DOUBLE and self.highest <= _EXACT_DOUBLE
            return pa.float64() if exact else None
        if kinds in ({Decimal}, {Decimal, int}):
            largest = max(abs(self.lowest), abs(self.highest))
            digits = max(self.digits, len(str(largest)))
            return (
                pa.decimal128(DIGITS, self.decimals) if digits + self.decimals <= DIGITS else None
            )
        if kinds and kinds <= {bytes, bytearray, memoryview}:
            return pa.binary()
        return _BY_KIND.get(next(iter(kinds))) if len(kinds) == 1 else None

    def _whole(self) -> pa.DataType | None:
        if _INT64[0] <= self.lowest and self.highest <= _INT64[1]:
            return pa.int64()
        largest = max(abs(self.lowest), abs(self.highest))
        return pa.decimal128(DIGITS, 0) if math.log10(largest) < DIGITS else None


_BY_KIND: dict[Any, pa.DataType] = {
    bool: pa.bool_(),
    float: pa.float64(),
    str: pa.string(),
    UUID: pa.string(),
    date: pa.date32(),
    time: pa.time64("us"),
    NAIVE: pa.timestamp("us"),
    AWARE: pa.timestamp("us", tz="UTC"),
}
