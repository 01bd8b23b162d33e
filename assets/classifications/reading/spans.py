"""Places of texts in a block of bytes -> arrays of the texts, and what can be told without making them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from assets.classifications.reading.arrays import to_arrow
from assets.classifications.schema import DELETE_TOKEN, EMPTY_TOKEN


def take_texts(block: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> list[pa.Array]:
    """Texts of a (n, columns) block of ascending places, one string array without nulls a column.

    The places are read as one array in which texts and the bytes between them alternate, so nothing is copied but
    the texts themselves, and that by Arrow.
    """
    count, columns = starts.shape
    if not count:
        return [pa.nulls(0, pa.string())] * columns
    offsets = np.empty((count, columns, 2), np.int32)
    offsets[:, :, 0] = starts
    offsets[:, :, 1] = ends
    pieces = pa.StringArray.from_buffers(
        offsets.size - 1, pa.py_buffer(offsets.reshape(-1)), pa.py_buffer(block)
    )
    every = np.arange(0, offsets.size, 2 * columns, dtype=np.int32)
    return [pieces.take(to_arrow(every + np.int32(2 * number))) for number in range(columns)]


def find_token(
    block: np.ndarray, starts: np.ndarray, lengths: np.ndarray, token: str
) -> np.ndarray:
    """Which texts are exactly the token (C9)."""
    found = np.asarray(lengths == len(token))
    candidates = np.flatnonzero(found)
    places = starts.reshape(-1)[candidates]
    is_equal = np.ones(len(candidates), bool)
    for position, byte in enumerate(token.encode()):
        is_equal &= block[places + position] == byte
    found.reshape(-1)[candidates] = is_equal
    return found


def find_odd_keys(block: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Which keys the exact way must judge: empty, too long, or with the look of white space or of a token."""
    last = len(block) - 1
    first = block[np.minimum(starts, last)]
    odd = (lengths == 0) | (first <= 32) | (first == ord("~"))
    foreign = np.flatnonzero(first >= 0x80)
    if len(foreign):
        second = block[np.minimum(starts[foreign] + 1, last)]
        lead = first[foreign]
        # U+0085, U+00A0 · U+1680 · U+2000-U+205F · U+3000: all white space beyond ASCII starts so.
        odd[foreign] |= (lead == 0xC2) & ((second == 0x85) | (second == 0xA0))
        odd[foreign] |= (lead == 0xE1) & (second == 0x9A)
        odd[foreign] |= (lead == 0xE2) & ((second == 0x80) | (second == 0x81))
        odd[foreign] |= (lead == 0xE3) & (second == 0x80)
    return np.asarray(odd)


def find_tokens(
    data: bytes, block: np.ndarray, starts: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Which texts are `~empty~` and which `~deletekey~`; None if the block has no tilde."""
    if b"~" not in data:
        return None
    return (
        find_token(block, starts, lengths, EMPTY_TOKEN),
        find_token(block, starts, lengths, DELETE_TOKEN),
    )
