"""PostgreSQL types to Arrow: what the wire carries exactly keeps its type, everything else comes as text.

| PostgreSQL | Arrow |
|---|---|
| smallint, integer, bigint, oid | int16, int32, int64, int64 |
| real, double precision, boolean | float32, float64, bool |
| numeric(p, s) up to 38 digits | decimal128(p, s); `NaN` in it turns the column into text |
| numeric without precision | text |
| text, varchar, char(n) (with its blanks), name, enums | string |
| bytea | binary |
| date, time, timestamp, timestamptz | date32, time64[us], timestamp[us], timestamp[us, UTC]; infinities: text |
| money | text of the plain number |
| interval | text in ISO 8601 (Parquet has no such type) |
| arrays, json, uuid, ranges, network and geometric types, composites ... | text as PostgreSQL writes it |
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.reading import ReadColumn, text_guess

# Julian day 0, PostgreSQL's first: what lies before it is an infinity or wrapped around in the driver (E34).
_FIRST_DAY = -2_440_588
_LAST_DAY = 2**31 - 1
_FIRST_MICROSECOND = _FIRST_DAY * 86_400_000_000
_LAST_MICROSECOND = 2**63 - 1
_MIDNIGHT = (
    86_400_000_000 - 1
)  # PostgreSQL's time goes to 24:00:00, which Arrow would show as 00:00

_EXACT: Mapping[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bpchar": pa.string(),
    "name": pa.string(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}

_BOUNDS: Mapping[str, tuple[int, int]] = {
    "date": (_FIRST_DAY, _LAST_DAY),
    "time": (0, _MIDNIGHT),
    "timestamp": (_FIRST_MICROSECOND, _LAST_MICROSECOND),
    "timestamptz": (_FIRST_MICROSECOND, _LAST_MICROSECOND),
}

_PLAIN_TEXT = frozenset({"json", "jsonb", "uuid", "citext", "xml"})
"""Types whose text is their usual form: nothing to tell the user."""


@dataclass(frozen=True)
class PostgresColumn:
    """A result column as the server describes it."""

    name: str
    type_name: str
    kind: str
    """`pg_type.typtype`: b base, c composite, e enum, r range, m multirange."""
    precision: int | None = None
    scale: int | None = None


def plan_postgres_columns(
    described: Sequence[PostgresColumn], as_text: Collection[str]
) -> list[ReadColumn]:
    """How each described column is read; those named in `as_text` come as text."""
    return [_widened(c) if c.name in as_text else _column(c) for c in described]


def _column(column: PostgresColumn) -> ReadColumn:
    reference = quote_identifier(column.name)
    exact = _EXACT.get(column.type_name) if column.kind == "b" else None
    if exact is not None:
        return ReadColumn(column.name, reference, exact, bounds=_BOUNDS.get(column.type_name))
    if column.type_name == "oid":
        return ReadColumn(column.name, f"{reference}::int8", pa.int64())
    if column.type_name == "numeric":
        return _numeric(column, reference)
    if column.kind == "e" or column.type_name in _PLAIN_TEXT:
        return ReadColumn(column.name, f"{reference}::text", pa.string())
    if column.type_name == "money":
        reason = "money has no fixed number of decimals"
        return _text(column.name, f"{reference}::numeric::text", reason)
    return _text(column.name, f"{reference}::text", f"{column.type_name} as PostgreSQL writes it")


def _numeric(column: PostgresColumn, reference: str) -> ReadColumn:
    # The server's own text is cheaper than the driver's conversion, and says NaN as PostgreSQL does.
    expression = f"{reference}::text"
    if column.precision is None or column.scale is None:
        return _text(column.name, expression, "numeric without precision has no limit of digits")
    scale = ((column.scale & 0x7FF) ^ 0x400) - 0x400  # eleven bits, signed since PostgreSQL 15
    digits = max(column.precision, scale) if scale >= 0 else column.precision - scale
    if digits > 38:
        return _text(column.name, expression, f"numeric of {digits} digits; decimals have 38")
    return ReadColumn(column.name, expression, pa.decimal128(digits, max(scale, 0)))


def _widened(column: PostgresColumn) -> ReadColumn:
    reason = f"{column.type_name} values that Arrow cannot hold (infinity, NaN or out of range)"
    return _text(column.name, f"{quote_identifier(column.name)}::text", reason)


def _text(name: str, expression: str, reason: str) -> ReadColumn:
    return ReadColumn(name, expression, pa.string(), guess=text_guess(name, reason))
