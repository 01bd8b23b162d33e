"""DuckDB: which column type holds which Arrow type, and which existing columns take it without loss.

| Arrow | DuckDB |
|---|---|
| null | VARCHAR |
| bool | BOOLEAN |
| int8 ... int64, uint8 ... uint64 | TINYINT ... BIGINT, UTINYINT ... UBIGINT |
| float16, float32 / float64 | FLOAT / DOUBLE (NaN and infinity kept) |
| decimal(p, s), p up to 38 | DECIMAL(p,s) |
| string / binary | VARCHAR / BLOB |
| date / time / duration | DATE / TIME / INTERVAL, microseconds |
| timestamp / in ns / with a zone | TIMESTAMP / TIMESTAMP_NS / TIMESTAMP WITH TIME ZONE |
| list / fixed-size list | T[] / T[n] |
| struct / map | STRUCT(...) / MAP(...) |
| dictionary, run-end, view, extension | as the values they stand for |
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.writing.columns import (
    WrittenColumn,
    WrittenType,
    is_list,
    is_text,
    plain_type,
)
from resources.connectors.sql.writing.dialect import ExportDialect

MAX_PRECISION = 38

_INTEGERS: dict[str, str] = {
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint8": "UTINYINT",
    "uint16": "USMALLINT",
    "uint32": "UINTEGER",
    "uint64": "UBIGINT",
}

_SIMPLE: tuple[tuple[Callable[[pa.DataType], bool], WrittenType], ...] = (
    (pa.types.is_null, WrittenType("VARCHAR", pa.large_string())),
    (pa.types.is_boolean, WrittenType("BOOLEAN", pa.bool_())),
    (pa.types.is_float16, WrittenType("FLOAT", pa.float32())),
    (pa.types.is_float32, WrittenType("FLOAT", pa.float32())),
    (pa.types.is_float64, WrittenType("DOUBLE", pa.float64())),
    (is_text, WrittenType("VARCHAR", pa.large_string())),
    (pa.types.is_binary, WrittenType("BLOB", pa.large_binary())),
    (pa.types.is_large_binary, WrittenType("BLOB", pa.large_binary())),
    (pa.types.is_fixed_size_binary, WrittenType("BLOB", pa.large_binary())),
    (pa.types.is_date, WrittenType("DATE", pa.date32())),
    (pa.types.is_time, WrittenType("TIME", pa.time64("us"))),
    (pa.types.is_duration, WrittenType("INTERVAL", pa.duration("us"))),
)


def duckdb_type(kind: pa.DataType) -> WrittenType | None:
    """How DuckDB holds values of `kind`; None when it has no form for them."""
    kind = plain_type(kind)
    if pa.types.is_integer(kind):
        return WrittenType(_INTEGERS[str(kind)], kind)
    for matches, found in _SIMPLE:
        if matches(kind):
            return found
    if pa.types.is_timestamp(kind):
        return _timestamp_type(kind)
    if pa.types.is_decimal(kind):
        scale, precision = max(kind.scale, 0), kind.precision - min(kind.scale, 0)
        if precision > MAX_PRECISION:
            return None
        return WrittenType(f"DECIMAL({precision},{scale})", pa.decimal128(precision, scale))
    return _nested_type(kind)


def _timestamp_type(kind: pa.DataType) -> WrittenType:
    if kind.tz:
        return WrittenType("TIMESTAMP WITH TIME ZONE", pa.timestamp("us", "UTC"))
    if kind.unit == "ns":
        return WrittenType("TIMESTAMP_NS", kind)
    return WrittenType("TIMESTAMP", pa.timestamp("us"))


def _nested_type(kind: pa.DataType) -> WrittenType | None:
    if is_list(kind):
        return _list_type(kind)
    if pa.types.is_struct(kind):
        return _struct_type(kind)
    return _map_type(kind) if pa.types.is_map(kind) else None


def _list_type(kind: pa.DataType) -> WrittenType | None:
    inner = duckdb_type(kind.value_type)
    if inner is None:
        return None
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        return WrittenType(f"{inner.sql}[{size}]", pa.list_(inner.wire, size))
    return WrittenType(f"{inner.sql}[]", pa.large_list(inner.wire))


def _map_type(kind: pa.DataType) -> WrittenType | None:
    key, item = duckdb_type(kind.key_type), duckdb_type(kind.item_type)
    if key is None or item is None:
        return None
    return WrittenType(f"MAP({key.sql}, {item.sql})", pa.map_(key.wire, item.wire))


def _struct_type(kind: pa.DataType) -> WrittenType | None:
    inner = [(field.name, duckdb_type(field.type)) for field in kind]
    found = [(name, item) for name, item in inner if item is not None]
    if not found or len(found) < len(inner):
        return None
    parts = ", ".join(f"{quote_identifier(name)} {item.sql}" for name, item in found)
    return WrittenType(f"STRUCT({parts})", pa.struct([(name, item.wire) for name, item in found]))


_TAKES: dict[str, frozenset[str]] = {
    # Integers may meet a narrower column: the database refuses a value that does not fit, it never changes it.
    **dict.fromkeys(
        ("TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"),
        frozenset({*_INTEGERS.values(), "HUGEINT", "FLOAT", "DOUBLE"}),
    ),
    **dict.fromkeys(("INTEGER", "UINTEGER"), frozenset({*_INTEGERS.values(), "HUGEINT", "DOUBLE"})),
    **dict.fromkeys(("BIGINT", "UBIGINT"), frozenset({*_INTEGERS.values(), "HUGEINT"})),
    "FLOAT": frozenset({"DOUBLE"}),
    "TIMESTAMP": frozenset({"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}),
    "TIMESTAMP_NS": frozenset({"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP"}),
}
_TYPED_ALREADY = frozenset({*_INTEGERS.values(), "BOOLEAN", "FLOAT", "DOUBLE", "BLOB"})
"""What a text is not put into: a transform can make these of it, and says how."""


def duckdb_takes(column: WrittenColumn, target: str) -> bool:
    """Whether an existing column of type `target` may hold the values of `column`: each is looked at on its way."""
    sent = column.type.sql
    if "UNION(" in target:  # the text of a value does not tell which member it is
        return column.is_null
    if column.is_null or sent.replace('"', "") == target.replace('"', ""):
        return True
    if _is_nested(sent) or _is_nested(target):
        return "VARCHAR" in sent and (sent == "VARCHAR" or _is_nested(target))
    if sent == "VARCHAR":
        return target not in _TYPED_ALREADY
    if target.startswith("DECIMAL("):
        return sent in _INTEGERS.values() or sent.startswith("DECIMAL(")
    # A HUGEINT is read as a decimal without a fraction.
    takes_all = {"HUGEINT"} if sent == "DECIMAL(38,0)" else _TAKES.get(sent, frozenset())
    return target in takes_all


def _is_nested(sql: str) -> bool:
    return sql.endswith("]") or sql.startswith(("STRUCT(", "MAP("))


def duckdb_octets(target: str, quoted: str) -> str | None:
    """SQL for the bytes of a text or a blob."""
    return {"VARCHAR": f"strlen({quoted})", "BLOB": f"octet_length({quoted})"}.get(target)


DIALECT = ExportDialect(
    title="DuckDB",
    name_limit=(128, "characters"),
    max_columns=10_000,
    column_type=duckdb_type,
    takes=duckdb_takes,
    folds_case=True,
    octets=duckdb_octets,
)
