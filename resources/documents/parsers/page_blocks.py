"""A page's tree as blocks of text in reading order: each text once, whatever elements it is wrapped in.

Here: cutting a tree into paragraphs, headings, items, tables, code and pictures. Not here: which of them are the article
(`article.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from lxml.html import HtmlElement

Kind = Literal["text", "heading", "item", "table", "code", "picture"]

_SILENT = frozenset((
    "script", "style", "noscript", "template", "svg", "math-ml", "iframe", "object", "embed", "canvas", "head", "title", "meta", "link",
    "button", "input", "select", "option", "textarea", "dialog", "menu", "audio", "video", "source", "track", "map", "area", "wbr",
))  # fmt: skip
"""Elements of which no text is read."""
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "html", "li", "main", "nav", "ol", "p",
    "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption", "hr", "pre", "search",
))  # fmt: skip
"""Elements that begin and end a paragraph."""
_LAYOUT = frozenset(("table", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "nav", "form", "article", "section", "aside", "pre"))  # fmt: skip
"""What in a table tells that it only places things side by side."""
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n ?")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LONGEST_ALT = 1_000


@dataclass
class PageBlock:
    """A piece of a page, and where it stands."""

    kind: Kind
    text: str
    element: HtmlElement
    """The innermost block element that it is in."""
    level: int = 0
    """Of a heading 1 to 6, of an item how deep its list is."""
    is_ordered: bool = False
    rows: list[list[str]] = field(default_factory=list)
    has_header: bool = False
    source: str = ""
    """Of a picture, as it stands there."""
    linked: int = 0
    """How many of its characters are within links."""


def blocks_of(root: HtmlElement) -> list[PageBlock]:
    """The blocks of a page, in the order of its source."""
    return list(_Cutter(root).blocks())


class _Cutter:
    """Walks through a tree without recursion, and gives a block whenever one is complete."""

    def __init__(self, root: HtmlElement) -> None:
        self._root = root
        self._text: list[str] = []
        self._linked = 0
        self._in_link = 0
        self._begun: set[HtmlElement] = set()

    def blocks(self) -> Iterator[PageBlock]:
        stack: list[tuple[HtmlElement, bool]] = [(self._root, False)]
        while stack:
            element, is_end = stack.pop()
            if is_end:
                yield from self._leave(element)
                continue
            whole = self._whole(element)
            if whole is not None:
                yield from self._flush(element.getparent())
                yield from whole
            elif not _is_silent(element):
                yield from self._enter(element)
                stack.append((element, True))
                stack.extend((child, False) for child in reversed(element))
                continue
            self._add(element.tail)

    def _enter(self, element: HtmlElement) -> Iterator[PageBlock]:
        tag = element.tag
        if tag in _BLOCKS:
            yield from self._flush(element.getparent())
        elif tag == "br" and self._text and self._text[-1].endswith("\n"):
            yield from self._flush(element.getparent())  # two of them part paragraphs
        elif tag == "br":
            self._text.append("\n")
        elif tag == "a":
            self._in_link += 1
        self._add(element.text)

    def _leave(self, element: HtmlElement) -> Iterator[PageBlock]:
        tag = element.tag
        if tag in _BLOCKS:
            yield from self._flush(element)
        elif tag == "a":
            self._in_link -= 1
        self._add(element.tail)

    def _add(self, text: str | None) -> None:
        if text:
            self._text.append(text.replace("\n", " ").replace("\r", " "))
            self._linked += len(text.strip()) if self._in_link else 0

    def _flush(self, element: HtmlElement | None) -> Iterator[PageBlock]:
        linked, self._linked = self._linked, 0
        text = tidied("".join(self._text))
        self._text.clear()
        if not text or element is None:
            return
        at = _nearest(element)
        block = PageBlock("text", text, at, linked=linked)
        if at.tag[0] == "h" and at.tag[1:].isdigit():
            block.kind, block.level, block.text = (
                "heading",
                int(at.tag[1:]),
                text.replace("\n", " "),
            )
        elif (item := _item_of(at)) is not None and item not in self._begun:
            self._begun.add(item)
            block.kind, block.level, block.is_ordered = "item", *_list_of(item)
        yield block

    def _whole(self, element: HtmlElement) -> list[PageBlock] | None:
        """An element that is a block as it stands, with all that is in it."""
        if element.tag == "pre" and not _is_silent(element):
            text = "".join(element.itertext()).strip("\n")
            return [PageBlock("code", text, element)] if text.strip() else []
        if element.tag == "img":
            return _picture(element)
        if element.tag == "table" and not _is_silent(element) and not _is_layout(element):
            rows = list(_rows(element))
            heads = element.xpath("(.//tr)[1]/th")
            text = "\n".join(" ".join(row) for row in rows)
            table = PageBlock("table", text, element, rows=rows, has_header=bool(heads))
            return [*_caption(element), table] if text.strip() else []
        return None


def tidied(text: str) -> str:
    """Text with single blanks; line breaks that were asked for stay, one at a time."""
    return re.sub(r"\n+", "\n", _LINES.sub("\n", _SPACES.sub(" ", text))).strip()


def _is_silent(element: HtmlElement) -> bool:
    if not isinstance(element.tag, str) or element.tag in _SILENT:
        return True
    style = element.get("style")
    return (
        element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or bool(style and _HIDDEN.search(style))
    )


def _nearest(element: HtmlElement) -> HtmlElement:
    """The innermost element that begins and ends a paragraph; a heading or an item around a plain wrapper."""
    at = element
    while at.tag not in _BLOCKS and at.getparent() is not None:
        at = at.getparent()
    around = at
    for _ in range(4):
        if around.tag[0] == "h" and around.tag[1:].isdigit():
            return around
        if around.tag not in ("div", "p") or around.getparent() is None:
            break
        around = around.getparent()
    return at


def _item_of(element: HtmlElement) -> HtmlElement | None:
    at: HtmlElement | None = element
    for _ in range(4):
        if at is None or at.tag in ("ul", "ol", "table"):
            return None
        if at.tag == "li":
            return at
        at = at.getparent()
    return None


def _list_of(item: HtmlElement) -> tuple[int, bool]:
    """How deep the list of an item is, from 1 on, and whether it is numbered."""
    lists = list(item.iterancestors("ul", "ol"))
    return max(len(lists), 1), bool(lists) and lists[0].tag == "ol"


def _picture(element: HtmlElement) -> list[PageBlock]:
    source = element.get("src") or ""
    if source.startswith("data:") or not source.strip():
        source = element.get("data-src") or ""
    if not source.strip() or source.startswith("data:"):
        return []
    alt = tidied(element.get("alt") or "").replace("\n", " ")[:_LONGEST_ALT]
    return [PageBlock("picture", alt, element, source=source.strip())]


def _is_layout(table: HtmlElement) -> bool:
    """Whether a table only places things side by side."""
    if table.get("role") in ("presentation", "none"):
        return True
    rows = table.xpath(".//tr")
    if len(rows) < 2 or max(len(row.xpath("./td|./th")) for row in rows) < 2:
        return True
    return any(one.tag in _LAYOUT for one in table.iterdescendants())


def _rows(table: HtmlElement) -> Iterator[list[str]]:
    for row in table.iter("tr"):
        cells = [_cell(cell) for cell in row.xpath("./td|./th")]
        if any(cells):
            yield cells


def _cell(cell: HtmlElement) -> str:
    parts = [one.text for one in _Cutter(cell).blocks() if one.kind != "picture"]
    return tidied(" ".join(parts)).replace("\n", " ")


def _caption(table: HtmlElement) -> list[PageBlock]:
    return [
        PageBlock("text", text, caption)
        for caption in table.xpath("./caption")
        if (text := tidied("".join(caption.itertext())))
    ]
