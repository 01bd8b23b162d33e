"""Text columns -> typed columns, all values at once, where that surely gives what `values.read_value` gives."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.reading.arrays import to_mask, valid_mask, with_nulls
from assets.classifications.schema import ColumnType, SetColumn

_PLAIN_FLOAT = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
_SHORT_INTEGER = r"^-?[0-9]{1,18}$"
_ZERO = np.zeros(1)
_SURE_LENGTH = 16  # bytes of a plain decimal with at most 15 digits: a double keeps every one


def convert_column(
    column: SetColumn, texts: pa.Array, list_delimiter: str
) -> tuple[pa.Array, np.ndarray | None]:
    """The values, and which of them are doubtful and null for now; None if none is."""
    match column.type:
        case ColumnType.INTEGER:
            return _integers(texts)
        case ColumnType.FLOAT:
            return _floats(texts)
        case ColumnType.LIST:
            return pc.split_pattern(texts, list_delimiter), None
        case _:
            return texts, None


def _integers(texts: pa.Array) -> tuple[pa.Array, np.ndarray | None]:
    # What prints as it was written is canonical: no leading zero, no plus, no minus zero.
    try:
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        is_short = to_mask(pc.match_substring_regex(texts, _SHORT_INTEGER))
        numbers = _only(texts, is_short).cast(pa.int64())
    return _without_doubtful(numbers, texts, to_mask(pc.equal(numbers.cast(pa.string()), texts)))


def _floats(texts: pa.Array) -> tuple[pa.Array, np.ndarray | None]:
    is_plain = to_mask(pc.match_substring_regex(texts, _PLAIN_FLOAT))
    numbers = _only(texts, is_plain).cast(pa.float64())
    is_short = np.diff(np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1)) <= _SURE_LENGTH
    is_sure = is_plain & (is_short | to_mask(pc.equal(numbers.cast(pa.string()), texts)))
    plus_zero = pa.Array.from_buffers(
        pa.float64(), len(texts), [None, pa.py_buffer(_ZERO.repeat(len(texts)))]
    )
    return _without_doubtful(pc.add(numbers, plus_zero), texts, is_sure)  # minus zero becomes zero


def _only(texts: pa.Array, wanted: np.ndarray) -> pa.Array:
    """Null where not wanted."""
    return texts if not texts.null_count and wanted.all() else with_nulls(texts, wanted)


def _without_doubtful(
    numbers: pa.Array, texts: pa.Array, is_sure: np.ndarray
) -> tuple[pa.Array, np.ndarray | None]:
    doubtful = valid_mask(texts) & ~is_sure
    if not doubtful.any():
        return numbers, None
    return with_nulls(numbers, is_sure), doubtful
