"""Text that was recognised on scanned pages, put where it belongs in the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from resources.documents.document import Block, Document, PageState, Paragraph
from resources.documents.requests import OcrPage


def with_recognised(document: Document, found: Sequence[OcrPage]) -> Document:
    """The document with the text of those pages.

    Args:
        document: with pages of the state `scanned`.
        found: what was recognised on them.
    """
    by_page = {page.page: page for page in found}
    pages = [_state(page, by_page.get(page.number)) for page in document.pages]
    return replace(
        document,
        blocks=list(_merged(document.blocks, found)),
        pages=pages,
        metadata=document.metadata | {"recognised_pages": str(sum(bool(one.lines) for one in found))},
    )  # fmt: skip


def _state(page: PageState, found: OcrPage | None) -> PageState:
    if found is None:
        return page
    if found.message:
        return replace(page, state="failed", message=found.message)
    characters = sum(map(len, found.lines))
    return replace(page, state="text" if characters else "empty", characters=characters)


def _merged(blocks: Sequence[Block], found: Sequence[OcrPage]) -> Iterator[Block]:
    """Blocks in the order of their pages; recognised text stands before the pictures of its page."""
    waiting = [
        Paragraph("\n".join(page.lines), page.page)
        for page in sorted(found, key=lambda one: one.page)
        if page.lines
    ]
    for block in blocks:
        while waiting and block.page is not None and (waiting[0].page or 0) <= block.page:
            yield waiting.pop(0)
        yield block
    yield from waiting
