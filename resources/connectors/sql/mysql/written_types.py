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

from resources.connectors.sql.writing.columns import (
    Check,
    Complaint,
    WrittenColumn,
    WrittenType,
    find_outside,
    is_list,
    is_text,
    plain_type,
)
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.json_text import to_json

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
_BLOBS = frozenset({"longblob", "mediumblob", "blob", "tinyblob", "varbinary", "binary"})
_WITH_FRACTION = frozenset({"time", "datetime", "timestamp"})
_OCTETS = {
    **dict.fromkeys(("tinytext", "tinyblob"), 2**8 - 1),
    **dict.fromkeys(("text", "blob"), 2**16 - 1),
    **dict.fromkeys(("mediumtext", "mediumblob"), 2**24 - 1),
}
_SHAPES = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
     "geometrycollection", "geomcollection"}
)  # fmt: skip
_WRITTEN_AS_TEXT = frozenset(
    {
        "json",
        "enum",
        "set",
        "uuid",
        "inet4",
        "inet6",
        "date",
        "time",
        "datetime",
        "timestamp",
        "decimal",
    }
)
"""What a text is put into as it stands: types that no Arrow value has, and those of which some values come as text."""


def mysql_type(kind: pa.DataType) -> WrittenType | None:
    """How MySQL holds values of `kind`; None when it has no form for them."""
    kind = plain_type(kind)
    for matches, found in _SIMPLE:
        if matches(kind):
            return found
    if pa.types.is_integer(kind):
        return WrittenType(_INTEGERS[str(kind)], kind)
    if pa.types.is_decimal(kind):
        return _decimal_type(kind)
    if pa.types.is_timestamp(kind):
        return _ZONED if kind.tz else _MOMENT
    if is_list(kind) or pa.types.is_struct(kind) or pa.types.is_map(kind):
        return WrittenType("json", pa.large_string(), convert=to_json)
    return None


def find_not_finite(array: pa.Array) -> Complaint | None:
    """The first NaN or infinity (E35)."""
    finite = pc.fill_null(pc.is_finite(array), fill_value=True)
    index = pc.index(finite, value=False).as_py()
    return None if index < 0 else Complaint(index, "is NaN or infinite, which MySQL has not")


def _whole_days(first: int, last: int, reason: str) -> Check:
    return find_outside(first * _DAY_US, (last + 1) * _DAY_US - 1, reason)


_MOMENT = WrittenType(
    "datetime(6)",
    pa.timestamp("us"),
    check=_whole_days(_YEAR_1, _YEAR_9999, "is outside the years 1 to 9999"),
)
_ZONED = WrittenType(
    "timestamp(6)",
    pa.timestamp("us"),
    # Taking the zone off leaves the instant in UTC, which is the session's zone.
    convert=lambda array: array.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")),
    check=find_outside(
        _FIRST_INSTANT, _LAST_INSTANT, "is outside 1970 to 2038, which TIMESTAMP holds"
    ),
)

_SIMPLE: tuple[tuple[Callable[[pa.DataType], bool], WrittenType], ...] = (
    (pa.types.is_null, WrittenType("longtext", pa.string())),
    (
        pa.types.is_boolean,
        WrittenType("tinyint(1)", pa.int8(), convert=lambda array: array.cast(pa.int8())),
    ),
    (pa.types.is_float16, WrittenType("float", pa.float32(), check=find_not_finite)),
    (pa.types.is_float32, WrittenType("float", pa.float32(), check=find_not_finite)),
    (pa.types.is_float64, WrittenType("double", pa.float64(), check=find_not_finite)),
    (is_text, WrittenType("longtext", pa.large_string())),
    (pa.types.is_binary, WrittenType("longblob", pa.large_binary())),
    (pa.types.is_large_binary, WrittenType("longblob", pa.large_binary())),
    (pa.types.is_fixed_size_binary, WrittenType("longblob", pa.large_binary())),
    (
        pa.types.is_date,
        WrittenType(
            "date",
            pa.date32(),
            check=find_outside(_YEAR_1, _YEAR_9999, "is outside the years 1 to 9999"),
        ),
    ),
    (pa.types.is_time, WrittenType("time(6)", pa.time64("us"))),
    (
        pa.types.is_duration,
        WrittenType(
            "bigint", pa.int64(), convert=lambda a: a.cast(pa.duration("us")).cast(pa.int64())
        ),
    ),
)


