"""The rows of a CSV file with their numbers, some thousand at a time, in bounded memory. A blank line is a row without fields."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NoReturn

import numpy as np

from assets.collections.specification.problems import refuse_file

_COMMA, _NEWLINE = b",\n"
LINE_CHARACTERS = 1024 * 1024
"""Of the longest line; a URL has at most 16,384."""

Row = list[str]


@dataclass(frozen=True)
class CsvRows:
    """Rows that follow each other.

    Args:
        first: the number of the first one; that of the file is 1.
        count: how many.
        text: them all as lines that end with a newline and hold no quote; None: they had to be read one by one.
        read: them all, if they were.
    """

    first: int
    count: int
    text: str | None
    read: list[Row]

    def rows(self) -> list[Row]:
        """One by one."""
        return self.read if self.text is None else list(csv.reader(self.text.split("\n")[:-1]))

    def columns(self, width: int) -> list[Sequence[str]] | None:
        """Column by column, if every row has that many fields; else None."""
        if self.text is None:
            is_regular = self.read and set(map(len, self.read)) == {width}
            return list(zip(*self.read, strict=True)) if is_regular else None
        if not _is_regular(self.text, self.count, width):
            return None
        cells = self.text[:-1].replace("\n", ",").split(",")
        return [cells[place::width] for place in range(width)]


def _is_regular(text: str, count: int, width: int) -> bool:
    """Whether every line has so many fields, and none is blank."""
    if text.startswith("\n") or "\n\n" in text:
        return False
    content = np.frombuffer(text.encode(), np.uint8)
    marks = content[(content == _COMMA) | (content == _NEWLINE)]
    if len(marks) != count * width:
        return False
    are_ends = marks.reshape(count, width) == _NEWLINE
    return bool(are_ends[:, -1].all() and not are_ends[:, :-1].any())


def read_rows(blocks: Iterator[bytes]) -> Iterator[CsvRows]:
    """All rows, some thousand at a time.

    Raises:
        FileProblemError: csv_syntax.
    """
    lines = _Lines(_texts(blocks))
    reader = csv.reader(lines, strict=True)
    first = 1
    while lines.left or lines.advance():
        text = lines.take_plain()
        if text is not None:
            found = CsvRows(first, text.count("\n"), text, [])
        else:
            rows, fault = _read(reader, lines.left)
            found = CsvRows(first, len(rows), None, rows)
            if fault is not None:
                yield found
                _refuse(first + len(rows), fault)
        yield found
        first += found.count


def _read(reader: Iterator[Row], count: int) -> tuple[list[Row], csv.Error | None]:
    """So many rows, fewer at the end of the file; those before an error, and the error."""
    rows: list[Row] = []
    try:
        rows.extend(islice(reader, count))  # what came before an error is kept
    except csv.Error as error:
        return rows, error
    return rows, None


def _refuse(row: int, error: csv.Error) -> NoReturn:
    hint = "Quote a field from its first to its last character, and double the quotes within it"
    refuse_file(str(row), "csv_syntax", f"row {row} is broken: {error}", hint)


class _Lines:
    """Lines for a reader of CSV, text by text: between two records a text may also be taken whole."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._plain: str | None = None
        self._lines: Iterator[str] = iter(())
        self.left = 0

    def advance(self) -> bool:
        """Goes on to the next text; False at the end."""
        text = next(self._texts, None)
        if text is None:
            return False
        if "\r" in text and '"' not in text:
            text = text.replace("\r\n", "\n")
        if "\r" in text or '"' in text or not text.endswith("\n"):
            lines = list(io.StringIO(text, newline=""))
            self.left, self._lines, self._plain = len(lines), iter(lines), None
        else:
            self.left, self._lines, self._plain = 1, iter(()), text
        return True

    def take_plain(self) -> str | None:
        """The text that comes next, if it has no quote; None if it has to be read."""
        text, self._plain = self._plain, None
        self.left = 0 if text is not None else self.left
        return text

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line; within a quoted field it is of the next text."""
        while not self.left:
            if not self.advance():
                raise StopIteration
            if self._plain is not None:
                lines = list(io.StringIO(self._plain, newline=""))
                self.left, self._lines, self._plain = len(lines), iter(lines), None
        self.left -= 1
        return next(self._lines)


def _texts(blocks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines with their ends."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    carry = ""
    for block in chain(blocks, [b""]):
        text = carry + _decoded(decoder, block)
        if not block:
            if text:
                yield text
            return
        cut = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1)) + 1
        carry = text[cut:]
        if len(carry) > LINE_CHARACTERS:
            message = f"a line has more than {LINE_CHARACTERS:,} characters"
            refuse_file("0", "csv_syntax", message, "Write one object a line")
        if cut:
            yield text[:cut]


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes) -> str:
    try:
        return decoder.decode(block, final=not block)
    except UnicodeDecodeError:
        message = "the file is not UTF-8"
        hint = "Save it as CSV UTF-8"
        refuse_file("0", "csv_syntax", message, hint)
