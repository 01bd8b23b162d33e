"""Rows of MySQL's binary protocol taken apart a column at a time, for many rows at once.

Every row begins with a map of its nulls; then each value follows the one before, without names or marks. So the place
of a column in all rows is known when the column before it has been read: one array of places, moved on column by
column.

**What holds.** Either every row of a chunk is used up exactly to its last byte, or the whole chunk is refused. A value
has the type that the statement announced; none is rounded.

**Why that is enough.** There is nothing else to check against: a reader that takes one byte too many or too few for a
column misses the end of its row. Places are compared with the end of the chunk after each column, so nothing is read
beyond `SLACK`.

**When it is lost.** A server that announces one type and sends another of the same width would not be noticed. Dates
that do not exist (0000-00-00, 2024-02-31) become `NO_DATE` and `NO_MOMENT`; the caller decides what follows.

**What it costs.** An array of places, and one of each column, for a chunk. Invalid dates and TIME beyond a day are read
again as texts, one Python object a value: slow, and rare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resources.connectors.sql.mysql.wire import Bytes, ConnectionLostError, Places, WireRows

NO_DATE = -(2**31)
"""Sentinel day number of MySQL's invalid dates (0000-00-00, 2024-02-31)."""
NO_MOMENT = -(2**63)
"""Microseconds that no moment has."""

Mask = npt.NDArray[np.bool_]
_DAY_US = 86_400_000_000
_MONTHS = 13  # a year's row in the tables below has a month 0, as MySQL has


@dataclass
class Cursor:
    """Where the next column begins in each row of a chunk."""

    data: Bytes
    places: Places

    def numbers(self, kind: str, offset: int = 0) -> npt.NDArray[Any]:
        """A number of this numpy type at `offset` behind every place, wherever it is in memory."""
        width = np.dtype(kind).itemsize
        count = len(self.data) - width + 1
        return np.ndarray((count,), dtype=kind, buffer=self.data, strides=(1,))[
            self.places + offset
        ]

    def skip(self, widths: Places | int, nulls: Mask | None) -> None:
        """Moves on behind the values; a null has none."""
        if nulls is None:
            self.places = self.places + widths
        else:
            self.places = self.places + np.where(nulls, 0, widths)


Reader = Callable[[Cursor, Mask | None], pa.Array]
"""Takes one column of all rows, and moves on."""


