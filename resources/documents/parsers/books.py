"""E-books (EPUB): chapter after chapter, in the order of the book's spine."""

from __future__ import annotations

import posixpath
from typing import Any
from urllib.parse import unquote

from resources.documents.document import PageState
from resources.documents.parsers.gathering import Fact, Gathered
from resources.documents.parsers.packages import Package, open_package
from resources.documents.parsers.pages import put_tree, tree_of
from resources.documents.parsers.plain import decoded
from resources.documents.refusals import DocumentRefusedError
from resources.sandbox.ranged_file import RangedFile

_CONTAINER = "META-INF/container.xml"
_CONTENT_RIGHTS = "META-INF/rights.xml"
_DUBLIN_CORE = "purl.org/dc/elements/1.1/"
_FACTS: dict[str, Fact] = {
    "title": "title",
    "creator": "author",
    "language": "language",
    "date": "created",
    "description": "description",
}
_MORE = {"publisher", "identifier", "subject", "rights"}
_PAGES = ("application/xhtml+xml", "text/html")


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a book.

    Raises:
        DocumentRefusedError: it is locked, or no book.
    """
    with open_package(file, gathered.asked) as package:
        if package.has(_CONTENT_RIGHTS):
            raise DocumentRefusedError("encrypted", "It is locked by its seller (DRM)")
        package.require(_CONTAINER, "epub")
        root = next((one.get("full-path") for one in package.xml(_CONTAINER).iter() if one.get("full-path")), "")  # fmt: skip
        book = package.xml(root)
        described = (
            one for one in book.iter() if one.tag.rpartition("}")[0].endswith(_DUBLIN_CORE)
        )
        gathered.properties(described, _FACTS, _MORE)
        chapters = _chapters(book, posixpath.dirname(root))
        gathered.check_pages(len(chapters), "chapters")
        for number, name in enumerate(chapters, 1):
            _take_chapter(package, name, number, gathered)


def _chapters(book: Any, folder: str) -> list[str]:
    """Names of the parts with text, in the order of reading; each once, as the format has it: a few bytes would else be a long book."""
    items = {one.get("id"): one for one in book.iter() if one.tag.endswith("}item")}
    spine = [items.get(one.get("idref")) for one in book.iter() if one.tag.endswith("}itemref")]
    names = (
        posixpath.normpath(posixpath.join(folder, unquote(one.get("href") or "")))
        for one in spine
        if one is not None and one.get("media-type") in _PAGES
    )
    return list(dict.fromkeys(names))


def _take_chapter(package: Package, name: str, number: int, gathered: Gathered) -> None:
    try:
        with gathered.on_page(number):
            text, _ = decoded(package.read(name))
            put_tree(tree_of(text), gathered)
    except DocumentRefusedError as refused:
        gathered.pages.append(PageState(number, "failed", message=refused.message))
