"""How columns of each Arrow type are counted: the SQL that DuckDB groups them by, and how a grouped value is shown again.

Values of one family and one SQL type are counted together. Times are counted as whole numbers of their unit since 1970, so that
no calendar and no time zone of the machine has a part in it; unsigned 64-bit integers as decimals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from resources.kernel.temporal_text import temporal_texts
from resources.profiles.record import SHOWN_CHARACTERS, Kind, Value

Family = Literal["whole", "real", "decimal", "moment", "boolean", "text", "hashed"]
"""`hashed`: lists, structs, maps and binary values, told apart by a hash of 64 bits."""

INFINITE = 2**63 - 1
"""How DuckDB keeps an infinite moment; its negative is the other one."""
LONGEST_KEY = 400
"""Longer texts are told apart by their MD5 and the first characters."""
EXACT_INTEGERS = 2**53
DUCKDB_DIGITS = 38
"""The most of a decimal in DuckDB."""
_SHORT_DECIMAL = 18


@dataclass(frozen=True)
class CountedColumn:
    """A column to be counted."""

    position: int
    field: pa.Field
    kind: Kind
    family: Family
    sql_type: str
    """What its values are counted as."""
    expression: str
    """From `{0}`, the column, to what is counted."""

    @property
    def name(self) -> str:
        """Its name in the table."""
        return str(self.field.name)

    @property
    def is_ordered(self) -> bool:
        """Whether figures come from its values in order."""
        return self.family in ("whole", "real", "decimal", "moment", "boolean")

    def key(self, column: str) -> str:
        """The SQL that groups `column`."""
        return self.expression.format(column)


def column_of(position: int, field: pa.Field) -> CountedColumn:
    """How a stored column is counted."""
    for belongs, kind, family, sql_type, expression in _RULES:
        if belongs(field.type):
            given = sql_type(field.type) if callable(sql_type) else sql_type
            return CountedColumn(
                position, field, kind, family, given, expression.replace("{type}", given)
            )
    is_plain = pa.types.is_fixed_size_list(field.type) or pa.types.is_list(field.type)
    is_plain = is_plain and pa.types.is_primitive(field.type.value_type)
    # DuckDB hashes [] and [NULL] alike.
    hashed = "hash({0}, len({0}))" if is_plain else "hash(CAST({0} AS VARCHAR))"
    return CountedColumn(position, field, "nested", "hashed", "UBIGINT", _HASHED.format(hashed))


def shown_value(column: CountedColumn, value: Any) -> str:
    """A counted value as people read it."""
    if column.family == "boolean":
        return "true" if value else "false"
    if column.family == "moment":
        return moment_text(column.field.type, int(value))
    if column.family == "real":
        is_single = pa.types.is_float32(column.field.type) or pa.types.is_float16(column.field.type)
        return str(np.float32(value)) if is_single else repr(float(value))
    return f"{value:f}" if isinstance(value, Decimal) else cut(str(value))


def kept_value(column: CountedColumn, value: Any) -> Value:
    """A counted value as the record keeps it."""
    if column.family == "moment":
        return moment_text(column.field.type, int(value))
    return number_value(int(value) if column.family == "whole" else value)


def number_value(value: Any) -> Value:
    """A number that JSON keeps, else its digits."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | np.integer):
        whole = int(value)
        return whole if abs(whole) <= EXACT_INTEGERS else str(whole)
    return float(value)


def moment_text(kind: pa.DataType, value: int) -> str:
    """A moment, counted in its unit since 1970, in ISO form; without a fraction of all zeros."""
    if pa.types.is_timestamp(kind) and kind.tz:
        kind = pa.timestamp(kind.unit, "UTC")
    width = pa.int32() if _is_short(kind) else pa.int64()
    text = temporal_texts(pa.array([value], width).cast(kind))[0] or ""
    whole, dot, fraction = text.partition(".")
    digits = fraction.rstrip("Z")
    return whole + fraction[len(digits) :] if dot and not digits.strip("0") else text


def cut(text: str) -> str:
    """A text as it is shown: at most 200 characters."""
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def units_a_day(kind: pa.DataType) -> int:
    """How many units of a moment's type a day has."""
    if pa.types.is_date(kind):
        return 1
    return {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}[
        kind.unit
    ]


def _is_short(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date32(kind) or pa.types.is_time32(kind))


def _decimal(kind: pa.DataType) -> str:
    """Of more digits than DuckDB has none of its types, but a name: such columns share no block with others."""
    widths = (_SHORT_DECIMAL, DUCKDB_DIGITS, kind.precision)
    return f"DECIMAL({next(width for width in widths if kind.precision <= width)}, {kind.scale})"


def _of_unit(unit: str) -> Callable[[pa.DataType], bool]:
    return lambda kind: bool(pa.types.is_timestamp(kind) and kind.unit == unit)


def _finite(count: str) -> str:
    return (
        f"CASE WHEN isfinite({{0}}) THEN {count} WHEN isinf({{0}}) AND {{0}} > 'epoch' THEN {INFINITE}"
        f" WHEN isinf({{0}}) THEN -{INFINITE} END"
    )


_HASHED = "CASE WHEN {{0}} IS NOT NULL THEN {0} END"
_BYTES = _HASHED.format("hash({0})")
_CAST = "CAST({0} AS {type})"
_RULES: list[
    tuple[
        Callable[[pa.DataType], bool], Kind, Family, str | Callable[[pa.DataType], str], str
    ]
] = [
    (pa.types.is_boolean, "boolean", "boolean", "BIGINT", "CAST({0} AS BIGINT)"),
    (lambda t: t == pa.uint64(), "number", "whole", "DECIMAL(38, 0)", _CAST),
    (pa.types.is_integer, "number", "whole", "BIGINT", _CAST),
    (pa.types.is_duration, "number", "whole", "BIGINT", _CAST),
    (pa.types.is_floating, "number", "real", "DOUBLE", _CAST),
    (pa.types.is_decimal, "number", "decimal", _decimal, _CAST),
    (pa.types.is_date, "time", "moment", "BIGINT", _finite("{0} - DATE '1970-01-01'")),
    (_of_unit("ns"), "time", "moment", "BIGINT", _finite("epoch_ns({0})")),
    (_of_unit("ms"), "time", "moment", "BIGINT", _finite("epoch_ms({0})")),
    (_of_unit("us"), "time", "moment", "BIGINT", _finite("epoch_us({0})")),
    (lambda t: t == pa.time64("ns"), "time", "moment", "BIGINT", "epoch_ns({0})"),
    (lambda t: t == pa.time64("us"), "time", "moment", "BIGINT", "epoch_us({0})"),
    (pa.types.is_time, "time", "moment", "BIGINT", "epoch_ms({0})"),
    (pa.types.is_string, "text", "text", "VARCHAR", "{0}"),
    (pa.types.is_binary, "binary", "hashed", "UBIGINT", _BYTES),
    (pa.types.is_fixed_size_binary, "binary", "hashed", "UBIGINT", _BYTES),
]  # fmt: skip
