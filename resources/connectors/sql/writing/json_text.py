"""Nested Arrow values as JSON text, for databases and types that know no other form.

Decimals, dates, times and durations become text, binary becomes Base64: JSON has no form of its own that keeps them.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from resources.connectors.sql.writing.columns import Complaint, is_list, plain_array

_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def to_json(array: pa.Array) -> pa.Array:
    """One JSON text a value; null stays null.

    Raises:
        ValueError: NaN, an infinite number, or a map whose keys are no texts or not unique: JSON has none.
    """
    array = plain_array(array)
    if is_list(array.type) and _is_number(array.type.value_type):
        return _numbers_to_json(array)
    try:
        texts = [
            None if value is None else _dump(value)
            for value in array.to_pylist(maps_as_pydicts="strict")
        ]
    except (KeyError, TypeError) as error:
        raise ValueError("holds a map with keys that JSON cannot have") from error
    return pa.array(texts, pa.large_string())


def find_escaped_nul(array: pa.Array) -> Complaint | None:
    """The first JSON text with an escaped NUL character, which jsonb cannot hold (E28)."""
    if not pc.any(pc.match_substring(array, "\\u0000")).as_py():
        return None
    for index, text in enumerate(array.to_pylist()):
        if text is not None and _ESCAPED_NUL.search(text):
            return Complaint(index, "holds a NUL character")
    return None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _numbers_to_json(array: pa.Array) -> pa.Array:
    """The fast way for vectors: no Python object a number."""
    values = array.flatten()
    if pa.types.is_floating(values.type):
        if pa.types.is_float16(values.type):
            values = values.cast(pa.float32())
        if pc.any(pc.invert(pc.is_finite(values))).as_py():
            raise ValueError("holds NaN or an infinite number, which JSON has not")
    texts = pc.fill_null(values.cast(pa.string()), "null")
    sizes = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int64())
    ends = pc.cumulative_sum(sizes)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends])
    joined = pc.binary_join(pa.LargeListArray.from_arrays(offsets, texts), ",")
    wrapped = pc.binary_join_element_wise("[", joined, "]", "")
    return pc.if_else(array.is_valid(), wrapped, None).cast(pa.large_string())


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, timedelta):
        return str(value)
    raise ValueError(f"holds a {type(value).__name__}, which JSON has not")
