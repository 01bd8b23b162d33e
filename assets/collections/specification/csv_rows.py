"""The rows of a CSV file with their numbers, some thousand at a time, in bounded memory. A blank line is a row without fields."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import chain, islice

from assets.collections.specification.problems import refuse_file

ROWS = 4096
LINE_CHARACTERS = 1024 * 1024
"""Of the longest line; a URL has at most 16,384."""

Row = list[str]


def read_rows(blocks: Iterator[bytes]) -> Iterator[tuple[int, list[Row]]]:
    """Rows, and the number of the first one of each batch; the first row of the file is 1.

    Raises:
        FileProblemError: csv_syntax.
    """
    reader = csv.reader(chain.from_iterable(_lines(blocks)), strict=True)
    first = 1
    rows: list[Row] = []
    try:
        while rows := _next(reader):
            yield first, rows
            first += len(rows)
    except _BrokenRowError as error:
        if error.rows:
            yield first, error.rows
        row = first + len(error.rows)
        hint = "Quote a field from its first to its last character, and double the quotes within it"
        refuse_file(str(row), "csv_syntax", f"row {row} is broken: {error}", hint)


class _BrokenRowError(Exception):
    def __init__(self, reason: str, rows: list[Row]) -> None:
        super().__init__(reason)
        self.rows = rows


def _next(reader: Iterator[Row]) -> list[Row]:
    rows: list[Row] = []
    try:
        rows.extend(islice(reader, ROWS))  # what came before an error is kept
    except csv.Error as error:
        raise _BrokenRowError(str(error), rows) from error
    return rows


def _lines(blocks: Iterator[bytes]) -> Iterator[io.StringIO]:
    """Whole lines with their ends, as text."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    carry = ""
    for block in chain(blocks, [b""]):
        text = carry + _decoded(decoder, block)
        if not block:
            carry = ""
            yield io.StringIO(text, newline="")
            return
        cut = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1)) + 1
        carry = text[cut:]
        if len(carry) > LINE_CHARACTERS:
            message = f"a line has more than {LINE_CHARACTERS:,} characters"
            refuse_file("0", "csv_syntax", message, "Write one object a line")
        if cut:
            yield io.StringIO(text[:cut], newline="")


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes) -> str:
    try:
        return decoder.decode(block, final=not block)
    except UnicodeDecodeError:
        message = "the file is not UTF-8"
        hint = "Save it as CSV UTF-8"
        refuse_file("0", "csv_syntax", message, hint)
