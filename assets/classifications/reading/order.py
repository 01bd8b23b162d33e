"""The order of keys by their UTF-8 bytes, where equal keys stay in file order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_WORD_BYTES = 8
_AT_ONCE = 65_536  # keys: what is derived from them stays in the processor's cache
_MOST_WORDS = 4  # longer keys are compared by Arrow instead


def is_ascending(keys: pa.Array) -> bool:
    """Whether each key is less than the next one: sorted already, and none twice."""
    return len(keys) < 2 or bool(pc.all(pc.less(keys[:-1], keys[1:])).as_py())


def order_keys(keys: pa.Array) -> np.ndarray:
    """Stable ascending order of non-null strings without U+0000, as int32 places.

    The bytes behind the prefix that all keys share are compared as big-endian words, padded with zeros: no key has a
    zero byte, so a shorter key sorts before its extensions, as it must.
    """
    if len(keys) < 2:
        return np.arange(len(keys), dtype=np.int32)
    bounds = pc.min_max(keys)
    shared_bytes = _shared_bytes(bounds["min"].as_py().encode(), bounds["max"].as_py().encode())
    starts, lengths, data = _places(keys)
    starts = starts + shared_bytes
    lengths = lengths - shared_bytes
    words = -(-int(lengths.max()) // _WORD_BYTES)
    if words > _MOST_WORDS:
        return np.asarray(np.frombuffer(pc.sort_indices(keys).buffers()[1], np.uint64)).astype(
            np.int32
        )
    if not words:
        return np.arange(len(keys), dtype=np.int32)
    first = _word(data, starts, lengths, 0)
    # Several times faster than a stable sort, which only ties need.
    order = np.argsort(first).astype(np.int32)
    ordered = first[order]
    is_same = ordered[1:] == ordered[:-1]
    del ordered
    if is_same.any():
        places = np.flatnonzero(np.append(is_same, False) | np.append(False, is_same))
        tied = order[places]
        columns = [_word(data, starts[tied], lengths[tied], number) for number in range(words)]
        order[places] = tied[np.lexsort([tied, *reversed(columns)])]
    return order


def _shared_bytes(low: bytes, high: bytes) -> int:
    """How many bytes the least and the greatest key, and so all between them, start with in common."""
    pairs = zip(low, high, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(low), len(high)))


def _places(keys: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, offsets_buffer, data_buffer = keys.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[keys.offset : keys.offset + len(keys) + 1]
    data = np.frombuffer(data_buffer, np.uint8, offsets[-1])
    padded = np.concatenate([data, np.zeros(_WORD_BYTES, np.uint8)])
    return offsets[:-1], np.diff(offsets), padded


def _word(data: np.ndarray, starts: np.ndarray, lengths: np.ndarray, number: int) -> np.ndarray:
    """Eight bytes of each key as one number, zero where the key has ended."""
    words = np.empty(len(starts), np.uint64)
    for first in range(0, len(starts), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        words[part] = _word_of_some(data, starts[part], lengths[part], number)
    return words


def _word_of_some(
    data: np.ndarray, starts: np.ndarray, lengths: np.ndarray, number: int
) -> np.ndarray:
    unaligned = np.ndarray((len(data) - _WORD_BYTES + 1,), ">u8", data, strides=(1,))
    left = np.clip(lengths - number * _WORD_BYTES, 0, _WORD_BYTES)
    places = np.minimum(starts.astype(np.int64) + number * _WORD_BYTES, len(unaligned) - 1)
    surplus_bits = np.minimum((_WORD_BYTES - left) * 8, 63).astype(np.uint64)
    kept = (unaligned[places].astype(np.uint64) >> surplus_bits) << surplus_bits
    return np.where(left == 0, np.uint64(0), kept)
