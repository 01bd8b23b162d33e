"""PostgreSQL: which column type holds which Arrow type, and which existing columns take it without loss.

| Arrow | PostgreSQL |
|---|---|
| null | text |
| bool | boolean |
| int8, int16, uint8 / int32, uint16 / int64, uint32 / uint64 | smallint / integer / bigint / numeric(20,0) |
| float16, float32 / float64 | real / double precision (NaN and infinity kept) |
| decimal(p, s) | numeric(p,s) |
| string | text |
| binary | bytea |
| date32, date64 | date |
| time | time without time zone |
| timestamp / timestamp with a zone | timestamp without / with time zone, microseconds; the zone's name is not kept |
| duration | interval |
| list, fixed-size list of one of these | array of it |
| struct, map, list of lists or structs | jsonb |
| dictionary, run-end, view, extension | as the values they stand for |

Nanoseconds that are no whole microseconds are an error that names the row: they are never cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa

from resources.connectors.sql.writing.columns import (
    WrittenColumn,
    WrittenType,
    find_nul,
    find_outside,
    is_list,
    is_text,
    plain_type,
)
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.json_text import find_escaped_nul, to_json

MAX_PRECISION = 1000

SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})

# 4713 BC to the years 5,874,897 (dates) and 294,246 (timestamps: where Arrow's microseconds end), counted from 1970.
_FIRST_DATE, _LAST_DATE = -2_440_588, 2_145_042_905
_FIRST_STAMP, _LAST_STAMP = -210_866_803_200_000_000, 2**63 - 1

_INTEGERS: dict[str, tuple[str, pa.DataType]] = {
    "int8": ("smallint", pa.int8()),
    "uint8": ("smallint", pa.uint8()),
    "int16": ("smallint", pa.int16()),
    "uint16": ("integer", pa.uint16()),
    "int32": ("integer", pa.int32()),
    "uint32": ("bigint", pa.uint32()),
    "int64": ("bigint", pa.int64()),
    "uint64": ("numeric(20,0)", pa.uint64()),
}

_TAKES: dict[str, frozenset[str]] = {
    # Integers may meet a narrower column: the database refuses a value that does not fit, it never changes it.
    "smallint": frozenset({"smallint", "integer", "bigint", "real", "double precision"}),
    "integer": frozenset({"smallint", "integer", "bigint", "double precision"}),
    "bigint": frozenset({"smallint", "integer", "bigint", "oid"}),
    "real": frozenset({"real", "double precision"}),
    "jsonb": frozenset({"jsonb", "json"}),
}

_TYPED_ALREADY = frozenset(
    {"boolean", "smallint", "integer", "bigint", "oid", "real", "double precision", "bytea"}
)
"""What a text is not put into: a transform can make these of it, and says how."""

_SIMPLE: tuple[tuple[Callable[[pa.DataType], bool], WrittenType], ...] = (
    (pa.types.is_null, WrittenType("text", pa.string())),
    (pa.types.is_boolean, WrittenType("boolean", pa.bool_())),
    (pa.types.is_float16, WrittenType("real", pa.float32())),
    (pa.types.is_float32, WrittenType("real", pa.float32())),
    (pa.types.is_float64, WrittenType("double precision", pa.float64())),
    (pa.types.is_binary, WrittenType("bytea", pa.binary())),
    (pa.types.is_large_binary, WrittenType("bytea", pa.large_binary())),
    (
        pa.types.is_date,
        WrittenType(
            "date",
            pa.date32(),
            check=find_outside(_FIRST_DATE, _LAST_DATE, "is a date PostgreSQL cannot hold"),
        ),
    ),
    (pa.types.is_time, WrittenType("time without time zone", pa.time64("us"))),
    (pa.types.is_duration, WrittenType("interval", pa.duration("us"))),
)


def postgresql_type(kind: pa.DataType) -> WrittenType | None:
    """How PostgreSQL holds values of `kind`; None when it has no form for them."""
    kind = plain_type(kind)
    for matches, found in _SIMPLE:
        if matches(kind):
            return found
    for matches, make in _BY_DETAIL:
        if matches(kind):
            return make(kind)
    return None


_JSON = WrittenType("jsonb", pa.large_string(), convert=to_json, check=find_escaped_nul)


def _timestamp_type(kind: pa.DataType) -> WrittenType:
    zone = "with" if kind.tz else "without"
    return WrittenType(
        f"timestamp {zone} time zone",
        pa.timestamp("us", "UTC" if kind.tz else None),
        check=find_outside(_FIRST_STAMP, _LAST_STAMP, "is a time PostgreSQL cannot hold"),
    )


def _decimal_type(kind: pa.DataType) -> WrittenType | None:
    scale = max(kind.scale, 0)
    precision = kind.precision - min(kind.scale, 0)
    if precision > MAX_PRECISION:
        return None
    sql = f"numeric({precision},{scale})"
    if not pa.types.is_decimal256(kind):
        return WrittenType(sql, kind)
    if kind.precision <= 38:
        return WrittenType(sql, pa.decimal128(kind.precision, kind.scale))
    return WrittenType(sql, pa.string(), staged="text")


def _array_type(kind: pa.DataType) -> WrittenType:
    element = plain_type(kind.value_type)
    inner = None if is_list(element) else postgresql_type(element)
    if inner is None or inner.convert is not None:
        return _JSON
    if pa.types.is_fixed_size_list(kind):
        wire = pa.list_(inner.wire, kind.list_size)
    else:
        wire = pa.large_list(inner.wire)
    staged = f"{inner.staged}[]" if inner.staged else ""
    if pa.types.is_timestamp(inner.wire) and inner.wire.tz:
        # The encoder sends arrays of instants as arrays of times in UTC.
        staged = "timestamp without time zone[]"
    return WrittenType(
        f"{inner.sql}[]", wire, staged=staged, check=find_nul if is_text(inner.wire) else None
    )


def _integer_type(kind: pa.DataType) -> WrittenType:
    return WrittenType(*_INTEGERS[str(kind)])


_BY_DETAIL: tuple[
    tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], WrittenType | None]], ...
] = (
    (pa.types.is_integer, _integer_type),
    (is_text, lambda kind: WrittenType("text", kind, check=find_nul)),
    (pa.types.is_fixed_size_binary, lambda kind: WrittenType("bytea", kind)),
    (pa.types.is_timestamp, _timestamp_type),
    (pa.types.is_decimal, _decimal_type),
    (is_list, _array_type),
    (pa.types.is_struct, lambda _: _JSON),
    (pa.types.is_map, lambda _: _JSON),
)


_PARAMETERS = re.compile(r"\((\d+)(?:,(-?\d+))?\)")


def postgresql_takes(column: WrittenColumn, target: str) -> bool:
    """Whether an existing column of type `target` may hold the values of `column`: each is looked at on its way.

    Args:
        column: what would be written.
        target: the type as `format_type` prints it, domains resolved.
    """
    return column.is_null or _takes(column.type.sql, target)


def _takes(sent: str, target: str) -> bool:
    if sent == target:
        return True
    if sent.endswith("[]") and target.endswith("[]"):
        return _takes(sent[:-2], target[:-2])
    family, _ = _split(target)
    sent_family, sent_numbers = _split(sent)
    if sent == "text":
        return family not in _TYPED_ALREADY
    if family == "numeric":
        return sent_family in {"numeric", "smallint", "integer", "bigint"}
    if sent_family == "numeric":
        # numeric(20,0) is how a 64-bit integer without sign arrives.
        return sent_numbers[1:] == (0,) and family in {"integer", "bigint"}
    return family in _TAKES.get(sent_family, {sent_family})


def postgresql_octets(target: str, quoted: str) -> str | None:
    """SQL for the bytes of a text or a bytea; a `character` is padded."""
    family = _split(target)[0]
    known = {"text", "character varying", "citext", "bytea"}
    return f"octet_length({quoted})" if family in known else None


def text_limit(target: str) -> int | None:
    """The most characters that a column of this type takes; None when it does not count them."""
    family, numbers = _split(target)
    return numbers[0] if family in {"character varying", "character"} and numbers else None


def _split(sql: str) -> tuple[str, tuple[int, ...]]:
    """`timestamp(3) without time zone` -> (`timestamp without time zone`, (3,))."""
    match = _PARAMETERS.search(sql)
    numbers = tuple(int(text) for text in match.groups() if text) if match else ()
    return _PARAMETERS.sub("", sql), numbers


DIALECT = ExportDialect(
    title="PostgreSQL",
    name_limit=(63, "bytes"),
    max_columns=1600,
    column_type=postgresql_type,
    takes=postgresql_takes,
    folds_case=False,
    reserved_columns=SYSTEM_COLUMNS,
    octets=postgresql_octets,
)
