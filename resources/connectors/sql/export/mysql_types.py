"""MySQL and MariaDB: which column type holds which Arrow type, and which existing columns take it without loss.

| Arrow | MySQL |
|---|---|
| null, string | longtext, utf8mb4 |
| bool | tinyint(1) |
| int8 ... int64, uint8 ... uint64 | tinyint ... bigint, the same unsigned |
| float16, float32 / float64 | float / double; NaN and infinity are an error that names the row: MySQL has none |
| decimal(p, s) up to 65 digits, 30 of them behind the point | decimal(p,s) |
| binary | longblob |
| date32, date64 | date; years 1 to 9999 |
| time | time(6) |
| timestamp | datetime(6); years 1 to 9999 |
| timestamp with a zone | timestamp(6): 1970 to 2038; outside of that an error that names the row |
| duration | bigint, microseconds |
| list, struct, map | json |
| dictionary, run-end, view, extension | as the values they stand for |
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from resources.connectors.sql.export.columns import (
    Check,
    Column,
    ColumnType,
    Complaint,
    find_outside,
    is_list,
    is_text,
    plain_type,
)
from resources.connectors.sql.export.json_text import to_json

MAX_PRECISION, MAX_SCALE = 65, 30

_YEAR_1, _YEAR_9999 = -719_162, 2_932_896
_DAY_US = 86_400_000_000
_FIRST_INSTANT, _LAST_INSTANT = 1_000_000, (2**31 - 1) * 1_000_000 + 999_999

_INTEGERS = {
    "int8": "tinyint",
    "uint8": "tinyint unsigned",
    "int16": "smallint",
    "uint16": "smallint unsigned",
    "int32": "int",
    "uint32": "int unsigned",
    "int64": "bigint",
    "uint64": "bigint unsigned",
}
_INTEGER_FAMILIES = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_EXACT_IN_FLOAT = frozenset(
    {"tinyint", "tinyint(1)", "tinyint unsigned", "smallint", "smallint unsigned"}
)
_EXACT_IN_DOUBLE = _EXACT_IN_FLOAT | {"int", "int unsigned"}
_TEXTS = frozenset({"longtext", "mediumtext", "text", "tinytext", "varchar", "char"})
_BLOBS = frozenset({"longblob", "mediumblob", "blob", "tinyblob", "varbinary"})
_WITH_FRACTION = frozenset({"time", "datetime", "timestamp"})


def mysql_type(kind: pa.DataType) -> ColumnType | None:
    """How MySQL holds values of `kind`; None when it has no form for them."""
    kind = plain_type(kind)
    for matches, found in _SIMPLE:
        if matches(kind):
            return found
    if pa.types.is_integer(kind):
        return ColumnType(_INTEGERS[str(kind)], kind)
    if pa.types.is_decimal(kind):
        return _decimal_type(kind)
    if pa.types.is_timestamp(kind):
        return _ZONED if kind.tz else _MOMENT
    if is_list(kind) or pa.types.is_struct(kind) or pa.types.is_map(kind):
        return ColumnType("json", pa.large_string(), convert=to_json)
    return None


def find_not_finite(array: pa.Array) -> Complaint | None:
    """The first NaN or infinity (E35)."""
    finite = pc.fill_null(pc.is_finite(array), fill_value=True)
    index = pc.index(finite, value=False).as_py()
    return None if index < 0 else Complaint(index, "is NaN or infinite, which MySQL has not")


def _whole_days(first: int, last: int, reason: str) -> Check:
    return find_outside(first * _DAY_US, (last + 1) * _DAY_US - 1, reason)


_MOMENT = ColumnType(
    "datetime(6)",
    pa.timestamp("us"),
    check=_whole_days(_YEAR_1, _YEAR_9999, "is outside the years 1 to 9999"),
)
_ZONED = ColumnType(
    "timestamp(6)",
    pa.timestamp("us"),
    # Taking the zone off leaves the instant in UTC, which is the session's zone.
    convert=lambda array: array.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")),
    check=find_outside(
        _FIRST_INSTANT, _LAST_INSTANT, "is outside 1970 to 2038, which TIMESTAMP holds"
    ),
)

_SIMPLE: tuple[tuple[Callable[[pa.DataType], bool], ColumnType], ...] = (
    (pa.types.is_null, ColumnType("longtext", pa.string())),
    (
        pa.types.is_boolean,
        ColumnType("tinyint(1)", pa.int8(), convert=lambda array: array.cast(pa.int8())),
    ),
    (pa.types.is_float16, ColumnType("float", pa.float32(), check=find_not_finite)),
    (pa.types.is_float32, ColumnType("float", pa.float32(), check=find_not_finite)),
    (pa.types.is_float64, ColumnType("double", pa.float64(), check=find_not_finite)),
    (is_text, ColumnType("longtext", pa.large_string())),
    (pa.types.is_binary, ColumnType("longblob", pa.large_binary())),
    (pa.types.is_large_binary, ColumnType("longblob", pa.large_binary())),
    (pa.types.is_fixed_size_binary, ColumnType("longblob", pa.large_binary())),
    (
        pa.types.is_date,
        ColumnType(
            "date",
            pa.date32(),
            check=find_outside(_YEAR_1, _YEAR_9999, "is outside the years 1 to 9999"),
        ),
    ),
    (pa.types.is_time, ColumnType("time(6)", pa.time64("us"))),
    (
        pa.types.is_duration,
        ColumnType(
            "bigint", pa.int64(), convert=lambda a: a.cast(pa.duration("us")).cast(pa.int64())
        ),
    ),
)


def _decimal_type(kind: pa.DataType) -> ColumnType | None:
    scale = max(kind.scale, 0)
    precision = max(kind.precision - min(kind.scale, 0), scale)
    if precision > MAX_PRECISION or scale > MAX_SCALE:
        return None
    wide = pa.decimal256(precision, scale)
    return ColumnType(f"decimal({precision},{scale})", wide)


_PARAMETERS = re.compile(r"\((\d+)(?:,(\d+))?\)")
_DISPLAY_WIDTH = re.compile(r"^(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)")


def plain_sql_type(printed: str) -> str:
    """A column's type as the catalog prints it, in the form that this module writes: `int(11)` is `int`."""
    text = printed.lower().replace(" zerofill", "")
    return text if text == "tinyint(1)" else _DISPLAY_WIDTH.sub(r"\1", text)


