"""A value that a user typed, as the type of a column has it: DuckDB then compares like with like, or we say why not.

What comes out is text that DuckDB casts exactly. Nothing is rounded to fit: 2.5 is no whole number, and 1.005 does not fit
two decimal places.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from resources.kernel.errors import InputError

_WHOLE = re.compile(r"[+-]?\d+")
_HEX = re.compile(r"(?:0x)?(?P<digits>(?:[0-9a-fA-F]{2})*)")
_TIME = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?"
)
_OFFSET = re.compile(r"(?:Z|[+-]\d{2}(?::?\d{2})?)$", re.IGNORECASE)


def typed_text(text: str, field: pa.Field) -> str:
    """`text` in the form that DuckDB casts to the type of the column.

    Raises:
        InputError: it is no value of this type; names the column, its type and what is expected.
    """
    for belongs, read, expected in _READERS:
        if belongs(field.type):
            try:
                return read(text.strip(), field.type)
            except (ValueError, ArithmeticError, OverflowError, pa.ArrowException) as error:
                reason = str(error) if isinstance(error, _OutsideError) else ""
                raise _misfit(text, field, reason or expected) from error
    return text


class _OutsideError(ValueError):
    """A value of the right kind that the type cannot hold; says why."""


def _misfit(text: str, field: pa.Field, expected: str) -> InputError:
    return InputError(
        f"column {field.name!r} is of type {field.type}, and {text[:60]!r} is no value of it",
        hint=expected,
        column=field.name,
        value=text[:60],
    )


def _whole(text: str, kind: pa.DataType) -> str:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    number = int(text) if len(text) <= 40 else 10**40
    signed = pa.types.is_signed_integer(kind)
    low = -(2 ** (kind.bit_width - 1)) if signed else 0
    high = 2 ** (kind.bit_width - signed) - 1
    if not low <= number <= high:
        raise _OutsideError(f"It holds whole numbers from {low} to {high}")
    return str(number)


def _floating(text: str, kind: pa.DataType) -> str:
    if "_" in text:
        raise ValueError(text)
    number = float(text)
    return repr(pa.scalar(number, pa.float64()).cast(kind, safe=False).as_py())


def _decimal(text: str, kind: pa.DataType) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not number.is_finite() or "_" in text:
        raise ValueError(text)
    places = max(-int(number.normalize().as_tuple().exponent), 0)
    if places > kind.scale:
        raise _OutsideError(f"It holds {kind.scale} decimal places")
    if number and number.adjusted() + 1 > kind.precision - kind.scale:
        raise _OutsideError(f"It holds {kind.precision - kind.scale} digits before the point")
    return f"{number:f}"


def _boolean(text: str, _kind: pa.DataType) -> str:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower()


def _date(text: str, _kind: pa.DataType) -> str:
    return _as_text(pa.scalar(text).cast(pa.date32()))


def _time_of_day(text: str, _kind: pa.DataType) -> str:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    clock = f"{found['hour']:0>2}:{found['minute']}:{found['second'] or '00'}"
    time.fromisoformat(clock)  # a clock shows it
    return clock + (found["fraction"] or "")


def _moment(text: str, kind: pa.DataType) -> str:
    """With the zone's offset, or as a clock there shows it; DuckDB gets UTC."""
    unit = "ns" if kind.unit == "ns" else "us"
    has_offset = _OFFSET.search(text) is not None and ":" in text
    if kind.tz is None:
        if has_offset:
            raise _OutsideError("It holds times without a zone: leave the offset out")
        return _as_text(pa.scalar(text).cast(pa.timestamp(unit)))
    if has_offset:
        moment = pa.scalar(text).cast(pa.timestamp(unit, "UTC"))
    else:
        moment = pc.assume_timezone(pa.scalar(text).cast(pa.timestamp(unit)), kind.tz)
    return _as_text(moment.cast(pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit))) + "+00"


def _bytes(text: str, _kind: pa.DataType) -> str:
    found = _HEX.fullmatch(text)
    if found is None:
        raise ValueError(text)
    digits = found["digits"]
    return "".join(f"\\x{digits[at : at + 2]}" for at in range(0, len(digits), 2))


def _as_text(scalar: Any) -> str:
    return str(scalar.cast(pa.string()).as_py())


_READERS: list[tuple[Callable[[pa.DataType], bool], Callable[[str, pa.DataType], str], str]] = [
    (pa.types.is_integer, _whole, "Give a whole number"),
    (pa.types.is_floating, _floating, "Give a number with a decimal point, `nan`, `inf` or `-inf`"),
    (pa.types.is_decimal, _decimal, "Give a number with a decimal point"),
    (pa.types.is_boolean, _boolean, "Give true or false"),
    (pa.types.is_date, _date, "Give a date as 2013-01-31"),
    (pa.types.is_time, _time_of_day, "Give a time as 17:30 or 17:30:00.5"),
    (pa.types.is_timestamp, _moment, "Give a time as 2013-01-31 17:30:00, or a date alone"),
    (pa.types.is_binary, _bytes, "Give bytes in hexadecimal: 0x00ff"),
    (pa.types.is_fixed_size_binary, _bytes, "Give bytes in hexadecimal: 0x00ff"),
]
