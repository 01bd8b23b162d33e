"""Nested values as JSON text, a text a value, for files that know no other form of them.

Whatever JSON has no form for is text, so that nothing is lost: decimals with all their digits, dates and times in ISO
form, `NaN` and `Infinity`, bytes as hexadecimal digits. A map is a list of pairs: its keys need be neither texts nor unique.
"""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from resources.kernel.errors import InputError


def json_texts(column: pa.Array, *, where: str) -> pa.Array:
    """JSON of each value of a nested column; null stays null.

    Args:
        column: of lists, structs or maps.
        where: what messages call the column.

    Raises:
        InputError: a value that has no form as text, such as a date beyond the year 9999.
    """
    if _is_plain_vector(column):
        return _vectors(column)
    try:
        values = column.to_pylist()
        texts = [None if value is None else _dump(value) for value in values]
    except (OverflowError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"{where} holds a value that cannot be written as JSON: {str(error)[:160]}",
            hint="Take Parquet, which keeps every value",
        ) from error
    return pa.array(texts, pa.string())


def _is_plain_vector(column: pa.Array) -> bool:
    """Lists of finite numbers without gaps: embeddings, for which a Python object a number would take minutes."""
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)):
        return False
    values = column.flatten()
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        return False
    if pa.types.is_float16(values.type) or column.null_count:
        return False
    return not pa.types.is_floating(values.type) or bool(
        pc.all(pc.is_finite(values), min_count=0).as_py()
    )


def _vectors(column: pa.Array) -> pa.Array:
    texts = pc.fill_null(column.flatten().cast(pa.string()), "null")
    sizes = pc.list_value_length(column).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(sizes)])
    lists = pa.LargeListArray.from_arrays(offsets, texts)
    return pc.binary_join_element_wise("[", pc.binary_join(lists, ","), "]", "")


def _dump(value: Any) -> str:
    return json.dumps(
        _plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, timedelta):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
