"""Where the fields of a block of CSV or TSV are, found by whole-array operations.

Sound by caution: quotes are understood by parity, which is right only if every quote opens at the start of a field,
closes at the end of one, or is doubled. The first quote that does not ends the layout; from its record on the block
is left to `record`. In TSV, where a quote may also be text, a block that parity cannot read is read field by field:
that is right up to the first quoted field with a delimiter or a line break in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assets.classifications.reading.record import RecordDialect

_NEWLINE, _RETURN, _SPACE, _QUOTE = 10, 13, 32, 34
_MANY_SPACES = 16  # a field with more of them round it is left to the exact way


@dataclass(frozen=True)
class Layout:
    """The records of a block up to `end`.

    Args:
        starts: (n, columns) int32, first byte of each field of the n regular records.
        ends: (n, columns) int32, the byte behind each field, quotes and spaces left out.
        regular: (n,) number of each regular record among the records of the block.
        irregular: numbers of the others, which the exact way must read.
        spans: (records, 2) first byte of each record, and the byte behind its line end.
        doubled: (k,) places of doubled quotes.
        has_quotes: some fields are quoted.
        end: the byte behind the last record; less than the block if a record is cut, or a quote is odd.
        is_odd: the record at `end` has an odd quote.
    """

    starts: np.ndarray
    ends: np.ndarray
    regular: np.ndarray
    irregular: np.ndarray
    spans: np.ndarray
    doubled: np.ndarray
    has_quotes: bool
    end: int
    is_odd: bool


@dataclass(frozen=True)
class _Separators:
    """Places of delimiters and newlines outside quotes."""

    places: np.ndarray
    doubled: np.ndarray
    has_quotes: bool
    is_odd: bool


def find_layout(data: bytes, dialect: RecordDialect, columns: int, *, is_last: bool) -> Layout:
    """Lay out a block that starts with a record; a last one must end with a newline."""
    block = np.frombuffer(data, np.uint8)
    separators = _find_separators(data, block, dialect, is_last=is_last)
    places = separators.places
    line_ends = np.flatnonzero(block[places] == _NEWLINE)
    places = places[: line_ends[-1] + 1 if len(line_ends) else 0]
    spans = np.zeros((len(line_ends), 2), np.int32)
    spans[:, 1] = places[line_ends] + 1
    spans[1:, 0] = spans[:-1, 1]
    keep, spans, blank_free_ends = _without_blank_lines(data, block, dialect, line_ends, spans)
    counts = np.diff(line_ends, prepend=-1)[keep]
    is_regular = counts == columns
    ends = _fields_of(places, blank_free_ends[is_regular], columns)
    starts = np.empty_like(ends)
    starts[:, 0] = spans[is_regular, 0]
    starts[:, 1:] = ends[:, :-1] + 1
    if b"\r" in data:
        ends[:, -1] -= (block[ends[:, -1] - 1] == _RETURN) & (ends[:, -1] > starts[:, -1])
    return Layout(
        starts=starts,
        ends=ends,
        regular=np.flatnonzero(is_regular),
        irregular=np.flatnonzero(~is_regular),
        spans=spans,
        doubled=separators.doubled,
        has_quotes=separators.has_quotes,
        end=int(places[-1]) + 1 if len(places) else 0,
        is_odd=separators.is_odd,
    )


def _fields_of(places: np.ndarray, line_ends: np.ndarray, columns: int) -> np.ndarray:
    """The separators of the records that end at these: a reshape if they are all there are."""
    if len(line_ends) * columns == len(places):
        return places.reshape(-1, columns).copy()
    first = line_ends - (columns - 1)
    return places[first[:, None] + np.arange(columns)]


def _without_blank_lines(
    data: bytes, block: np.ndarray, dialect: RecordDialect, line_ends: np.ndarray, spans: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which records are not blank lines (C10); only those of a single field can be."""
    single = np.flatnonzero(np.diff(line_ends, prepend=-1) == 1)
    keep = np.ones(len(line_ends), bool)
    lengths = spans[single, 1] - spans[single, 0] - 1
    first = block[spans[single, 0]]
    keep[single[(lengths == 0) | ((lengths == 1) & (first == _RETURN))]] = False
    if dialect.is_csv:
        for number in single[(first == _SPACE) & (lengths > 0)]:
            start, end = spans[number]
            keep[number] = bool(data[start : end - 1].removesuffix(b"\r").strip(b" "))
    return keep, spans[keep], line_ends[keep]


def _find_separators(
    data: bytes, block: np.ndarray, dialect: RecordDialect, *, is_last: bool
) -> _Separators:
    delimiter = dialect.delimiter[0]
    mask = block == delimiter
    mask |= block == _NEWLINE
    none = np.zeros(0, np.int32)
    if b'"' not in data or (not dialect.is_csv and not _has_leading_quote(data)):
        return _Separators(np.flatnonzero(mask).astype(np.int32), none, False, False)
    is_quote = block == _QUOTE
    quotes = np.flatnonzero(is_quote).astype(np.int32)
    odd = _first_odd_quote(block, quotes, dialect, is_last=is_last)
    if odd is not None and not dialect.is_csv:
        alone = _quoted_alone(block, np.flatnonzero(mask).astype(np.int32), quotes)
        if not alone.is_odd or (len(alone.places) and alone.places[-1] > odd):
            return alone
    mask |= is_quote
    places = np.flatnonzero(mask).astype(np.int32)
    quote_at = block[places] == _QUOTE
    is_inside = np.cumsum(quote_at, dtype=np.uint8) & 1  # wraps at 256, which keeps the parity
    places = places[~quote_at & (is_inside == 0)]
    if odd is not None:
        places = places[: np.searchsorted(places, odd)]
    doubled = quotes[2::2][quotes[2::2] == quotes[1:-1:2] + 1]
    return _Separators(places, doubled, True, odd is not None)


