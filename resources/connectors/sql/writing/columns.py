"""What a column is on its way into a database: its SQL type, the Arrow type that carries it, and what it cannot hold.

What belongs here: records and conversions that all dialects share. What does not: which SQL type a dialect gives to
which Arrow type (`written_types` of each database).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Check = Callable[[pa.Array], "Complaint | None"]
Convert = Callable[[pa.Array], pa.Array]


@dataclass(frozen=True)
class Complaint:
    """A value that the target cannot hold.

    Args:
        index: its 0-based place in the array.
        reason: what is wrong, as the rest of a sentence: `holds a NUL character`.
    """

    index: int
    reason: str


@dataclass(frozen=True)
class WrittenType:
    """How a dialect holds one Arrow type.

    Args:
        sql: type of the column in a table that Waybill creates, as the database itself would print it.
        wire: Arrow type in which the values are sent.
        staged: SQL type in which they arrive, where the protocol cannot send `sql` itself.
        convert: makes the array that is sent, where a safe cast to `wire` is not enough.
        check: finds the first value that cannot be held.
        drops_nan: the database has no NaN: it becomes NULL, counted and reported (E35).
    """

    sql: str
    wire: pa.DataType
    staged: str = ""
    convert: Convert | None = None
    check: Check | None = None
    drops_nan: bool = False


@dataclass(frozen=True)
class WrittenColumn:
    """A column of the table that is exported."""

    name: str
    arrow: pa.DataType
    type: WrittenType

    @property
    def staged(self) -> str:
        """The SQL type in which its values arrive."""
        return self.type.staged or self.type.sql

    @property
    def is_null(self) -> bool:
        """Whether the column has no type because all of it is null."""
        return bool(pa.types.is_null(self.arrow))


def plain_type(kind: pa.DataType) -> pa.DataType:
    """`kind` without its encoding: dictionaries, run ends, views and extensions stand for the values they hold."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return pa.large_list(kind.value_type)
    return _PLAIN.get(kind, kind)


_PLAIN: dict[pa.DataType, pa.DataType] = {
    pa.string_view(): pa.large_string(),
    pa.binary_view(): pa.large_binary(),
    pa.date64(): pa.date32(),
}


def plain_array(array: pa.Array) -> pa.Array:
    """The same values in the type that `plain_type` gives."""
    if isinstance(array, pa.ExtensionArray):
        return plain_array(array.storage)
    if pa.types.is_dictionary(array.type):
        return plain_array(array.dictionary_decode())
    if pa.types.is_run_end_encoded(array.type):
        return plain_array(pc.run_end_decode(array))
    if pa.types.is_list_view(array.type) or pa.types.is_large_list_view(array.type):
        return _plain_list(array)
    return array.cast(plain_type(array.type))


def _plain_list(array: pa.Array) -> pa.Array:
    """A list view as a list, value by value: Arrow's own cast fails on slices of views."""
    sizes = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(sizes)])
    return pa.LargeListArray.from_arrays(offsets, array.flatten(), mask=array.is_null())


def plain_digits(array: pa.Array) -> pa.Array:
    """Decimals as texts without an exponent: Arrow writes `0E-8` and `1.2E+3`, which no database compares."""
    texts = array.cast(pa.string())
    if not pc.any(pc.match_substring(texts, "E")).as_py():
        return texts
    return pa.array(
        [None if value is None else f"{value:f}" for value in array.to_pylist()], pa.string()
    )


def is_list(kind: pa.DataType) -> bool:
    """Whether a value is a sequence of values, of fixed length or not."""
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    """Whether a value is text with 32- or 64-bit offsets."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def find_nul(array: pa.Array) -> Complaint | None:
    """The first text, or list of texts, with a NUL character, which PostgreSQL cannot hold (E28)."""
    if is_list(array.type):
        found = find_nul(array.flatten())
        if found is None:
            return None
        return Complaint(pc.list_parent_indices(array)[found.index].as_py(), found.reason)
    if not _may_hold_nul(array):
        return None
    holds = pc.fill_null(pc.match_substring(array, "\0"), fill_value=False)
    index = pc.index(holds, value=True).as_py()
    return None if index < 0 else Complaint(index, "holds a NUL character")


def _may_hold_nul(array: pa.Array) -> bool:
    """Looks at the bytes of all values at once: a scan at memory speed decides nearly every batch."""
    _, offsets, data = array.buffers()
    if data is None or len(array) == 0:
        return False
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    bounds = np.frombuffer(offsets, dtype=width)
    start, end = bounds[array.offset], bounds[array.offset + len(array)]
    return not np.frombuffer(data, dtype=np.uint8)[start:end].all()


def find_outside(lowest: int, highest: int, reason: str) -> Check:
    """A check that the integers behind dates and timestamps lie between two bounds, both included."""

    def check(array: pa.Array) -> Complaint | None:
        width = pa.int32() if array.type.bit_width == 32 else pa.int64()
        numbers = array.view(width)
        extremes = pc.min_max(numbers).as_py()
        if extremes["min"] is None or (extremes["min"] >= lowest and extremes["max"] <= highest):
            return None
        wrong = pc.or_(pc.less(numbers, lowest), pc.greater(numbers, highest))
        index = pc.index(pc.fill_null(wrong, fill_value=False), value=True).as_py()
        return Complaint(index, reason)

    return check


def find_unfit(array: pa.Array, convert: Convert) -> int:
    """The place of the first value that `convert` refuses, found by halving; the whole array is known to fail."""
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            convert(array.slice(low, middle - low))
        except (pa.ArrowInvalid, ValueError):
            high = middle
        else:
            low = middle
    return low
