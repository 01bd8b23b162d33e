"""Arrow to SQL for the databases that are written row by row, and which existing columns hold a type without loss.

A database gives its names of types in `TypeNames`; the rules are the same for all.

| Arrow | SQL |
|---|---|
| null, string | text |
| bool | boolean |
| int8, int16, uint8 / int32, uint16 / int64, uint32 / uint64 | small / integer / big / decimal of 20 digits |
| float16, float32 / float64 | single / double |
| decimal | decimal with its digits, up to 38 |
| binary | binary |
| date, time, timestamp, timestamp with a zone | their own, in microseconds |
| duration | big: microseconds |
| list, struct, map | long text, as JSON |
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from resources.connectors.sql.writing.columns import (
    Check,
    Complaint,
    Convert,
    WrittenColumn,
    WrittenType,
    find_outside,
    is_list,
    is_text,
    plain_type,
)
from resources.connectors.sql.writing.json_text import to_json

MOST_DIGITS = 38
_DAY_US = 86_400_000_000
_YEAR_1, _YEAR_9999 = -719_162, 2_932_896
_OUTSIDE = "is outside the years 1 to 9999"


@dataclass(frozen=True)
class TypeNames:
    """A database's names of types, and what its values cannot be.

    Args:
        long_text: for JSON.
        time: None where there is no type for a time of day alone; it becomes text then.
        has_nan: whether floats may be NaN; else NaN becomes NULL, counted and reported (E35).
        has_infinity: whether floats may be infinite.
        text_check: finds texts that it cannot hold.
        boolean_wire: how booleans are sent.
        to_double: how floats are sent, where a number would not arrive as it is.
        to_zoned: how timestamps with a zone are sent, where the driver would drop the zone.
    """

    text: str
    long_text: str
    boolean: str
    small: str
    integer: str
    big: str
    single: str
    double: str
    decimal: str
    binary: str
    date: str
    timestamp: str
    zoned: str
    time: str | None = None
    has_nan: bool = False
    has_infinity: bool = False
    text_check: Check | None = None
    boolean_wire: pa.DataType = pa.bool_()  # noqa: RUF009 - a type is immutable
    to_double: Convert | None = None
    to_zoned: Convert | None = None


def column_types(names: TypeNames) -> Callable[[pa.DataType], WrittenType | None]:
    """The rule by which a database with these names holds Arrow types."""
    return functools.partial(_column_type, names)


def _column_type(names: TypeNames, kind: pa.DataType) -> WrittenType | None:
    kind = plain_type(kind)
    if pa.types.is_null(kind) or is_text(kind):
        return WrittenType(names.text, pa.large_string(), check=names.text_check)
    if pa.types.is_boolean(kind):
        return WrittenType(names.boolean, names.boolean_wire)
    if pa.types.is_integer(kind):
        return _integer(names, kind)
    if pa.types.is_floating(kind):
        return _floating(names, kind)
    if pa.types.is_decimal(kind):
        return _decimal(names, kind)
    return _bytes_or_nested(names, kind) or _temporal(names, kind)


def _bytes_or_nested(names: TypeNames, kind: pa.DataType) -> WrittenType | None:
    if _is_binary(kind):
        return WrittenType(names.binary, pa.large_binary())
    if is_list(kind) or pa.types.is_struct(kind) or pa.types.is_map(kind):
        return WrittenType(names.long_text, pa.large_string(), convert=to_json)
    return None


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _integer(names: TypeNames, kind: pa.DataType) -> WrittenType:
    if pa.types.is_uint64(kind):
        return WrittenType(names.decimal.format(20, 0), pa.decimal128(20, 0))
    bits = kind.bit_width + (1 if pa.types.is_unsigned_integer(kind) else 0)
    sql = names.small if bits <= 16 else names.integer if bits <= 32 else names.big
    return WrittenType(sql, pa.int64())


def _floating(names: TypeNames, kind: pa.DataType) -> WrittenType:
    is_double = pa.types.is_float64(kind)
    wire = pa.string() if names.to_double else pa.float64()
    convert = functools.partial(_float_out, names)
    return WrittenType(
        names.double if is_double else names.single,
        wire,
        convert=convert,
        drops_nan=not names.has_nan,
    )


def _float_out(names: TypeNames, array: pa.Array) -> pa.Array:
    array = array.cast(pa.float32()).cast(pa.float64()) if array.type != pa.float64() else array
    if not names.has_infinity and pc.any(pc.is_inf(array)).as_py():
        raise ValueError("holds an infinite number, which the database has not")
    return names.to_double(array) if names.to_double else array


def _decimal(names: TypeNames, kind: pa.DataType) -> WrittenType | None:
    precision, scale = max(kind.precision, kind.precision - kind.scale, kind.scale), kind.scale
    scale = max(scale, 0)
    if precision > MOST_DIGITS:
        return None
    return WrittenType(names.decimal.format(precision, scale), pa.decimal128(precision, scale))


def _temporal(names: TypeNames, kind: pa.DataType) -> WrittenType | None:
    if pa.types.is_duration(kind):
        return WrittenType(
            names.big, pa.int64(), convert=lambda a: a.cast(pa.duration("us")).cast(pa.int64())
        )
    if pa.types.is_date(kind):
        check = find_outside(_YEAR_1, _YEAR_9999, _OUTSIDE)
        return WrittenType(names.date, pa.date32(), check=check)
    if pa.types.is_time(kind):
        if names.time:
            return WrittenType(names.time, pa.time64("us"))
        to_text: Convert = lambda a: a.cast(pa.time64("us")).cast(pa.large_string())  # noqa: E731
        return WrittenType(names.text, pa.large_string(), convert=to_text)
    if pa.types.is_timestamp(kind):
        return _timestamp(names, kind)
    return None


def _timestamp(names: TypeNames, kind: pa.DataType) -> WrittenType:
    check = find_outside(_YEAR_1 * _DAY_US, (_YEAR_9999 + 1) * _DAY_US - 1, _OUTSIDE)
    if not kind.tz:
        return WrittenType(names.timestamp, pa.timestamp("us"), check=check)
    if names.to_zoned is None:
        return WrittenType(names.zoned, pa.timestamp("us", tz="UTC"), check=check)

    def convert(array: pa.Array) -> pa.Array:
        moments = array.cast(pa.timestamp("us", tz="UTC"))
        if (complaint := check(moments)) is not None:
            raise ValueError(complaint.reason)
        return names.to_zoned(moments)  # type: ignore[misc]  # known to be there

    return WrittenType(names.zoned, pa.string(), convert=convert)


def find_empty(array: pa.Array) -> Complaint | None:
    """The first empty text, which Oracle would store as NULL."""
    index = pc.index(pc.binary_length(array), value=pa.scalar(0, _length_type(array))).as_py()
    return (
        None if index < 0 else Complaint(index, "holds an empty text, which Oracle stores as NULL")
    )


def _length_type(array: pa.Array) -> pa.DataType:
    return pa.int64() if pa.types.is_large_string(array.type) else pa.int32()


_TYPE = re.compile(r"(?P<name>[A-Z][A-Z0-9_ ]*?)\s*(?:\((?P<args>[^)]*)\))?(?P<rest>[A-Z ]*)")

_FAMILIES = {
    "boolean": ("BOOLEAN", "BOOL", "BIT"),
    "whole": ("SMALLINT", "INT2", "INTEGER", "INT", "INT4", "BIGINT", "INT8"),
    "decimal": ("NUMERIC", "DECIMAL", "NUMBER"),
    "single": ("REAL", "FLOAT4", "BINARY_FLOAT"),
    "double": ("DOUBLE PRECISION", "DOUBLE", "FLOAT", "FLOAT8", "BINARY_DOUBLE"),
    "text": ("VARCHAR", "TEXT", "NVARCHAR", "NTEXT", "VARCHAR2", "NVARCHAR2", "CLOB", "NCLOB", "STRING",
             "CHARACTER VARYING"),
    "binary": ("BYTEA", "BLOB", "VARBINARY", "RAW", "BYTES"),
    "date": ("DATE",),
    "time": ("TIME", "TIME WITHOUT TIME ZONE"),
    "naive": ("TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE", "DATETIME2", "TIMESTAMP_NTZ"),
    "zoned": ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ", "DATETIMEOFFSET", "TIMESTAMP_TZ"),
}  # fmt: skip
_FAMILY = {name: family for family, listed in _FAMILIES.items() for name in listed}
_RANKS = {"SMALLINT": 5, "INT2": 5, "INTEGER": 10, "INT": 10, "INT4": 10, "BIGINT": 19, "INT8": 19}
_MICROSECONDS = 6


@dataclass(frozen=True)
class _Parsed:
    family: str
    name: str
    args: tuple[int, ...]

    @property
    def whole_digits(self) -> int:
        """Digits before the point."""
        if self.family == "whole":
            return _RANKS[self.name]
        if not self.args:
            return MOST_DIGITS
        return self.args[0] - (self.args[1] if len(self.args) > 1 else 0)

    @property
    def decimals(self) -> int:
        if self.family == "whole":
            return 0
        return self.args[1] if len(self.args) > 1 else 0


def _parse(sql: str) -> _Parsed | None:
    match = _TYPE.fullmatch(" ".join(sql.upper().split("COLLATE")[0].split()).replace('"', ""))
    if match is None:
        return None
    name = f"{match['name']}{match['rest'] or ''}".strip()
    args = tuple(int(part) for part in re.findall(r"-?\d+", match["args"] or ""))
    family = _FAMILY.get(name)
    return _Parsed(family, name, args) if family else None


def generic_takes(
    column: WrittenColumn, target: str, *, narrow: frozenset[str] = frozenset()
) -> bool:
    """Whether an existing column of type `target` holds every value of `column` unchanged, or refuses it.

    Args:
        column: what is written.
        target: the type, as the database prints it.
        narrow: names of text types that hold one code page alone.
    """
    if column.type.sql.upper().replace(" ", "") == target.upper().replace(" ", ""):
        return True
    found, wanted = _parse(target), _parse(column.type.sql)
    if found is None or wanted is None or (found.family == "text" and found.name in narrow):
        return False
    if column.is_null:
        return True
    if found.family in ("decimal", "whole") and wanted.family in ("decimal", "whole"):
        unlimited = found.family == "decimal" and not found.args
        return unlimited or (
            found.whole_digits >= wanted.whole_digits and found.decimals >= wanted.decimals
        )
    if found.family in ("naive", "zoned", "time") and found.args and found.args[0] < _MICROSECONDS:
        return False
    return found.family == wanted.family or (found.family, wanted.family) == ("double", "single")


def zoned_text(array: pa.Array) -> pa.Array:
    """`2013-01-31 08:30:00.123456+00:00`: the driver would drop the zone."""
    naive = array.cast(pa.int64()).cast(pa.timestamp("us"))
    return pc.binary_join_element_wise(naive.cast(pa.string()), "+00:00", "")
