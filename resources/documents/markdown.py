"""A document as Markdown, as JSON, or as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from resources.documents.document import (
    Block,
    Code,
    Document,
    Heading,
    ImageRef,
    ListItem,
    Paragraph,
    Table,
)

_MARKS = re.compile(r"([\\`*_\[\]<>])")
_AT_BEGINNING = re.compile(
    r"^(\s*(?:\d{1,9}(?=[.)]))?)([#>+-]|[.)]|={3,}|~{3,})(?=\s|$|#)", re.MULTILINE
)
_FIRST = frozenset("#>+-=~ \t0123456789")
_UNFIT_CELL = re.compile(
    r"[\\`*_\[\]<>|\n]|\A\s*(?:\d{1,9}(?=[.)]))?(?:[#>+-]|[.)]|={3,}|~{3,})(?=\s|\Z|#)"
)
"""Finds something in a cell that has to be escaped: of a table with many of them most need nothing."""
_BACKTICKS = re.compile(r"`{3,}")
_DEEPEST_HEADING = 6


def to_markdown(document: Document) -> str:
    """Markdown, with tables as GitHub has them. Text that looks like a mark of Markdown is escaped."""
    return markdown_of(document.blocks)


def markdown_of(blocks: Sequence[Block]) -> str:
    """Some blocks as Markdown."""
    numbers = _item_numbers(blocks)
    return _put_together(blocks, lambda block: _markdown(block, numbers.get(id(block), 1)))


def to_text(document: Document) -> str:
    """Text alone: a paragraph a block, cells separated by tabs."""
    return text_of(document.blocks)


def text_of(blocks: Sequence[Block]) -> str:
    """Some blocks as plain text."""
    return _put_together(blocks, _text)


def to_json(document: Document) -> str:
    """All that is known of it, as compact JSON."""
    return msgspec.json.encode(document).decode()


def _put_together(blocks: Sequence[Block], shown: Callable[[Block], str]) -> str:
    """Blocks with an empty line between them, items of a list without."""
    return "".join(_spaced(blocks, shown))


def _spaced(blocks: Sequence[Block], shown: Callable[[Block], str]) -> Iterator[str]:
    before: Block | None = None
    for block in blocks:
        text = shown(block)
        if not text:
            continue
        if before is not None:
            is_list = isinstance(before, ListItem) and isinstance(block, ListItem)
            yield "\n" if is_list else "\n\n"
        yield text
        before = block


def _item_numbers(blocks: Sequence[Block]) -> dict[int, int]:
    """Of the items of lists that count, by their identity. A list without numbers before them is another list."""
    numbers: dict[int, int] = {}
    counts: list[int] = []
    for block in blocks:
        if not isinstance(block, ListItem):
            counts = []
            continue
        counts = [*counts[: block.level], *[0] * (block.level - len(counts))]
        counts[-1] = counts[-1] + 1 if block.ordered else 0
        numbers[id(block)] = counts[-1]
    return numbers


def _markdown(block: Block, number: int) -> str:
    match block:
        case Heading():
            return f"{'#' * min(block.level, _DEEPEST_HEADING)} {_escaped(block.text)}"
        case Paragraph():
            return _escaped(block.text).replace("\n", "  \n")
        case ListItem():
            mark = f"{number}." if block.ordered else "-"
            indent = "   " * (block.level - 1)
            text = _escaped(block.text).replace("\n", f"  \n{indent}   ")
            return f"{indent}{mark} {text}"
        case Table():
            return "\n".join(_markdown_rows(block))
        case Code():
            fence = max([*_BACKTICKS.findall(block.text), "``"], key=len) + "`"
            return f"{fence}{block.language}\n{block.text}\n{fence}"
        case ImageRef():
            return f"![{_escaped(block.text)}](<{block.target.replace('>', '%3E')}>)"


def _markdown_rows(table: Table) -> Iterator[str]:
    """Rows of a table; one whose first row names no columns gets an empty one, as Markdown has no other."""
    width = len(table.rows[0]) if table.rows else 0
    rows = table.rows if table.header else [[""] * width, *table.rows]
    for number, row in enumerate(rows):
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
        if number == 0:
            yield f"|{' --- |' * width}"


def _cell(text: str) -> str:
    if not _UNFIT_CELL.search(text):
        return text
    return _escaped(text).replace("|", "\\|").replace("\n", "<br>")


def _escaped(text: str) -> str:
    if _MARKS.search(text):
        text = _MARKS.sub(r"\\\1", text)
    if text[:1] in _FIRST or "\n" in text:  # tables have many cells: most of them need nothing
        text = _AT_BEGINNING.sub(r"\1\\\2", text)
    return text


def _text(block: Block) -> str:
    match block:
        case Table():
            return "\n".join(
                "\t".join(cell.replace("\n", " ") for cell in row) for row in block.rows
            )
        case ListItem():
            return f"{'  ' * (block.level - 1)}- {block.text}"
        case _:
            return block.text
