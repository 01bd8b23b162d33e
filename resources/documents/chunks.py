"""A document in pieces for retrieval: whole blocks under the headings that they belong to, none larger than wanted.

A piece never crosses a heading of its document. A block that is too large by itself is cut at the end of a sentence, or between
words where there is none; a table between rows, its header repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from resources.documents.document import Block, Document, Heading, Table
from resources.documents.markdown import markdown_of

_SENTENCE_END = re.compile(
    "(?<=[.!?\u3002\uff01\uff1f])[\"'\u201d\u2019\u00bb)\\]]*\\s+|(?<=[\u3002\uff01\uff1f])|\\n"
)
"""Also those of Chinese and Japanese, behind which there is no space."""
_SMALLEST = 100


class ChunkRule(Struct, frozen=True):
    """How documents are cut."""

    by: Literal["heading", "size"] = "heading"
    """`heading`: a piece for each heading, more of them where its text is too large; `size`: as much as fits, over headings too."""
    size: Annotated[int, Meta(ge=_SMALLEST, le=100_000)] = 2_000
    """Most characters of a piece."""
    overlap: Annotated[int, Meta(ge=0, le=50_000)] = 200
    """Characters of the end of a piece that the next one begins with, where a text is cut."""


class Chunk(Struct, frozen=True):
    """A piece of a document."""

    number: int
    """From 1 on."""
    headings: list[str]
    """Those that its beginning stands under, from the outermost on."""
    page_from: int | None
    page_to: int | None
    text: str
    """Markdown."""


class _Piece(Struct):
    """Blocks that are to be one chunk."""

    headings: list[str]
    texts: list[str] = []
    pages: list[int] = []
    size: int = 0
    """Of its text, what stands between its blocks included; counted along, since it may have thousands of them."""

    def add(self, text: str, page: int | None) -> None:
        self.size += len(text) + (2 if self.texts else 0)
        self.texts.append(text)
        if page is not None:
            self.pages.append(page)


def chunks_of(document: Document, rule: ChunkRule) -> Iterator[Chunk]:
    """The pieces of a document, in its order; every block is in one of them.

    Args:
        document: what is cut.
        rule: how.
    """
    overlap = min(rule.overlap, rule.size // 2)
    for number, piece in enumerate(_pieces(document.blocks, rule, overlap), 1):
        pages = piece.pages
        yield Chunk(
            number,
            piece.headings,
            min(pages) if pages else None,
            max(pages) if pages else None,
            "\n\n".join(piece.texts),
        )


def _pieces(blocks: Sequence[Block], rule: ChunkRule, overlap: int) -> Iterator[_Piece]:
    path: list[tuple[int, str]] = []
    piece = _Piece([])
    for block in blocks:
        if isinstance(block, Heading):
            path = [one for one in path if one[0] < block.level] + [(block.level, block.text)]
            if rule.by == "heading" and _has_text(piece):
                yield piece
                piece = _Piece([text for _, text in path])
            elif not piece.texts or rule.by == "heading":
                piece.headings = [text for _, text in path]
        room = rule.size if _has_text(piece) else rule.size - piece.size - 2
        for text, is_cut in _texts(block, rule.size, overlap, max(room, _SMALLEST)):
            if piece.texts and (piece.size + 2 + len(text) > rule.size or is_cut):
                yield piece
                piece = _Piece([text for _, text in path])
            piece.add(text, block.page)
    if piece.texts:
        yield piece


def _has_text(piece: _Piece) -> bool:
    """Whether there is more in it than headings."""
    return any(not text.startswith("#") for text in piece.texts)


def _texts(block: Block, size: int, overlap: int, room: int) -> Iterator[tuple[str, bool]]:
    """The block as Markdown, in parts if it is too large, each with whether it goes on with the one before.

    The first part may be smaller: it has `room`, since headings stand above it.
    """
    text = markdown_of([block])
    if len(text) <= room:
        if text:
            yield text, False
    elif isinstance(block, Table) and len(block.rows) > 1:
        for number, part in enumerate(_table_parts(block, room)):
            yield from ((one, number > 0 or cut) for one, cut in _cut_text(part, size, 0, size))
    else:
        yield from _cut_text(text, size, overlap, room)


def _table_parts(table: Table, size: int) -> Iterator[str]:
    head, rows = (table.rows[:1], table.rows[1:]) if table.header else ([], table.rows)
    kept: list[list[str]] = []
    room = size - len(markdown_of([replace(table, rows=[*head, *rows[:1]])]))
    used = 0
    for row in rows:
        length = sum(len(cell) + 3 for cell in row) + 2
        if kept and used + length > room:
            yield markdown_of([replace(table, rows=[*head, *kept])])
            kept, used = [], 0
        used += length if kept else 0
        kept.append(row)
    if kept:
        yield markdown_of([replace(table, rows=[*head, *kept])])


def _cut_text(text: str, size: int, overlap: int, room: int) -> Iterator[tuple[str, bool]]:
    start = 0
    while start < len(text):
        end = _end_of_part(text, start, size if start else room)
        yield text[start:end].strip(), start > 0
        if end >= len(text):
            return
        start = max(_word_start(text, end - overlap), start + 1) if overlap else end


def _end_of_part(text: str, start: int, size: int) -> int:
    """Behind the last sentence that fits; between words where it would be less than half; else anywhere."""
    if len(text) - start <= size:
        return len(text)
    ends = [found.end() for found in _SENTENCE_END.finditer(text, start, start + size)]
    if ends and ends[-1] - start >= size // 2:
        return ends[-1]
    space = text.rfind(" ", start, start + size)
    return space + 1 if space - start >= size // 2 else start + size


def _word_start(text: str, place: int) -> int:
    space = text.find(" ", place, place + 50)
    return space + 1 if space >= 0 else place
