"""Text columns -> typed columns, all values at once, where that surely gives what `values.read_value` gives."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.reading.arrays import to_arrow, to_mask, valid_mask, with_nulls
from assets.classifications.schema import ColumnType, SetColumn

_PLAIN_FLOAT = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
_SHORT_INTEGER = r"^-?[0-9]{1,18}$"
_OTHER_INTEGER = r"^[+-]?(?:0|[1-9][0-9]{0,17})(?:\.0+)?$"
_ZERO = np.zeros(1)
_NO_TEXT = pa.scalar(None, pa.string())
_SURE_LENGTH = 16  # bytes of a plain decimal with at most 15 digits: a double keeps every one


@dataclass(frozen=True)
class Converted:
    """A typed column.

    Args:
        values: null where a text is null or doubtful.
        doubtful: which texts only the exact way may judge; None if none.
        rewritten: which integers are written otherwise (`7.0`, `+7`); None if none.
    """

    values: pa.Array
    doubtful: np.ndarray | None = None
    rewritten: np.ndarray | None = None


def convert_column(column: SetColumn, texts: pa.Array, list_delimiter: str) -> Converted:
    """The values of a column, as far as they are sure."""
    match column.type:
        case ColumnType.INTEGER:
            return _integers(texts)
        case ColumnType.FLOAT:
            return _floats(texts)
        case ColumnType.LIST:
            return _lists(texts, list_delimiter)
        case _:
            return Converted(texts)


def _integers(texts: pa.Array) -> Converted:
    # What prints as it was written is canonical: no leading zero, no plus, no minus zero.
    try:
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        is_short = to_mask(pc.match_substring_regex(texts, _SHORT_INTEGER))
        numbers = _only(texts, is_short).cast(pa.int64())
    is_sure = to_mask(pc.equal(numbers.cast(pa.string()), texts))
    if not (valid_mask(texts) & ~is_sure).any():
        return Converted(numbers)
    is_rewritten = to_mask(pc.match_substring_regex(texts, _OTHER_INTEGER)) & ~is_sure
    if not is_rewritten.any():
        return _without_doubtful(numbers, texts, is_sure)
    plain = pc.replace_substring_regex(texts, r"^\+|\.0+$", "")
    plain_numbers = pc.if_else(to_arrow(is_rewritten), plain, _NO_TEXT).cast(pa.int64())
    numbers = pc.if_else(to_arrow(is_rewritten), plain_numbers, numbers)
    found = _without_doubtful(numbers, texts, is_sure | is_rewritten)
    return replace(found, rewritten=is_rewritten)


def _floats(texts: pa.Array) -> Converted:
    is_plain = to_mask(pc.match_substring_regex(texts, _PLAIN_FLOAT))
    numbers = _only(texts, is_plain).cast(pa.float64())
    is_short = np.diff(np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1)) <= _SURE_LENGTH
    is_sure = is_plain & (is_short | to_mask(pc.equal(numbers.cast(pa.string()), texts)))
    plus_zero = pa.Array.from_buffers(
        pa.float64(), len(texts), [None, pa.py_buffer(_ZERO.repeat(len(texts)))]
    )
    return _without_doubtful(pc.add(numbers, plus_zero), texts, is_sure)  # minus zero becomes zero


def _lists(texts: pa.Array, delimiter: str) -> Converted:
    """Lists without spaces round their elements; one with an empty element needs its warning."""
    mark = re.escape(delimiter)
    if delimiter != " " and to_mask(pc.match_substring(texts, " ")).any():
        kept = delimiter.replace("\\", "\\\\")
        texts = pc.ascii_trim(pc.replace_substring_regex(texts, f" *{mark} *", kept), " ")
    odd = f"^{mark}|{mark}{mark}|{mark}$|^$|^~(?:empty|deletekey)~$"
    doubtful = to_mask(pc.match_substring_regex(texts, odd))
    lists = pc.split_pattern(texts, delimiter)
    return Converted(lists, doubtful if doubtful.any() else None)


def _only(texts: pa.Array, wanted: np.ndarray) -> pa.Array:
    """Null where not wanted."""
    return texts if not texts.null_count and wanted.all() else with_nulls(texts, wanted)


def _without_doubtful(numbers: pa.Array, texts: pa.Array, is_sure: np.ndarray) -> Converted:
    doubtful = valid_mask(texts) & ~is_sure
    if not doubtful.any():
        return Converted(numbers)
    return Converted(with_nulls(numbers, is_sure), doubtful)
