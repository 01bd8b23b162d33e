"""NumPy arrays and Arrow arrays without copies.

`pa.array`, `Array.to_numpy` and literals given to `pyarrow.compute` import pandas, which costs more CPU than the check of
a whole file; these do not.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

_TYPES = {
    np.dtype(np.int32): pa.int32(),
    np.dtype(np.int64): pa.int64(),
}


def to_arrow(array: np.ndarray) -> pa.Array:
    """A one-dimensional bool, int32 or int64 array without nulls."""
    if array.dtype == bool:
        bits = pa.py_buffer(np.packbits(array, bitorder="little"))
        return pa.Array.from_buffers(pa.bool_(), len(array), [None, bits])
    buffer = pa.py_buffer(np.ascontiguousarray(array))
    return pa.Array.from_buffers(_TYPES[array.dtype], len(array), [None, buffer])


def to_mask(flags: pa.Array) -> np.ndarray:
    """A bool array as a mask; null is false."""
    validity, bits = flags.buffers()
    mask = _unpacked(bits, flags.offset, len(flags))
    return mask if validity is None else mask & _unpacked(validity, flags.offset, len(flags))


def valid_mask(array: pa.Array) -> np.ndarray:
    """Which elements are not null."""
    validity = array.buffers()[0]
    if validity is None:
        return np.full(len(array), array.null_count == 0)
    return _unpacked(validity, array.offset, len(array))


def _unpacked(bits: pa.Buffer, offset: int, count: int) -> np.ndarray:
    flags = np.unpackbits(np.frombuffer(bits, np.uint8), count=offset + count, bitorder="little")
    return flags[offset:].view(bool)


def with_nulls(array: pa.Array, is_valid: np.ndarray) -> pa.Array:
    """The same array, null where not valid; one of strings or numbers, without nulls so far, not a slice."""
    if is_valid.all():
        return array
    bitmap = pa.py_buffer(np.packbits(is_valid, bitorder="little"))
    return pa.Array.from_buffers(array.type, len(array), [bitmap, *array.buffers()[1:]])


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array; not copied if it is one already, as `combine_chunks` would."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
