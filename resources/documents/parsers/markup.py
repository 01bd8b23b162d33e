"""A tree of HTML elements as blocks: of pages, books and e-mails alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from resources.documents.parsers.gathering import Gathered, line

_LEFT_OUT = frozenset({"script", "style", "template", "noscript", "head", "iframe", "object", "svg", "math", "select", "button", "input", "textarea", "canvas", "audio", "video"})  # fmt: skip
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "hr",
        "html",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DEEPEST = 250
"""Elements in elements: what parsers of HTML allow is more."""


class MarkupWalk:
    """Goes over a tree, depth first, and puts what it finds into a `Gathered`.

    Args:
        gathered: where blocks go.
    """

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._text: list[str] = []
        """The line that is being put together."""
        self._lists: list[bool] = []
        self._put: Callable[[str], None] = gathered.paragraph

    def take(self, element: Any, depth: int = 0) -> None:
        """An element with all in it, and what comes after it up to its next neighbour."""
        tag = element.tag if isinstance(element.tag, str) else ""
        name = tag.rpartition("}")[2].lower()
        if name and name not in _LEFT_OUT and not _is_hidden(element):
            self._take_element(name, element, depth)
        self._say(element.tail)

    def end(self) -> None:
        """What is left of the last line."""
        text, self._text = "".join(self._text), []
        self._put(text.strip("\n"))
        self._put = self._gathered.paragraph

    def _take_element(self, name: str, element: Any, depth: int) -> None:
        special = getattr(self, f"_take_{name}", None)
        if depth > _DEEPEST:
            self._say(" ".join(element.itertext()))
        elif name in _HEADINGS:
            self.end()
            self._put = lambda text: self._gathered.heading(_HEADINGS[name], text)
            self._take_content(element, depth)
            self.end()
        elif special is not None:
            special(element, depth)
        elif name in _BLOCKS:
            self.end()
            self._take_content(element, depth)
            self.end()
        else:
            self._take_content(element, depth)

    def _take_content(self, element: Any, depth: int) -> None:
        self._say(element.text)
        for child in element:
            self.take(child, depth + 1)

    def _say(self, text: str | None) -> None:
        if text:
            self._text.append(" ".join(text.split()) if not text.isspace() else "")
            if text[:1].isspace():
                self._text[-1] = " " + self._text[-1]
            if text[-1:].isspace() and not text.isspace():
                self._text[-1] += " "

    def _take_br(self, _element: Any, _depth: int) -> None:
        self._text.append("\n")

    def _take_a(self, element: Any, depth: int) -> None:
        start = len(self._text)
        self._take_content(element, depth)
        self._gathered.link("".join(self._text[start:]), element.get("href") or "")

    def _take_img(self, element: Any, _depth: int) -> None:
        source = element.get("src") or ""
        if source.startswith("data:"):
            source = ""
        if self._text and "".join(self._text).strip():
            self._gathered.image(source, element.get("alt") or "", in_text=False)
            self._say(element.get("alt"))
        elif source or element.get("alt"):
            self._gathered.image(source, element.get("alt") or "")

    def _take_ul(self, element: Any, depth: int) -> None:
        self.end()
        self._lists.append(False)
        self._take_content(element, depth)
        self.end()
        self._lists.pop()

    def _take_ol(self, element: Any, depth: int) -> None:
        self.end()
        self._lists.append(True)
        self._take_content(element, depth)
        self.end()
        self._lists.pop()

    def _take_li(self, element: Any, depth: int) -> None:
        self.end()
        level, ordered = max(len(self._lists), 1), bool(self._lists and self._lists[-1])
        self._put = lambda text: self._gathered.item(text, level, ordered=ordered)
        put = self._put
        self._say(element.text)
        for child in element:
            if not "".join(self._text).strip() and child.tag in ("p", "div", "span"):
                self._say(child.text)  # `<li><p>` is an item, not an empty one with a paragraph
                for inner in child:
                    self._put = put
                    self.take(inner, depth + 2)
                self._say(child.tail)
            else:
                self.take(child, depth + 1)
        self.end()

    def _take_pre(self, element: Any, _depth: int) -> None:
        self.end()
        self._gathered.code("".join(element.itertext()))

    def _take_table(self, element: Any, depth: int) -> None:
        self.end()
        rows = list(_rows_of(element))
        if len(rows) < 2 or max(len(row) for row in rows) < 2 or _holds_layout(element):
            self._take_content(element, depth)  # a frame around text, no table
            self.end()
            return
        for link in element.iter("a"):
            self._gathered.link(_text_of(link), link.get("href") or "")
        self._gathered.table(
            [[text for text, _ in row] for row in rows],
            header=all(is_head for _, is_head in rows[0]),
        )


def _rows_of(table: Any) -> Iterator[list[tuple[str, bool]]]:
    """Rows of a table, each cell with whether it names a column; a cell over several columns is followed by empty ones."""
    for row in table.iter("tr"):
        cells: list[tuple[str, bool]] = []
        for cell in row:
            if cell.tag in ("td", "th"):
                is_head = cell.tag == "th" or row.getparent().tag == "thead"
                cells.append((_text_of(cell), is_head))
                cells += [("", is_head)] * (_span_of(cell) - 1)
        if cells:
            yield cells


def _span_of(cell: Any) -> int:
    span = cell.get("colspan") or "1"
    return min(max(int(span), 1), 100) if span.isascii() and span.isdigit() and len(span) < 5 else 1


def _holds_layout(table: Any) -> bool:
    """Whether it lays a page out: tables or headings in its cells."""
    return any(next(table.iter(name), None) is not None for name in _HEADINGS) or (
        sum(1 for _ in table.iter("table")) > 1
    )


def _text_of(element: Any) -> str:
    return line(" ".join(_texts_in(element)))


def _texts_in(element: Any) -> Iterator[str]:
    if element.text:
        yield element.text
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _LEFT_OUT:
            yield from _texts_in(child)
        if child.tail:
            yield child.tail


def _is_hidden(element: Any) -> bool:
    style = (element.get("style") or "").replace(" ", "").lower()
    return element.get("hidden") is not None or "display:none" in style
