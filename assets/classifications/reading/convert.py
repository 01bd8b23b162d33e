"""Text columns -> typed columns, all values at once, where that surely gives what `values.read_value` gives."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.schema import ColumnType, SetColumn

_PLAIN_FLOAT = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
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
    numbers = _cast(texts, pa.int64(), r"^-?[0-9]{1,18}$")
    is_sure = pc.equal(numbers.cast(pa.string()), texts)
    return _without_doubtful(numbers, texts, is_sure)


def _floats(texts: pa.Array) -> tuple[pa.Array, np.ndarray | None]:
    plain = pc.match_substring_regex(texts, _PLAIN_FLOAT)
    numbers = pc.if_else(plain, texts, None).cast(pa.float64())
    is_short = pc.less_equal(pc.binary_length(texts), _SURE_LENGTH)
    is_sure = pc.and_(plain, pc.or_(is_short, pc.equal(numbers.cast(pa.string()), texts)))
    return _without_doubtful(pc.add(numbers, 0.0), texts, is_sure)  # minus zero becomes zero


def _cast(texts: pa.Array, to: pa.DataType, sure: str) -> pa.Array:
    try:
        return texts.cast(to)
    except pa.ArrowInvalid:
        return pc.if_else(pc.match_substring_regex(texts, sure), texts, None).cast(to)


def _without_doubtful(
    numbers: pa.Array, texts: pa.Array, is_sure: pa.Array
) -> tuple[pa.Array, np.ndarray | None]:
    is_sure = pc.fill_null(is_sure, False)
    doubtful = pc.and_(pc.is_valid(texts), pc.invert(is_sure))
    if not pc.any(doubtful).as_py():
        return numbers, None
    return pc.if_else(is_sure, numbers, None), doubtful.to_numpy(zero_copy_only=False)