def _decimal_type(kind: pa.DataType) -> WrittenType | None:
    scale = max(kind.scale, 0)
    precision = max(kind.precision - min(kind.scale, 0), scale)
    if precision > MAX_PRECISION or scale > MAX_SCALE:
        return None
    wide = pa.decimal256(precision, scale)
    return WrittenType(f"decimal({precision},{scale})", wide)


_PARAMETERS = re.compile(r"\((\d+)(?:,(\d+))?\)")
_CHARSET = " character set "
_DISPLAY_WIDTH = re.compile(r"^(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)")


def plain_sql_type(printed: str, charset: str = "") -> str:
    """A column's type as the catalog prints it, in the form that this module writes: `int(11)` is `int`.

    Args:
        printed: the type.
        charset: the character set of a text, which is named where it cannot hold every character.
    """
    if printed.lower().startswith(("enum(", "set(")):
        return printed
    text = printed.lower().replace(" zerofill", "")
    if charset not in ("", "utf8mb4"):
        return f"{text}{_CHARSET}{charset}"
    return text if text == "tinyint(1)" else _DISPLAY_WIDTH.sub(r"\1", text)


def mysql_takes(column: WrittenColumn, target: str) -> bool:
    """Whether an existing column of type `target` may hold the values of `column`: each is looked at on its way.

    Args:
        column: what would be written.
        target: the type as `plain_sql_type` gives it.
    """
    sent = column.type.sql
    if column.is_null or sent == target:
        return True
    family = type_family(target)
    sent_family, sent_numbers = _split(sent)
    if sent_family in _INTEGER_FAMILIES:
        return _takes_integer(sent, family)
    if sent_family == "decimal":
        return family == "decimal" or (sent_numbers[1] == 0 and family in _INTEGER_FAMILIES)
    if sent_family in _WITH_FRACTION:
        return family == sent_family
    return family in _OTHERS.get(sent_family, frozenset())


_OTHERS = {
    "float": frozenset({"float", "double"}),
    "double": frozenset({"double"}),
    "longtext": _TEXTS | _WRITTEN_AS_TEXT,
    "longblob": _BLOBS | _SHAPES,
    "json": frozenset({"longtext", "json"}),  # MariaDB prints its json as longtext
}


def _takes_integer(sent: str, family: str) -> bool:
    """Integers may meet a narrower column: a value that does not fit is refused."""
    if family in _INTEGER_FAMILIES or family in ("decimal", "bit"):
        return True
    if family == "year":
        return sent.startswith("smallint")
    return (family == "double" and sent in _EXACT_IN_DOUBLE) or (
        family == "float" and sent in _EXACT_IN_FLOAT
    )


def mysql_octets(target: str, quoted: str) -> str | None:
    """SQL for the bytes of a text, as they were sent, or of a blob."""
    family = type_family(target)
    if family in _BLOBS:
        return f"octet_length({quoted})"
    if family not in _TEXTS:
        return None
    return f"octet_length(CONVERT({quoted} USING utf8mb4))"


def octet_limit(target: str) -> int | None:
    """The most bytes that a text or blob of this type has: some servers cut longer ones in silence."""
    family, numbers = _split(target)
    if family in ("varbinary", "binary"):
        return numbers[0] if numbers else 1
    return _OCTETS.get(family)


def text_limit(target: str) -> int | None:
    """The most characters that a column of this type takes; None when it does not count them."""
    family, numbers = _split(target)
    return numbers[0] if family in {"varchar", "char"} and numbers else None


def trims_blanks(target: str) -> bool:
    """Whether blanks at the end of a text are lost in a column of this type."""
    return _split(target)[0] == "char"


def type_family(target: str) -> str:
    """The type without its numbers, its character set and its sign."""
    return _split(target)[0]


def _split(sql: str) -> tuple[str, tuple[int, ...]]:
    """`decimal(10,2) unsigned` -> (`decimal`, (10, 2))."""
    if sql.lower().startswith(("enum(", "set(")):
        return sql.partition("(")[0].lower(), ()
    plain = sql.partition(_CHARSET)[0]
    match = _PARAMETERS.search(plain)
    numbers = tuple(int(text) for text in match.groups() if text) if match else ()
    return _PARAMETERS.sub("", plain).replace(" unsigned", "").strip(), numbers


DIALECT = ExportDialect(
    title="MySQL",
    name_limit=(64, "characters"),
    max_columns=1017,
    column_type=mysql_type,
    takes=mysql_takes,
    folds_case=True,
    octets=mysql_octets,
)
