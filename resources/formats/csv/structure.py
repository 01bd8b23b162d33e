"""The structure of a stretch of delimited text, found by its bytes: where records end, which quotes and newlines are wrong.

A stretch begins outside quotes. Every second quote then opens a field and every other one closes it; a doubled quote
closes and opens again at once. Positions count from the beginning of the stretch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from resources.formats.csv.dialect import CsvDialect

Positions = npt.NDArray[np.int64]
_NONE: Positions = np.empty(0, np.int64)
_CR, _LF = b"\r\n"


def find_quotes(data: bytes, dialect: CsvDialect) -> Positions:
    """Where the quotes are."""
    if dialect.quote is None or dialect.quote.encode() not in data:
        return _NONE
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord(dialect.quote))


def find_record_end(data: bytes, quotes: Positions, dialect: CsvDialect) -> int:
    """Where the last whole record ends, just behind its newline; 0 if there is none.

    A carriage return that ends the stretch is left for the next: its line feed may follow.
    """
    place = data.rfind(dialect.newline)
    while place >= 0:
        before = int(np.searchsorted(quotes, place))
        if before % 2 == 0:
            return place + len(dialect.newline)
        place = data.rfind(dialect.newline, 0, int(quotes[before - 1]))
    return 0


def find_first_record_end(data: bytes, dialect: CsvDialect) -> int:
    """Where the first record ends that is not a blank line; the length of the data if it has no newline."""
    start = len(data) - len(data.lstrip(b"\r\n"))
    quote = dialect.quote.encode() if dialect.quote else None
    place = data.find(dialect.newline, start)
    while place >= 0:
        if quote is None or data.count(quote, start, place) % 2 == 0:
            return place + len(dialect.newline)
        place = data.find(dialect.newline, place + 1)
    return len(data)


@dataclass(frozen=True)
class QuoteFault:
    """A quote where none may be."""

    position: int
    opened: int | None
    """Where the field was opened that this quote closes too early; None if it stands in an unquoted field."""


def find_quote_fault(data: bytes, quotes: Positions, dialect: CsvDialect) -> QuoteFault | None:
    """The first quote that neither begins nor ends a field nor is doubled (E31)."""
    if not len(quotes) or dialect.quote is None:
        return None
    content = np.frombuffer(data, np.uint8)
    allowed = np.zeros(256, np.bool_)
    allowed[[_CR, _LF, ord(dialect.separator), ord(dialect.quote)]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    inner = opening[opening > 0]
    bad_opening = inner[~allowed[content[inner - 1]]]
    inner = closing[closing < len(data) - 1]
    bad_closing = inner[~allowed[content[inner + 1]]]
    first_opening = int(bad_opening[0]) if len(bad_opening) else None
    first_closing = int(bad_closing[0]) if len(bad_closing) else None
    if first_closing is not None and (first_opening is None or first_closing < first_opening):
        opened = int(quotes[int(np.searchsorted(quotes, first_closing)) - 1])
        return QuoteFault(first_closing, opened)
    return None if first_opening is None else QuoteFault(first_opening, None)


def find_newline_fault(data: bytes, quotes: Positions, dialect: CsvDialect) -> int | None:
    """The first newline outside quotes that is not the one of the file (E33)."""
    if dialect.newline == b"\r\n":
        return _find_half_newline(data, quotes)
    other = b"\n" if dialect.newline == b"\r" else b"\r"
    if other not in data:
        return None
    places = np.flatnonzero(np.frombuffer(data, np.uint8) == other[0])
    return _first_outside(places, quotes)


def _find_half_newline(data: bytes, quotes: Positions) -> int | None:
    pairs = data.count(b"\r\n")
    if data.count(b"\r") == pairs == data.count(b"\n"):
        return None
    content = np.frombuffer(data, np.uint8)
    returns, feeds = np.flatnonzero(content == _CR), np.flatnonzero(content == _LF)
    alone = np.concatenate(
        [np.setdiff1d(returns + 1, feeds) - 1, np.setdiff1d(feeds - 1, returns) + 1]
    )
    return _first_outside(np.sort(alone), quotes)


def _first_outside(places: Positions, quotes: Positions) -> int | None:
    outside = places[np.searchsorted(quotes, places) % 2 == 0]
    return int(outside[0]) if len(outside) else None
