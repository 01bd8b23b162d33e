"""Rows of a table as JSON can hold them: what JSON has no form for is text."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

from resources.kernel.temporal_text import temporal_texts


def json_rows(table: pa.Table) -> list[list[Any]]:
    """The rows, each value a JSON scalar, list or object; bytes are counted, not shown."""
    columns = [_json_values(column) for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _json_values(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return list(temporal_texts(column))
    return [_json_value(value) for value in column.to_pylist()]


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    return str(value)
