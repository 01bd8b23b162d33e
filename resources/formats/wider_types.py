"""The narrowest Arrow type that holds every value of two types exactly."""

from __future__ import annotations

import pyarrow as pa

_DOUBLE_INTEGER_BITS = 32  # a double holds every integer of 53 bits
_UNITS = ("s", "ms", "us", "ns")


def wider_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type for a column that is `one` in some files and `other` in others; None where none holds both.

    Never a change of meaning: no number becomes text and no date a timestamp.
    """
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    for rule in (_wider_text, _wider_number, _wider_decimal, _wider_timestamp):
        found = rule(one, other)
        if found is not None:
            return found
    return None


def _wider_text(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    texts = (pa.string(), pa.large_string(), pa.string_view())
    binaries = (pa.binary(), pa.large_binary(), pa.binary_view())
    if one in texts and other in texts:
        return pa.large_string()
    return pa.large_binary() if one in binaries and other in binaries else None


def _wider_number(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    integers, floats = pa.types.is_integer, pa.types.is_floating
    if floats(one) and floats(other):
        return max(one, other, key=lambda kind: kind.bit_width)
    if integers(one) and integers(other):
        return _wider_integer(one, other)
    if (integers(one) and floats(other)) or (floats(one) and integers(other)):
        integer = one if integers(one) else other
        return pa.float64() if integer.bit_width <= _DOUBLE_INTEGER_BITS else None
    return None


def _wider_integer(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    signed = [kind for kind in (one, other) if pa.types.is_signed_integer(kind)]
    if len(signed) != 1:
        return max(one, other, key=lambda kind: kind.bit_width)
    unsigned = other if signed[0] == one else one
    if unsigned.bit_width > _DOUBLE_INTEGER_BITS:
        return None
    sizes = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
    return sizes[max(signed[0].bit_width, unsigned.bit_width * 2)]


def _wider_decimal(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    if not (pa.types.is_decimal(one) and pa.types.is_decimal(other)):
        return None
    scale = max(one.scale, other.scale)
    precision = max(one.precision - one.scale, other.precision - other.scale) + scale
    if precision <= pa.decimal128(38, 0).precision:
        return pa.decimal128(precision, scale)
    return pa.decimal256(precision, scale) if precision <= 76 else None


def _wider_timestamp(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The finer unit; a value out of its range is an error when it is read."""
    if not (pa.types.is_timestamp(one) and pa.types.is_timestamp(other)) or one.tz != other.tz:
        return None
    return max(one, other, key=lambda kind: _UNITS.index(kind.unit))
