"""What was read of a document: its blocks in reading order, where they stand, and what the file says of itself."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Level = Annotated[int, Meta(ge=1, le=9)]
PageNumber = Annotated[int, Meta(ge=1)]
"""Page, slide, sheet or chapter, from 1 on, as the kind of document has them."""


class Heading(Struct, frozen=True, tag="heading"):
    """A heading; all blocks up to the next one of its level belong to it."""

    level: Level
    text: str
    page: PageNumber | None = None


class Paragraph(Struct, frozen=True, tag="paragraph"):
    """Running text; its line breaks are those that its author meant."""

    text: str
    page: PageNumber | None = None


class ListItem(Struct, frozen=True, tag="item"):
    """One item of a list, without its mark."""

    text: str
    level: Level = 1
    ordered: bool = False
    page: PageNumber | None = None


class Table(Struct, frozen=True, tag="table"):
    """Rows of cells, all rows of one length."""

    rows: list[list[str]]
    header: bool = False
    """Whether the first row names the columns."""
    page: PageNumber | None = None


class Code(Struct, frozen=True, tag="code"):
    """Text of which every space and line break counts."""

    text: str
    language: str = ""
    page: PageNumber | None = None


class ImageRef(Struct, frozen=True, tag="image"):
    """A picture that stands here. Its bytes are not kept."""

    target: str
    """Where it is: an address, or its name within the file."""
    text: str = ""
    """What stands in for it, as the document says."""
    page: PageNumber | None = None


Block = Heading | Paragraph | ListItem | Table | Code | ImageRef


class Link(Struct, frozen=True):
    """A link out of the document."""

    text: str
    target: str
    page: PageNumber | None = None


class PageState(Struct, frozen=True):
    """What became of one page."""

    number: PageNumber
    state: Literal["text", "scanned", "empty", "failed"]
    """`scanned`: it shows pictures alone; `failed`: it is damaged, `message` says how."""
    characters: int = 0
    message: str = ""


class Document(Struct, frozen=True, kw_only=True):
    """A document as it was read."""

    title: str = ""
    """As the file says, or its first heading of the highest level."""
    language: str = ""
    """BCP 47, as far as the file says it."""
    author: str = ""
    created: str = ""
    """ISO 8601, as far as the file says it."""
    modified: str = ""
    description: str = ""
    metadata: dict[str, str] = {}
    """What else the file says of itself: keywords, subject, what was left out (`left_out`), headers of pages, ..."""
    blocks: list[Block] = []
    pages: list[PageState] = []
    """Of documents that have pages."""
    links: list[Link] = []
    images: list[ImageRef] = []

    @property
    def characters(self) -> int:
        """Characters of its text."""
        return sum(characters_of(block) for block in self.blocks)


def characters_of(block: Block) -> int:
    """Characters of the text of a block."""
    if isinstance(block, Table):
        return sum(sum(map(len, row)) for row in block.rows)
    return len(block.text)
