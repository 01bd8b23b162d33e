"""One Arrow type for columns that several files type differently: the narrowest that holds every value exactly."""

from __future__ import annotations

import pyarrow as pa

from resources.kernel.kept_types import is_any_list, kept_type

_DOUBLE_INTEGER_BITS = 32  # a double holds every integer of 53 bits
_UNITS = ("s", "ms", "us", "ns")


def common_type(one: pa.DataType, other: pa.DataType, *, union: bool) -> pa.DataType | None:
    """The type for a column that is `one` in some files and `other` in others; None where they do not go together.

    Always together go types that the store keeps as one, `null` and anything, units of one kind of time, and integers
    and doubles, since pandas writes integers as doubles where one is missing; whether a double holds each integer
    shows when it is converted. So do numbers of which the wider type holds every value exactly: `int32` and `int64`,
    decimals of different scales. With `union` so do structs of different members, and decimals that together need more
    than 38 digits, of which SQL is not sure.
    """
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    nested = _common_nested(one, other, union)
    if nested is not None:
        return nested
    for rule in (_wider_text, _finer_time, _common_number):
        found = rule(one, other)
        if found is not None:
            return found
    one, other = kept_type(one), kept_type(other)
    if one == other:
        return one
    wider = wider_type(one, other)
    is_long = wider is not None and wider not in (one, other) and pa.types.is_decimal256(wider)
    return wider if union or not is_long else None


def is_wider(kind: pa.DataType, other: pa.DataType) -> bool:
    """Whether the two are numbers of one kind, so that the wider of them holds every value of both."""
    alike = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(belongs(kind) and belongs(other) for belongs in alike)


def _common_nested(one: pa.DataType, other: pa.DataType, union: bool) -> pa.DataType | None:
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return _common_struct(one, other, union)
    if pa.types.is_map(one) and pa.types.is_map(other):
        key = common_type(one.key_type, other.key_type, union=union)
        item = common_type(one.item_type, other.item_type, union=union)
        return pa.map_(key, item) if key is not None and item is not None else None
    fixed = [pa.types.is_fixed_size_list(kind) for kind in (one, other)]
    if not all(fixed) and not (is_any_list(one) and is_any_list(other)):
        return None
    inner = common_type(one.value_type, other.value_type, union=union)
    if inner is None or not any(fixed):
        return None if inner is None else pa.list_(inner)
    return pa.list_(inner, one.list_size) if one.list_size == other.list_size else None


def _common_struct(one: pa.DataType, other: pa.DataType, union: bool) -> pa.DataType | None:
    members = [{field.name: field.type for field in kind} for kind in (one, other)]
    if len(members[0]) != one.num_fields or len(members[1]) != other.num_fields:
        return None  # two members of one name
    if not union and members[0].keys() != members[1].keys():
        return None
    united = {}
    for name in members[0] | members[1]:
        pair = [found[name] for found in members if name in found]
        united[name] = common_type(pair[0], pair[-1], union=union)
    if any(kind is None for kind in united.values()):
        return None
    return pa.struct(list(united.items()))


def _finer_time(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The finer unit of two timestamps, times or durations; a value out of its range is an error when it is read."""
    times = (pa.types.is_time, pa.types.is_duration)
    if any(belongs(one) and belongs(other) for belongs in times):
        return max(one, other, key=lambda kind: _UNITS.index(kind.unit))
    return _wider_timestamp(one, other)


def _common_number(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    integers, floats = pa.types.is_integer, pa.types.is_floating
    mixed = (integers(one) and floats(other)) or (floats(one) and integers(other))
    return pa.float64() if mixed else None


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
