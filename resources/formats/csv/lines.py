"""Text of a file as its records are cut from it: lines that are no data left blank, escapes put out of the way.

A line that is left out keeps its newline, so the lines of everything else keep their numbers. What an escape protects is
hidden behind a character that no text has, and comes back in the values (`restore`): whatever cuts records and fields
then needs to know nothing of escapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.compression import BLOCK_BYTES
from resources.formats.csv.dialect import CsvDialect
from resources.formats.decoding import TextEncoding, decode_blocks
from resources.formats.files import SourceFile
from resources.kernel.errors import ParseError

_PLACEHOLDERS = (
    "\ufdd0\ufdd1\ufdd2\ufdd3\ufdd4\ufdd5"  # noncharacters: Unicode keeps them out of text
)


@dataclass(frozen=True)
class Escape:
    """A sign before a quote, a separator, a newline or itself that takes their meaning away."""

    sign: str
    separator: str
    quote: str | None

    def pairs(self) -> list[tuple[str, str, str]]:
        """What is protected, as it is written and as it is hidden, in the order of replacement."""
        protected = [self.sign, self.quote or "", self.separator, "\r\n", "\n", "\r"]
        return [
            (plain, self.sign + plain, hidden)
            for plain, hidden in zip(protected, _PLACEHOLDERS, strict=True)
            if plain
        ]

    def hide(self, text: str) -> str:
        """The text without anything that is escaped."""
        for _, written, hidden in self.pairs():
            text = text.replace(written, hidden)
        return text

    def restore(self, texts: pa.Array) -> pa.Array:
        """The values of a column as they are meant."""
        for plain, _, hidden in self.pairs():
            texts = pc.replace_substring(texts, hidden, plain)
        return texts

    def restore_text(self, text: str) -> str:
        """One value, or a stretch of text as the file has it."""
        for plain, _, hidden in self.pairs():
            text = text.replace(hidden, plain)
        return text


def holds_hidden(data: bytes) -> bool:
    """Whether there is something to restore."""
    return b"\xef\xb7" in data and any(hidden.encode() in data for hidden in _PLACEHOLDERS)


@dataclass(frozen=True)
class Cuts:
    """Which lines are no data, and the escape of the rest."""

    first_lines: int = 0
    """Lines above the header: a title, or Excel's `sep=;`."""
    last_lines: int = 0
    """Lines at the end that are not blank: totals."""
    comment: str | None = None
    escape: Escape | None = None

    @property
    def leaves_blanks(self) -> bool:
        """Whether a blank line may be one that was left out."""
        return bool(self.first_lines or self.last_lines or self.comment)

    @property
    def moves_bytes(self) -> bool:
        """Whether offsets in the text are others than in the file."""
        return self.leaves_blanks or self.escape is not None


def read_text(
    file: SourceFile,
    encoding: TextEncoding,
    dialect: CsvDialect,
    cuts: Cuts,
    size: int = BLOCK_BYTES,
) -> Iterator[bytes]:
    """The file's text as blocks of UTF-8 without what is cut.

    Raises:
        ParseError: see `decode_blocks`; a character that hides what is escaped.
    """
    blocks = decode_blocks(file, encoding, size)
    if not cuts.moves_bytes:
        return blocks
    newline = dialect.newline
    end = newline[-1:]
    if cuts.first_lines:
        blocks = _blank_first(blocks, cuts.first_lines, newline)
    if cuts.escape is not None:
        blocks = _hide(file, blocks, cuts.escape)
    if cuts.comment:
        blocks = _blank_comments(_whole_lines(blocks, end), cuts.comment.encode(), dialect)
    if cuts.last_lines:
        blocks = _without_last(blocks, cuts.last_lines, end)
    return blocks


def _blank_first(blocks: Iterator[bytes], lines: int, newline: bytes) -> Iterator[bytes]:
    for block in blocks:
        place, blank = 0, b""
        while lines and place < len(block):
            found = block.find(newline[-1:], place)
            place = found + 1 or len(block)
            if found >= 0:
                blank, lines = blank + newline, lines - 1
        yield blank + block[place:]


def _hide(file: SourceFile, blocks: Iterator[bytes], escape: Escape) -> Iterator[bytes]:
    pairs = [(written.encode(), hidden.encode()) for _, written, hidden in escape.pairs()]
    sign, waiting = escape.sign.encode(), b""
    for block in blocks:
        if holds_hidden(block):
            raise ParseError(
                "a noncharacter of Unicode (U+FDD0 to U+FDD5), which cannot be read together with `escape:`",
                file=file.name,
                hint="Take it out, or write the file with doubled quotes",
            )
        data = waiting + block
        whole = len(data.removesuffix(b"\r").rstrip(sign))  # what an escape protects may follow
        waiting = data[whole:]
        yield _replaced(data[:whole], pairs)
    if waiting:
        yield _replaced(waiting, pairs)


def _replaced(data: bytes, pairs: list[tuple[bytes, bytes]]) -> bytes:
    for written, hidden in pairs:
        data = data.replace(written, hidden)
    return data


def _whole_lines(blocks: Iterator[bytes], end: bytes) -> Iterator[bytes]:
    waiting = b""
    for block in blocks:
        data = waiting + block
        place = data.rfind(end) + 1
        waiting = data[place:]
        if place:
            yield data[:place]
    if waiting:
        yield waiting


def _blank_comments(
    blocks: Iterator[bytes], comment: bytes, dialect: CsvDialect
) -> Iterator[bytes]:
    """Lines that begin with the sign, outside quotes, without their text."""
    sign, newline = (dialect.quote or "").encode(), dialect.newline
    inside = False
    for block in blocks:
        pieces, done, seen = [], 0, 0
        for start in _line_starts(block, comment, newline[-1:]):
            if sign:
                inside ^= bool(block.count(sign, seen, start) % 2)
            seen = start
            if inside:
                continue
            end = block.find(newline[-1:], start)
            pieces.append(block[done:start])
            pieces.append(newline if end >= 0 else b"")
            done = seen = end + 1 or len(block)
        if sign:
            inside ^= bool(block.count(sign, seen) % 2)
        yield b"".join([*pieces, block[done:]])


def _line_starts(block: bytes, comment: bytes, end: bytes) -> Iterator[int]:
    if block.startswith(comment):
        yield 0
    place = block.find(end + comment)
    while place >= 0:
        yield place + 1
        place = block.find(end + comment, place + 1)


def _without_last(blocks: Iterator[bytes], lines: int, end: bytes) -> Iterator[bytes]:
    held = b""
    for block in blocks:
        data = held + block
        place = _start_of_last(data, lines, end)
        if place:
            yield data[:place]
        held = data[place:]


def _start_of_last(data: bytes, lines: int, end: bytes) -> int:
    """Where the last lines begin that are not blank; 0 if there are no more than those."""
    place = len(data)
    for _ in range(lines):
        text = data[:place].rstrip(b"\r\n")
        place = text.rfind(end) + 1
    return place
