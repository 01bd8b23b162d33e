"""DuckDB types to Arrow: nearly all are Arrow's own; those that would lose something come as text.

| DuckDB | Arrow |
|---|---|
| integers, FLOAT, DOUBLE, BOOLEAN, VARCHAR, BLOB, UUID, JSON, DECIMAL | their own |
| HUGEINT | decimal128(38, 0); text when a value has 39 digits |
| DATE, TIME, TIMESTAMP (any unit to us, NS stays ns), TIMESTAMP WITH TIME ZONE (UTC) | own; infinities: text |
| LIST, ARRAY, STRUCT, MAP of those without bounds | their own |
| ENUM, INTERVAL, BIT, BIGNUM, UHUGEINT, UNION, TIME WITH TIME ZONE, other nested types | text as DuckDB writes it |
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.reading import ReadColumn, text_guess

_DAYS = (-(2**31) + 2, 2**31 - 2)  # the outermost values mean infinity (E34)
_MICROSECONDS = (-(2**63) + 2, 2**63 - 2)
_TIME = (0, 86_400_000_000 - 1)  # 24:00:00, which DuckDB allows and Arrow does not
_HUGEINT = (-(10**38) + 1, 10**38 - 1)

_BOUNDS: Mapping[str, tuple[int, int]] = {
    "DATE": _DAYS,
    "TIME": _TIME,
    "TIMESTAMP": _MICROSECONDS,
    "TIMESTAMP_S": _MICROSECONDS,
    "TIMESTAMP_MS": _MICROSECONDS,
    "TIMESTAMP_NS": _MICROSECONDS,
    "TIMESTAMP WITH TIME ZONE": _MICROSECONDS,
    "HUGEINT": _HUGEINT,
}

_TO_MICROSECONDS = frozenset({"TIMESTAMP_S", "TIMESTAMP_MS"})  # Parquet has no seconds

_AS_TEXT = re.compile(
    r"INTERVAL|BIT|BIGNUM|UHUGEINT|TIME WITH TIME ZONE|ENUM\b.*|UNION\b.*|VARIANT|GEOMETRY|\"NULL\"",
    re.DOTALL,
)
_NESTED = re.compile(r".*\]|(?:STRUCT|MAP)\(.*\)", re.DOTALL)
_INEXACT_WITHIN = re.compile(
    r"\b(?:U?HUGEINT|INTERVAL|DATE|TIME|TIMESTAMP\w*|BIT|BIGNUM|ENUM|UNION|VARIANT|GEOMETRY)\b"
)


@dataclass(frozen=True)
class DuckdbColumn:
    """A result column as DESCRIBE shows it."""

    name: str
    type_name: str


def plan_duckdb_columns(
    described: Sequence[DuckdbColumn], as_text: Collection[str]
) -> list[tuple[ReadColumn, bool]]:
    """How each column is read, and whether its Arrow type is still to be asked for (it is null until then)."""
    return [_column(column, widened=column.name in as_text) for column in described]


def _column(column: DuckdbColumn, *, widened: bool) -> tuple[ReadColumn, bool]:
    reference = quote_identifier(column.name)
    reason = ""
    if widened:
        reason = f"{column.type_name} values that Arrow cannot hold (infinity or out of range)"
    elif _AS_TEXT.fullmatch(column.type_name) or (
        _NESTED.fullmatch(column.type_name) and _INEXACT_WITHIN.search(column.type_name)
    ):
        reason = f"{column.type_name[:60]} as DuckDB writes it"
    if reason:
        expression = f"CAST({reference} AS VARCHAR) AS {reference}"
        is_enum = column.type_name.startswith("ENUM")
        guess = None if is_enum else text_guess(column.name, reason)
        return ReadColumn(column.name, expression, pa.string(), guess=guess), False
    if column.type_name in _TO_MICROSECONDS:
        reference = f"CAST({reference} AS TIMESTAMP) AS {reference}"
    bounds = _BOUNDS.get(column.type_name)
    return ReadColumn(column.name, reference, pa.null(), bounds=bounds), True
