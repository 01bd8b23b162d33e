"""One file as chunks of whole records: the lines of JSON Lines, or the elements of an array."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from resources.formats.compression import read_blocks
from resources.formats.decoding import TextEncoding, decode_blocks, detect_encoding
from resources.formats.files import SourceFile, check_not_empty
from resources.formats.json.envelope import RecordsSeeker, suggest_path
from resources.formats.json.non_finite import NonFinite
from resources.formats.json.objects import ObjectCutter, begins_with_whole_lines
from resources.formats.json.structure import find_depths
from resources.kernel.errors import EmptySourceError, ParseError

CHUNK_BYTES = 2 * 1024 * 1024
RECORD_LIMIT = 16 * 1024 * 1024
"""Longest record in bytes; more is taken for a broken file (E27)."""
_HEAD_BYTES = 64 * 1024
_BLANK = b" \t\r\n"


class RecordShape(Enum):
    """How the records of a file follow each other."""

    LINES = "one object a line"
    ARRAY = "an array of objects"
    OBJECTS = "objects one after another"
    ENVELOPE = "an array under a key"


@dataclass(frozen=True)
class JsonText:
    """A file with all that is needed to cut it into records."""

    source: SourceFile
    encoding: TextEncoding
    shape: RecordShape
    records: str = ""
    """The path of the array of records, if they stand under a key."""
    non_finite: NonFinite = "error"
    """What `NaN` and the like stand for."""
    envelope: str = ""
    """The path of an array of objects within the first object, which may be what is meant."""

    @property
    def name(self) -> str:
        """As the user knows it."""
        return self.source.name


@dataclass(frozen=True)
class JsonChunk:
    """Whole records of one file: lines, or elements with their commas."""

    file: JsonText
    data: bytes
    line: int
    """Of the file, 1-based, on which the data begins."""


def open_file(
    file: SourceFile, encoding: str | None, *, lines: bool, records: str = ""
) -> JsonText:
    """Looks at the beginning of a file.

    Args:
        file: the file.
        encoding: given by the user.
        lines: whether it is said to be JSON Lines.
        records: the path of the array of records, if they stand under a key.

    Raises:
        EmptySourceError: no byte, or nothing but blanks (E25).
        ParseError: it begins as neither an object nor an array does.
    """
    check_not_empty([file])
    head = next(read_blocks(file, _HEAD_BYTES), b"")
    found = detect_encoding(file, head, encoding)
    start = next(
        (b.lstrip(_BLANK) for b in decode_blocks(file, found, _HEAD_BYTES) if b.strip(_BLANK)), b""
    )
    if not start:
        raise EmptySourceError(
            f"File {file.name} is empty: it holds nothing but blanks",
            hint="Send it again",
            file=file.name,
        )
    if records:
        return JsonText(file, found, RecordShape.ENVELOPE, records)
    if start.startswith(b"{"):
        is_lines = begins_with_whole_lines(start, lines=lines)
        shape = RecordShape.LINES if is_lines else RecordShape.OBJECTS
        return JsonText(file, found, shape, envelope=suggest_path(start))
    if start.startswith(b"[") and not lines:
        return JsonText(file, found, RecordShape.ARRAY)
    what = (
        "a `[`: give `format: json`"
        if start.startswith(b"[")
        else repr(start[:1].decode(errors="replace"))
    )
    raise ParseError(
        f"the first record begins with {what}" if lines else f"it begins with {what}",
        file=file.name,
        line=1,
        hint="Records are objects: one on each line, or in one array",
    )


def read_chunks(file: JsonText, size: int = CHUNK_BYTES) -> Iterator[JsonChunk]:
    """The file as chunks of about `size` bytes.

    Raises:
        ParseError: a record beyond the limit, an array that is not closed or goes on behind its end, undecodable
            bytes; with the line.
    """
    blocks = decode_blocks(file.source, file.encoding, size)
    if file.shape is RecordShape.ARRAY:
        return _ArrayCutter(file).cut(blocks)
    if file.shape is RecordShape.ENVELOPE:
        return _read_envelope(file, blocks)
    return (_read_lines if file.shape is RecordShape.LINES else _read_objects)(file, blocks)


def _read_objects(file: JsonText, blocks: Iterator[bytes]) -> Iterator[JsonChunk]:
    cutter = ObjectCutter(file.name)
    for data, line in cutter.cut(blocks):
        _check_length(file, cutter.waiting, cutter.line)
        if data:
            yield JsonChunk(file, data, line)


def _read_envelope(file: JsonText, blocks: Iterator[bytes]) -> Iterator[JsonChunk]:
    seeker = RecordsSeeker(file.records, file.name, blocks)
    found = False
    while seeker.seek():
        found = True
        cutter = _ArrayCutter(file, line=seeker.line, stops=True)
        yield from cutter.cut(seeker.take())
        seeker.give_back(cutter.rest, cutter.line)
    if not found:
        raise seeker.missing()


def _read_lines(file: JsonText, blocks: Iterator[bytes]) -> Iterator[JsonChunk]:
    waiting, line = b"", 1
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if not end:
            waiting += block
            _check_length(file, waiting, line)
            continue
        data, waiting = waiting + block[:end], block[end:]
        yield JsonChunk(file, data, line)
        line += data.count(b"\n")
    if waiting.strip(_BLANK):
        yield JsonChunk(file, waiting, line)


def _check_length(file: JsonText, waiting: bytes, line: int) -> None:
    if len(waiting) > RECORD_LIMIT:
        raise ParseError(
            f"a record longer than {RECORD_LIMIT // 2**20} MB",
            file=file.name,
            line=line,
            hint=f"If the records stand under {file.envelope!r}, give `records: {file.envelope}`"
            if file.envelope
            else "Check that every record is an object of its own",
        )


_FOLLOWING = {
    ("[", b"["): "first",
    ("first", b"]"): "end",
    (",", b","): "element",
    (",", b"]"): "end",
}


class _ArrayCutter:
    """Cuts the elements of one array; knows where in it the reading stands."""

    def __init__(self, file: JsonText, *, line: int = 1, stops: bool = False) -> None:
        self._file = file
        self._line = line
        self._stops = stops  # behind the array, whatever follows
        self._waiting = b""
        self._expected = "["

    @property
    def rest(self) -> bytes:
        """What follows the array, as far as it was read."""
        return self._waiting

    @property
    def line(self) -> int:
        """On which `rest` begins."""
        return self._line

    def cut(self, blocks: Iterator[bytes]) -> Iterator[JsonChunk]:
        """Chunks of whole elements."""
        for block in blocks:
            self._waiting += block
            while self._advance():
                chunk = self._take_elements()
                if chunk is None:
                    _check_length(self._file, self._waiting, self._line)
                    break
                yield chunk
            if self._stops and self._expected == "end":
                return
        if self._expected != "end":
            raise self._error("the file ends before its array does", "It is cut off: send it again")

    def _advance(self) -> bool:
        """Goes to the next element; whether one begins in what is there."""
        while not (self._stops and self._expected == "end"):
            self._drop(len(self._waiting) - len(self._waiting.lstrip(_BLANK)))
            mark = self._waiting[:1]
            if not mark:
                return False
            if mark == b"{" and self._expected in ("first", "element"):
                return True
            following = _FOLLOWING.get((self._expected, mark))
            if following is None:
                raise self._unexpected(mark.decode(errors="replace"))
            self._expected = following
            self._drop(1)
        return False

    def _unexpected(self, mark: str) -> ParseError:
        if self._expected == "end":
            return self._error("something follows the end of the array", "A file holds one array")
        what = (
            "an object" if self._expected in ("first", "element") else "a comma or the array's end"
        )
        return self._error(f"expected {what}, found {mark!r}", "Every element has to be an object")

    def _take_elements(self) -> JsonChunk | None:
        places, depths = find_depths(self._waiting)
        closed = np.flatnonzero(depths < 0)
        if len(closed):
            places, depths = places[: closed[0]], depths[: closed[0]]
        ends = places[depths == 0]
        if not len(ends):
            return None
        end = int(ends[-1]) + 1
        chunk = JsonChunk(self._file, self._waiting[:end], self._line)
        self._drop(end)
        self._expected = ","
        return chunk

    def _drop(self, size: int) -> None:
        self._line += self._waiting.count(b"\n", 0, size)
        self._waiting = self._waiting[size:]

    def _error(self, reason: str, hint: str) -> ParseError:
        return ParseError(reason, file=self._file.name, line=self._line, hint=hint)
