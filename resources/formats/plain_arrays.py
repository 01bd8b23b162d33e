"""Arrays of types that Arrow cannot cast by itself, as arrays that it can, at any depth.

These are extension types, run-end encoding, and list views: Arrow 26 casts views with nulls among them into arrays
whose offsets end too early, and writing those ends the process.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.kernel.kept_types import holds

_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint8).reshape(256, 2)
_UUID_GROUPS = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 16))
_UUID_LENGTH = 36


def to_plain(array: pa.Array) -> pa.Array:
    """The same values without extension types, run-end encoding and list views; the very array if it has none."""
    if not holds(array.type, _is_packed):
        return array
    if isinstance(array.type, pa.BaseExtensionType):
        return _unwrap(array)
    if pa.types.is_run_end_encoded(array.type):
        return to_plain(pc.run_end_decode(array))
    if pa.types.is_dictionary(array.type):
        return to_plain(array.dictionary_decode())
    return _rebuild(pa.concat_arrays([array]) if array.offset else array)


def _is_packed(kind: pa.DataType) -> bool:
    return (
        isinstance(kind, pa.BaseExtensionType)
        or pa.types.is_run_end_encoded(kind)
        or _is_view(kind)
    )


def _is_view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind))


def _unwrap(array: pa.Array) -> pa.Array:
    if isinstance(array.type, pa.UuidType):
        return _uuid_texts(array.storage)
    if isinstance(array.type, pa.Bool8Type):
        return pc.not_equal(array.storage, 0)
    return to_plain(array.storage)


def _uuid_texts(values: pa.Array) -> pa.Array:
    """`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` of 16 bytes each."""
    count = len(values)
    data = np.frombuffer(values.buffers()[1] or b"", np.uint8, count * 16, values.offset * 16)
    digits = _HEX[data].reshape(count, 32)
    texts = np.full((count, _UUID_LENGTH), ord("-"), np.uint8)
    place = 0
    for start, end in _UUID_GROUPS:
        width = 2 * (end - start)
        texts[:, place : place + width] = digits[:, 2 * start : 2 * end]
        place += width + 1
    offsets = np.arange(count + 1, dtype=np.int32) * _UUID_LENGTH
    plain = pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(texts))
    return pc.if_else(values.is_valid(), plain, None) if values.null_count else plain


def _rebuild(array: pa.Array) -> pa.Array:
    kind, mask = array.type, array.is_null() if array.null_count else None
    if pa.types.is_struct(kind):
        children = [to_plain(child) for child in array.flatten()]
        fields = [pa.field(f.name, c.type) for f, c in zip(kind, children, strict=True)]
        return pa.StructArray.from_arrays(children, fields=fields, mask=mask)
    if pa.types.is_map(kind):
        keys, items = to_plain(array.keys), to_plain(array.items)
        return pa.MapArray.from_arrays(array.offsets, keys, items, mask=mask)
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(to_plain(array.values), kind.list_size, mask=mask)
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(array.offsets, to_plain(array.values), mask=mask)
    if pa.types.is_large_list(kind):
        return pa.LargeListArray.from_arrays(array.offsets, to_plain(array.values), mask=mask)
    return _view_as_list(array, mask)


def _view_as_list(array: pa.Array, mask: pa.Array | None) -> pa.Array:
    sizes = pc.list_value_length(array).fill_null(0).to_numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]), pa.int64())
    return pa.LargeListArray.from_arrays(offsets, to_plain(array.flatten()), mask=mask)