def _quoted_alone(block: np.ndarray, places: np.ndarray, quotes: np.ndarray) -> _Separators:
    """TSV whose fields are quoted from their first to their last byte, or not at all: then every separator is one."""
    starts = np.concatenate([np.zeros(1, np.int32), places + 1])[: len(places)]
    quoted = np.flatnonzero(block[starts] == _QUOTE)
    ends = places[quoted]
    ends = ends - ((block[ends] == _NEWLINE) & (block[ends - 1] == _RETURN))
    first = np.searchsorted(quotes, starts[quoted])
    counts = np.searchsorted(quotes, ends) - first
    is_good = (counts % 2 == 0) & (quotes[first + counts - 1] == ends - 1)
    # Between the outer ones quotes come in pairs: the second, the fourth ... is followed by its twin at once.
    owners = np.repeat(np.arange(len(quoted)), counts)
    number = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_inner = (number % 2 == 1) & (number < counts[owners] - 1)
    inner = first[owners[is_inner]] + number[is_inner]
    is_good[owners[is_inner][quotes[inner + 1] != quotes[inner] + 1]] = False
    is_odd = not is_good.all()
    if is_odd:
        places = places[: quoted[np.argmin(is_good)]]
    return _Separators(places, quotes[inner + 1], True, is_odd)


def _has_leading_quote(data: bytes) -> bool:
    """Whether a TSV field may start with a quote: elsewhere it is text."""
    return data.startswith(b'"') or b'\t"' in data or b'\n"' in data


def _first_odd_quote(
    block: np.ndarray, quotes: np.ndarray, dialect: RecordDialect, *, is_last: bool
) -> int | None:
    """Place of the first quote against which parity proves nothing; None if there is none."""
    opening, closing = quotes[0::2], quotes[1::2]
    odd = np.zeros(len(quotes), bool)
    odd[0::2] = ~_opens_well(block, opening, closing, dialect)
    odd[1::2] = ~_closes_well(block, closing, dialect)
    if is_last and len(quotes) % 2:
        odd[-1] = True  # never closed
    return int(quotes[np.argmax(odd)]) if odd.any() else None


def _opens_well(
    block: np.ndarray, opening: np.ndarray, closing: np.ndarray, dialect: RecordDialect
) -> np.ndarray:
    before = opening - 1
    if dialect.is_csv:
        for _ in range(_MANY_SPACES):
            is_space = (block[before] == _SPACE) & (before >= 0)
            if not is_space.any():
                break
            before -= is_space
    byte = block[before]
    well = (byte == dialect.delimiter[0]) | (byte == _NEWLINE) | (before < 0)
    well[1:] |= opening[1:] == closing[: len(opening) - 1] + 1
    return np.asarray(well)


def _closes_well(block: np.ndarray, closing: np.ndarray, dialect: RecordDialect) -> np.ndarray:
    """What is behind the block is not known and counts as good: the record is cut there anyway."""
    last = len(block) - 1
    is_doubled = block[np.minimum(closing + 1, last)] == _QUOTE
    after = closing + 1
    if dialect.is_csv:
        for _ in range(_MANY_SPACES):
            is_space = block[np.minimum(after, last)] == _SPACE
            if not is_space.any():
                break
            after += is_space & (after <= last)
    byte = block[np.minimum(after, last)]
    behind = block[np.minimum(after + 1, last)]
    well = (byte == dialect.delimiter[0]) | (byte == _NEWLINE) | (after > last) | is_doubled
    well |= (byte == _RETURN) & ((behind == _NEWLINE) | (after + 1 > last))
    return np.asarray(well)


def trim_fields(block: np.ndarray, layout: Layout, *, is_csv: bool) -> np.ndarray:
    """Take spaces (C3), then quotes off the fields, in place; returns which records have too many spaces for it."""
    starts, ends = layout.starts, layout.ends
    too_many = np.zeros(len(starts), bool)
    if is_csv:
        too_many |= _trim_spaces(block, starts, ends)
    if layout.has_quotes:
        is_quoted = (block[starts] == _QUOTE) & (starts < ends)
        starts += is_quoted
        ends -= is_quoted
    return too_many


def _trim_spaces(block: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    flat_starts, flat_ends = starts.reshape(-1), ends.reshape(-1)
    left = np.flatnonzero((block[flat_starts] == _SPACE) & (flat_starts < flat_ends))
    for _ in range(_MANY_SPACES):
        if not len(left):
            break
        flat_starts[left] += 1
        left = left[(block[flat_starts[left]] == _SPACE) & (flat_starts[left] < flat_ends[left])]
    right = np.flatnonzero((block[flat_ends - 1] == _SPACE) & (flat_starts < flat_ends))
    for _ in range(_MANY_SPACES):
        if not len(right):
            break
        flat_ends[right] -= 1
        right = right[
            (block[flat_ends[right] - 1] == _SPACE) & (flat_starts[right] < flat_ends[right])
        ]
    too_many = np.zeros(starts.shape, bool)
    too_many.reshape(-1)[left] = True
    too_many.reshape(-1)[right] = True
    return np.asarray(too_many.any(axis=1))
