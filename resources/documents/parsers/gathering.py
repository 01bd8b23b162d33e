"""Where a parser puts what it finds: blocks in their order, cleaned of what no text may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

from resources.documents.document import (
    Block,
    Code,
    Document,
    Heading,
    ImageRef,
    Link,
    ListItem,
    PageState,
    Paragraph,
    Table,
    characters_of,
)
from resources.documents.refusals import DocumentRefusedError
from resources.documents.requests import ReadRequest

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Characters that databases, files and terminals refuse or obey."""
_SPACES = re.compile(r"[ \t\u00a0]+")
_MOST_VALUE = 2_000
"""Characters of one piece of metadata."""
_DEEPEST = 9
MOST_CELLS = 2_000_000
"""Of all tables of a document that are not empty."""
Fact = Literal["title", "language", "author", "created", "modified", "description"]


class Gathered:
    """What a parser has found so far.

    Args:
        asked: what is wanted, and the limits.
    """

    def __init__(self, asked: ReadRequest) -> None:
        self.asked = asked
        self.page: int | None = None
        """Where what comes next stands."""
        self.blocks: list[Block] = []
        self.pages: list[PageState] = []
        self.links: list[Link] = []
        self.images: list[ImageRef] = []
        self.metadata: dict[str, str] = {}
        self._facts: dict[Fact, str] = {}
        self._cells = 0

    def heading(self, level: int, text: str) -> None:
        """A heading; nothing if it has no text."""
        if plain := line(text):
            self.blocks.append(Heading(min(max(level, 1), _DEEPEST), plain, self.page))

    def paragraph(self, text: str) -> None:
        """A paragraph, with its line breaks; nothing if it has no text."""
        if plain := lines(text):
            self.blocks.append(Paragraph(plain, self.page))

    def item(self, text: str, level: int = 1, *, ordered: bool = False) -> None:
        """An item of a list; nothing if it has no text."""
        if plain := lines(text):
            self.blocks.append(ListItem(plain, min(max(level, 1), _DEEPEST), ordered, self.page))

    def code(self, text: str, language: str = "") -> None:
        """Code as it stands; nothing if it has no text."""
        if text.strip():
            self.blocks.append(Code(cleaned(text).strip("\n"), language, self.page))

    def table(self, rows: Iterable[Sequence[str]], *, header: bool = False) -> None:
        """A table; empty rows and columns are left out, short rows filled up. Nothing if it has no text."""
        cells = [list(self._cells_of(row)) for row in rows]
        cells = [row for row in cells if any(row)]
        if not cells:
            return
        width = max(map(len, cells))
        for row in cells:
            row.extend([""] * (width - len(row)))
        kept = [n for n in range(width) if any(row[n] for row in cells)]
        if len(kept) < width:
            cells = [[row[n] for n in kept] for row in cells]
        self.blocks.append(Table(cells, header and len(cells) > 1, self.page))

    def _cells_of(self, row: Sequence[str]) -> Iterator[str]:
        """The cells of a row, as long as the document does not have too many: each takes twenty times the memory that it takes as text.

        Raises:
            DocumentRefusedError: it has.
        """
        self._cells += len(row) - row.count("")
        if self._cells > MOST_CELLS:
            raise DocumentRefusedError(
                "over_size",
                f"Its tables have more than {MOST_CELLS:,} cells: data of that size belong into a dataset",
            )
        return (lines(cell) if cell else cell for cell in row)

    def image(self, target: str, text: str = "", *, in_text: bool = True) -> None:
        """A picture.

        Args:
            target: its address or name.
            text: what stands in for it.
            in_text: whether it is a block of its own at this place.
        """
        found = ImageRef(line(target), line(text), self.page)
        self.images.append(found)
        if in_text:
            self.blocks.append(found)

    def link(self, text: str, target: str) -> None:
        """A link out of the document; nothing for one within it."""
        plain = line(target)
        if plain and not plain.startswith("#"):
            self.links.append(Link(line(text), plain, self.page))

    def fact(self, name: Fact, value: object) -> None:
        """What the file says of itself; the first word counts."""
        text = _dated(value) if isinstance(value, datetime) else line(str(value or ""))
        if text and name not in self._facts:
            self._facts[name] = text[:_MOST_VALUE]

    def more(self, name: str, value: object) -> None:
        """Other metadata; the first word counts, nothing if it is empty."""
        text = _dated(value) if isinstance(value, datetime) else line(str(value or ""))
        if text:
            self.metadata.setdefault(line(name)[:100], text[:_MOST_VALUE])

    def properties(
        self, elements: Iterable[Any], facts: Mapping[str, Fact], more: Container[str]
    ) -> None:
        """What elements of XML say, by their names.

        Args:
            elements: each a property.
            facts: names of those that are facts.
            more: names of those that are other metadata.
        """
        for element in elements:
            name = element.tag.rpartition("}")[2]
            if name in facts:
                self.fact(facts[name], element.text)
            elif name in more:
                self.more(name, element.text)

    def left_out(self, what: str) -> None:
        """Names what the file holds and the document does not."""
        before = self.metadata.get("left_out", "")
        if what not in before.split(", "):
            self.metadata["left_out"] = f"{before}, {what}" if before else what

    @contextmanager
    def on_page(self, number: int) -> Iterator[None]:
        """What is put within the context stands on this page, whose state is noted where it ends without an error."""
        self.page = number
        before = len(self.blocks)
        yield
        count = sum(characters_of(block) for block in self.blocks[before:])
        self.pages.append(PageState(number, "text" if count else "empty", count))

    def check_pages(self, count: int, what: str = "pages") -> None:
        """Refuses a document of too many pages.

        Raises:
            DocumentRefusedError: see there.
        """
        if count > self.asked.pages:
            raise DocumentRefusedError(
                "over_pages",
                f"It has {count:,} {what}, at most {self.asked.pages:,} are read",
            )

    def document(self) -> Document:
        """All of it."""
        title = self._facts.pop("title", "") or self._first_heading()
        return Document(
            title=title, metadata=self.metadata, blocks=self.blocks, pages=self.pages, links=self.links,
            images=self.images, **self._facts,
        )  # fmt: skip

    def _first_heading(self) -> str:
        headings = [block for block in self.blocks if isinstance(block, Heading)]
        return min(headings, key=lambda one: one.level).text if headings else ""


def cleaned(text: str) -> str:
    """Text without characters that are none; line breaks are those of Unix."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return _UNFIT.sub("", text) if _UNFIT.search(text) else text


def line(text: str) -> str:
    """Text as one line, each space a single one."""
    return " ".join(cleaned(text).split())


def lines(text: str) -> str:
    """Text as lines without spaces around them; each space a single one."""
    plain = cleaned(text)
    if "\n" not in plain:
        return " ".join(plain.split())
    return "\n".join(_SPACES.sub(" ", one).strip() for one in plain.strip().split("\n"))


def _dated(value: datetime) -> str:
    return value.isoformat(timespec="seconds")
