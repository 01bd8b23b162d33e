"""Integers and plain decimals in a column of text, checked by their bytes and lengths, never one value at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.text_types.evidence import DOUBLE_DIGITS

_MINUS, _POINT, _SLASH, _ZERO, _NINE = b"-./09"
_INT64_DIGITS = 19

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.signedinteger[Any]]


def text_bytes(values: pa.Array) -> tuple[Bytes, Positions]:
    """The bytes of all values one after the other, and the bounds between the values in them (one more than values).

    A null has no bytes here, also where the array holds some for it, as results of `if_else` do.
    """
    bytes_, bounds = _held_bytes(values)
    if not values.null_count or not len(bytes_):
        return bytes_, bounds
    null = values.is_null().to_numpy(zero_copy_only=False)
    if not (np.diff(bounds)[null] > 0).any():
        return bytes_, bounds
    return _held_bytes(values.take(pa.array(np.arange(len(values)), mask=null)))


def _held_bytes(values: pa.Array) -> tuple[Bytes, Positions]:
    _, offsets, data = values.buffers()
    bounds: Positions
    if pa.types.is_large_string(values.type):
        bounds = np.frombuffer(offsets, np.int64, len(values) + 1, values.offset * 8)
    else:
        bounds = np.frombuffer(offsets, np.int32, len(values) + 1, values.offset * 4)
    start, end = int(bounds[0]), int(bounds[-1])
    if data is None or start == end:
        return np.empty(0, np.uint8), np.zeros(len(values) + 1, np.int64)
    return np.frombuffer(data, np.uint8, end - start, start), bounds - start


@dataclass(frozen=True)
class Integers:
    """A column of canonical integers."""

    values: pa.Array
    digits: int
    """Digits of the longest one."""


def parse_integers(texts: pa.Array) -> Integers | None:
    """The column as int64 if every value is canonical, else None.

    Arrow reads `007`, `-0` and hexadecimal as integers too. A canonical text is the shortest one of its value in
    decimal digits, so all are canonical when together they are as long as their values need: no text is made again.
    """
    data, _ = text_bytes(texts)
    if not len(data) or data.max() > _NINE:
        return None
    try:
        values = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    bounds = pc.min_max(values)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if len(data) != _canonical_length(values, low, high):
        return None
    return Integers(values, digits=max(len(str(abs(low))), len(str(abs(high)))))


def _canonical_length(values: pa.Array, low: int, high: int) -> int:
    numbers = (values.fill_null(0) if values.null_count else values).to_numpy()
    length: int = len(values) - values.null_count
    if low < 0:
        length += int(np.count_nonzero(numbers < 0))
    for digits in range(1, _INT64_DIGITS):
        power = 10**digits
        if high >= power:
            length += int(np.count_nonzero(numbers >= power))
        if low <= -power:
            length += int(np.count_nonzero(numbers <= -power))
    return length


@dataclass(frozen=True)
class Decimals:
    """The extent of a column of plain decimals: upper bounds over its values."""

    integer_digits: int
    fraction_digits: int
    significant_digits: int


def measure_decimals(texts: pa.Array) -> Decimals | None:
    """Extent of the column if every value is a plain decimal, else None."""
    data, bounds = text_bytes(texts)
    if not len(data) or not _only_number_bytes(data):
        return None
    starts, ends = bounds[:-1], bounds[1:]
    filled = ends > starts
    if not filled.all():
        if np.count_nonzero(filled) != len(texts) - texts.null_count:
            return None
        starts, ends = starts[filled], ends[filled]
    return _measure(texts, data, starts, ends)


def _only_number_bytes(data: Bytes) -> bool:
    return bool(data.max() <= _NINE and data.min() >= _MINUS and not (data == _SLASH).any())


def _measure(texts: pa.Array, data: Bytes, starts: Positions, ends: Positions) -> Decimals | None:
    negative = data[starts] == _MINUS
    if np.count_nonzero(data == _MINUS) != np.count_nonzero(negative):
        return None
    first = starts + negative
    points = _points(data, ends)
    if points is None:
        return None
    integer = points - first
    fraction = ends - points - 1  # -1 where there is no point
    if integer.min() < 1 or (fraction == 0).any():
        return None
    if ((data[first] == _ZERO) & (integer > 1)).any():
        return None
    most_integer, most_fraction = int(integer.max()), max(int(fraction.max()), 0)
    significant = most_integer + most_fraction
    if significant > DOUBLE_DIGITS:
        significant = _significant_digits(texts)
    return Decimals(most_integer, most_fraction, significant)


def _points(data: Bytes, ends: Positions) -> Positions | None:
    """Where the point of each value is, its end where it has none; None if some value has two."""
    points = np.flatnonzero(data == _POINT)
    if not len(points):
        return ends
    if len(points) == len(ends) and (points < ends).all() and (points[1:] >= ends[:-1]).all():
        return points  # one in each value, the usual case
    owners = np.searchsorted(ends, points, side="right")
    if len(points) > 1 and (np.diff(owners) == 0).any():
        return None
    found = ends.copy()
    found[owners] = points
    return found


def _significant_digits(texts: pa.Array) -> int:
    digits = pc.replace_substring(pc.ascii_ltrim(texts, "-"), ".", "")
    longest: int = pc.max(pc.binary_length(pc.ascii_ltrim(digits, "0"))).as_py()
    return longest