def decode(chunk: WireRows, readers: Sequence[Reader]) -> list[pa.Array]:
    """The columns of a chunk.

    Raises:
        ConnectionLostError: the bytes are not such rows.
    """
    width = (len(readers) + 9) // 8
    maps = [Cursor(chunk.data, chunk.starts).numbers("u1", 1 + byte) for byte in range(width)]
    cursor = Cursor(chunk.data, chunk.starts + 1 + width)
    arrays = []
    for number, reader in enumerate(readers, start=2):
        bits = maps[number // 8] & np.uint8(1 << number % 8)
        nulls = bits.astype(bool) if bits.any() else None
        arrays.append(reader(cursor, nulls))
        if int(cursor.places.max()) > len(chunk.data) - 8:
            raise ConnectionLostError("a row ended before its values did")
    if not np.array_equal(cursor.places, chunk.ends):
        raise ConnectionLostError("rows came that are not of the announced form")
    return arrays


def number_reader(kind: str) -> Reader:
    """Integers and floats of fixed width, by numpy's name: `<i8`."""
    width = np.dtype(kind).itemsize

    def read(cursor: Cursor, nulls: Mask | None) -> pa.Array:
        values = cursor.numbers(kind)
        cursor.skip(width, nulls)
        return pa.array(values, mask=nulls)

    return read


def read_bytes(cursor: Cursor, nulls: Mask | None) -> pa.Array:
    """Values with their length before them, as Arrow's binary."""
    data = cursor.data
    starts, sizes = _sizes(cursor, nulls)
    ends = starts + sizes
    cursor.places = ends
    # Offsets alternate between a value and the gap behind it: keep every other element.
    offsets = np.empty(2 * len(starts), dtype=np.int64)
    offsets[0::2], offsets[1::2] = starts, ends
    if (ends < starts).any() or int(ends[-1]) > len(data):
        raise ConnectionLostError("a value is longer than its row")
    between = pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    wanted = pa.array(np.arange(0, len(offsets), 2), mask=nulls)
    return between.take(wanted)


def read_texts(cursor: Cursor, nulls: Mask | None) -> pa.Array:
    """The same as text."""
    return read_bytes(cursor, nulls).cast(pa.large_string())


def read_bits(cursor: Cursor, nulls: Mask | None) -> pa.Array:
    """BIT(n): up to eight bytes, the first one the highest; as an integer without sign."""
    starts, sizes = _sizes(cursor, nulls)
    values = np.zeros(len(starts), dtype=np.uint64)
    for byte in range(8):
        there = sizes > byte
        found = cursor.data[np.where(there, starts + byte, 0)].astype(np.uint64)
        values = np.where(there, (values << np.uint64(8)) | found, values)
    cursor.places = starts + sizes
    return pa.array(values, mask=nulls)


def read_dates(cursor: Cursor, nulls: Mask | None) -> pa.Array:
    """DATE as days since 1970; `NO_DATE` where there is no such day."""
    sizes = _temporal_sizes(cursor, nulls)
    days = _days(cursor, sizes)
    cursor.skip(1 + sizes, nulls)
    return pa.array(days.astype(np.int32), mask=nulls).view(pa.date32())


def read_moments(cursor: Cursor, nulls: Mask | None) -> pa.Array:
    """DATETIME and TIMESTAMP as microseconds since 1970; `NO_MOMENT` where there is no such day."""
    sizes = _temporal_sizes(cursor, nulls)
    days = _days(cursor, sizes)
    micros = days * _DAY_US + _time_of_day(cursor, sizes, 5, 7, 11)
    cursor.skip(1 + sizes, nulls)
    return pa.array(np.where(days == NO_DATE, NO_MOMENT, micros), mask=nulls)


def read_times(cursor: Cursor, nulls: Mask | None) -> pa.Array:
    """TIME as microseconds, which may be negative or more than a day."""
    sizes = _temporal_sizes(cursor, nulls)
    there = sizes >= 8
    days = np.where(there, cursor.numbers("<u4", 2).astype(np.int64), 0)
    micros = days * _DAY_US + _time_of_day(cursor, sizes, 6, 8, 12)
    negative = there & (cursor.numbers("u1", 1) != 0)
    cursor.skip(1 + sizes, nulls)
    return pa.array(np.where(negative, -micros, micros), mask=nulls)


def moment_text_reader(*, decimals: int, date_only: bool, offset: str = "") -> Reader:
    """DATE, DATETIME and TIMESTAMP as the server writes them, invalid dates included.

    Moments of a TIMESTAMP end in the `offset` of their session's zone; 0000-00-00 is no moment of any zone.
    """

    def read(cursor: Cursor, nulls: Mask | None) -> pa.Array:
        sizes = _temporal_sizes(cursor, nulls)
        parts = [_there(cursor, sizes >= 4, kind, at) for kind, at in _DATE_PARTS]
        parts += [_there(cursor, sizes >= 7, "u1", at) for at in (5, 6, 7)]
        parts.append(_there(cursor, sizes >= 11, "<u4", 8))
        cursor.skip(1 + sizes, nulls)
        texts = []
        for year, month, day, hour, minute, second, micros in zip(*parts, strict=True):
            text = f"{year:04}-{month:02}-{day:02}"
            if not date_only:
                text += f" {hour:02}:{minute:02}:{second:02}{_fraction(micros, decimals)}"
                text += offset if month else ""
            texts.append(text)
        return pa.array(np.array(texts, dtype=object), pa.large_string(), mask=nulls)

    return read


def time_text_reader(decimals: int) -> Reader:
    """TIME as the server writes it: hours beyond 24, a sign."""

    def read(cursor: Cursor, nulls: Mask | None) -> pa.Array:
        values = read_times(cursor, nulls)
        texts = [
            None if value is None else _time_text(value, decimals) for value in values.to_pylist()
        ]
        return pa.array(texts, pa.large_string())

    return read


def _time_text(micros: int, decimals: int) -> str:
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, micros = divmod(micros, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{sign}{hour:02}:{minute:02}:{second:02}{_fraction(micros, decimals)}"


def _fraction(micros: int, decimals: int) -> str:
    digits = decimals if 0 < decimals <= 6 else (6 if micros else 0)
    return f".{micros:06}"[: digits + 1] if digits else ""


_DATE_PARTS = (("<u2", 1), ("u1", 3), ("u1", 4))


def _there(cursor: Cursor, there: Mask, kind: str, offset: int) -> list[int]:
    found: list[int] = np.where(there, cursor.numbers(kind, offset), 0).tolist()
    return found


def _sizes(cursor: Cursor, nulls: Mask | None) -> tuple[Places, Places]:
    """Where each value begins behind its length, and its length; a null has neither."""
    first = cursor.numbers("u1")
    sizes = first.astype(np.int64)
    heads = np.ones(len(sizes), dtype=np.int64)
    if (first >= 0xFB).any():
        for mark, kind, width in ((0xFC, "<u2", 2), (0xFD, "<u4", 3), (0xFE, "<i8", 8)):
            rows = np.flatnonzero(first == mark)
            if len(rows):
                long = Cursor(cursor.data, cursor.places[rows]).numbers(kind, 1).astype(np.int64)
                sizes[rows] = long & 0xFFFFFF if width == 3 else long
                heads[rows] = 1 + width
    if nulls is not None:
        sizes[nulls] = 0
        heads[nulls] = 0
    return cursor.places + heads, sizes


def _temporal_sizes(cursor: Cursor, nulls: Mask | None) -> Places:
    sizes = cursor.numbers("u1").astype(np.int64)
    if nulls is not None:
        sizes[nulls] = 0
    return sizes


def _days(cursor: Cursor, sizes: Places) -> Places:
    """Days since 1970 of year, month and day; `NO_DATE` where that is no day, or none was sent."""
    year = cursor.numbers("<u2", 1).astype(np.int64)
    month = cursor.numbers("u1", 3)
    day = cursor.numbers("u1", 4)
    there = (sizes >= 4) & (year <= 9999) & (month <= 12)
    slot = np.where(there, year * _MONTHS + month, 0)
    there &= (day >= 1) & (day <= _LENGTHS[slot])
    return np.where(there, _STARTS[slot] + day - 1, NO_DATE)


def _time_of_day(cursor: Cursor, sizes: Places, at: int, short: int, long: int) -> Places:
    """Microseconds of hour, minute, second and fraction, as far as they were sent."""
    hours, minutes, seconds = (cursor.numbers("u1", at + n).astype(np.int64) for n in range(3))
    whole = np.where(sizes >= short, (hours * 60 + minutes) * 60 + seconds, 0) * 1_000_000
    if not (sizes >= long).any():
        return whole
    return whole + np.where(sizes >= long, cursor.numbers("<u4", at + 3), 0)


def _calendar() -> tuple[Places, Places]:
    """For every month of the years 0 to 9999 its first day, counted from 1970, and its length; a month 0 has none."""
    years = np.arange(10_000, dtype=np.int64)
    leap = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))
    lengths = np.tile(
        np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64), (10_000, 1)
    )
    lengths[leap, 2] = 29
    starts = np.cumsum(lengths.ravel()) - lengths.ravel()
    epoch = starts[1970 * _MONTHS + 1]
    return starts - epoch, lengths.ravel()


_STARTS, _LENGTHS = _calendar()