def mysql_takes(column: Column, target: str) -> bool:
    """Whether an existing column of type `target` holds every value of `column` unchanged, or refuses it.

    Args:
        column: what would be written.
        target: the type as `plain_sql_type` gives it.
    """
    sent = column.type.sql
    if column.is_null or sent == target:
        return True
    family, numbers = _split(target)
    sent_family, sent_numbers = _split(sent)
    if sent_family in _INTEGER_FAMILIES:
        return _takes_integer(sent, family)
    if sent_family == "decimal":
        scale = sent_numbers[1]
        if family == "decimal":
            return numbers[1] >= scale
        return scale == 0 and family in _INTEGER_FAMILIES
    if sent_family in _WITH_FRACTION:
        return family == sent_family and (*numbers, 0)[0] >= _fraction_digits(column.arrow)
    return family in _OTHERS.get(sent_family, frozenset())


_OTHERS = {
    "float": frozenset({"double"}),
    "longtext": _TEXTS,
    "longblob": _BLOBS,
    "json": frozenset({"longtext"}),  # as MariaDB prints its json
}


def _takes_integer(sent: str, family: str) -> bool:
    """Integers may meet a narrower column: strict mode refuses a value that does not fit."""
    if family in _INTEGER_FAMILIES or family == "decimal":
        return True
    return (family == "double" and sent in _EXACT_IN_DOUBLE) or (
        family == "float" and sent in _EXACT_IN_FLOAT
    )


def text_limit(target: str) -> int | None:
    """The most characters that a column of this type takes; None when it does not count them."""
    family, numbers = _split(target)
    return numbers[0] if family in {"varchar", "char"} and numbers else None


def trims_blanks(target: str) -> bool:
    """Whether blanks at the end of a text are lost in a column of this type."""
    return _split(target)[0] == "char"


def _split(sql: str) -> tuple[str, tuple[int, ...]]:
    """`decimal(10,2) unsigned` -> (`decimal`, (10, 2))."""
    match = _PARAMETERS.search(sql)
    numbers = tuple(int(text) for text in match.groups() if text) if match else ()
    return _PARAMETERS.sub("", sql).replace(" unsigned", "").strip(), numbers


def _fraction_digits(kind: pa.DataType) -> int:
    kind = plain_type(kind)
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return {"s": 0, "ms": 3}.get(kind.unit, 6)
    return 0
