"""One file as chunks of whole records, its structure checked: what comes out of here can be parsed piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from resources.formats.compression import BLOCK_BYTES
from resources.formats.csv import structure
from resources.formats.csv.dialect import CsvDialect
from resources.formats.csv.lines import Cuts, read_text
from resources.formats.decoding import TextEncoding
from resources.formats.files import SourceFile
from resources.kernel.errors import ParseError

RECORD_LIMIT = 16 * 1024 * 1024
"""Longest record in bytes; more is taken for a broken file (E27)."""
_SHOWN = 40


@dataclass(frozen=True)
class CsvText:
    """A file with all that is needed to cut its text into records."""

    source: SourceFile
    encoding: TextEncoding
    dialect: CsvDialect
    cuts: Cuts = field(default_factory=Cuts)

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[bytes]:
        """Its text: lines that are no data are blank, and what is escaped is hidden."""
        return read_text(self.source, self.encoding, self.dialect, self.cuts, size)

    @property
    def name(self) -> str:
        """As the user knows it."""
        return self.source.name

    def line_at(self, offset: int) -> int:
        """The 1-based line of a byte of the decoded text. Reads the file again: for errors and guesses only."""
        newline = b"\r" if self.dialect.newline == b"\r" else b"\n"
        line = 1
        for block in self.blocks():
            line += block.count(newline, 0, offset)
            offset -= len(block)
            if offset <= 0:
                break
        return line


@dataclass(frozen=True)
class CsvChunk:
    """Whole records of one file."""

    data: bytes
    offset: int
    """Of its first byte in the decoded text."""
    has_quotes: bool


def read_chunks(file: CsvText, size: int = BLOCK_BYTES) -> Iterator[CsvChunk]:
    """The file as chunks of about `size` bytes, the header in the first of them.

    Raises:
        ParseError: quotes in wrong places or never closed, mixed newlines, a record beyond the limit, or
            undecodable bytes; with the line.
    """
    waiting, offset = b"", 0
    for block in file.blocks(size):
        data = waiting + block if waiting else block
        quotes = structure.find_quotes(data, file.dialect)
        end = structure.find_record_end(data, quotes, file.dialect)
        if not end:
            _check_length(file, data, offset, quotes)
            waiting = data
            continue
        waiting, whole = data[end:], data[:end]
        yield _check(file, whole, offset, quotes[: np.searchsorted(quotes, end)])
        offset += end
    if waiting:
        yield _check(file, waiting, offset, structure.find_quotes(waiting, file.dialect))


def _check(file: CsvText, data: bytes, offset: int, quotes: structure.Positions) -> CsvChunk:
    fault = structure.find_quote_fault(data, quotes, file.dialect)
    if fault is not None:
        raise _quote_error(file, data, offset, fault)
    if len(quotes) % 2:
        raise ParseError(
            "a quote opened here is never closed",
            file=file.name,
            line=file.line_at(offset + int(quotes[-1])),
            hint="Close it, or give `quote: none` if quotes are ordinary text in this file",
        )
    newline = structure.find_newline_fault(data, quotes, file.dialect)
    if newline is not None:
        raise _newline_error(file, data, offset, newline)
    return CsvChunk(data, offset, has_quotes=bool(len(quotes)))


def _quote_error(
    file: CsvText, data: bytes, offset: int, fault: structure.QuoteFault
) -> ParseError:
    place = fault.position
    text = data[max(place - _SHOWN // 2, 0) : place + _SHOWN // 2].decode(errors="replace")
    if fault.opened is None:
        reason = f"a quote inside a field that does not begin with one, near {text!r}"
    else:
        opened = file.line_at(offset + fault.opened)
        reason = (
            f"the quote opened in line {opened} closes before the end of its field, near {text!r}"
        )
    hint = (
        "Double quotes inside quoted fields, or give `quote: none` if they are ordinary text here"
    )
    if file.dialect.quote and "\\" + file.dialect.quote in text:
        hint = "Quotes are escaped by a backslash here: give `escape: '\\'`"
    return ParseError(reason, file=file.name, line=file.line_at(offset + place), hint=hint)


def _newline_error(file: CsvText, data: bytes, offset: int, place: int) -> ParseError:
    names = {b"\n": "line feeds", b"\r": "carriage returns", b"\r\n": "CR LF pairs"}
    found = "carriage return" if data[place] == ord("\r") else "line feed"
    return ParseError(
        f"mixed newlines: lines end in {names[file.dialect.newline]}, here is a lone {found}",
        file=file.name,
        line=file.line_at(offset + place),
        hint="Write the file with one kind of newline, or quote fields that hold one",
    )


def _check_length(file: CsvText, data: bytes, offset: int, quotes: structure.Positions) -> None:
    if len(data) <= RECORD_LIMIT:
        return
    newline = structure.find_newline_fault(data, quotes, file.dialect)
    if newline is not None:
        raise _newline_error(file, data, offset, newline)
    limit = f"{RECORD_LIMIT // 2**20} MB"
    if len(quotes) % 2:
        raise ParseError(
            f"a quote opened here is not closed within {limit}",
            file=file.name,
            line=file.line_at(offset + int(quotes[-1])),
            hint="Close it, or give `quote: none` if quotes are ordinary text in this file",
        )
    raise ParseError(
        f"a line longer than {limit}",
        file=file.name,
        line=file.line_at(offset),
        hint="Check that this is a CSV file with newlines between its rows",
    )
