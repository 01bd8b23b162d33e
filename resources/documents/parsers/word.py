"""Word documents: paragraphs, headings by their styles, lists, tables, notes; what was deleted by a tracked change is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from resources.documents.parsers.gathering import Gathered, line
from resources.documents.parsers.office_facts import put_office_facts, relations_of
from resources.documents.parsers.packages import Package, open_package
from resources.documents.parsers.word_styles import WordStyles
from resources.sandbox.ranged_file import RangedFile

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_MAIN = "word/document.xml"
_SKIPPED = {f"{_W}{name}" for name in ("del", "moveFrom", "pPr", "rPr", "sectPr", "instrText", "delText")} | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}  # fmt: skip
_BREAKS = {f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}tab": "\t", f"{_W}noBreakHyphen": "\u2011", f"{_W}softHyphen": ""}  # fmt: skip
_NOTES = (("footnotes", "footnote"), ("endnotes", "endnote"))
_PAGE_NUMBER = re.compile(r"\W*\d*\W*")


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a Word document."""
    with open_package(file, gathered.asked) as package:
        put_office_facts(package, gathered)
        package.require(_MAIN, "docx")
        _Reading(package, gathered).read()


class _Reading:
    """One document."""

    def __init__(self, package: Package, gathered: Gathered) -> None:
        self._package = package
        self._gathered = gathered
        self._styles = WordStyles.read(package)
        self._relations = relations_of(package, _MAIN)

    def read(self) -> None:
        """All of it: the body, then notes; headers and footers once, as metadata."""
        self._gathered.fact("language", self._styles.language)
        body = self._package.xml(_MAIN).find(f"{_W}body")
        if body is not None:
            self._take_blocks(body)
        for part, name in _NOTES:
            self._take_notes(part, name)
        for kind in ("header", "footer"):
            self._take_margins(kind)
        if self._package.has("word/comments.xml"):
            self._gathered.left_out("comments")

    def _take_blocks(self, parent: Any) -> None:
        for element in parent:
            if element.tag == f"{_W}p":
                self._take_paragraph(element)
            elif element.tag == f"{_W}tbl":
                self._gathered.table(self._rows(element), header=_is_header(element))
            elif element.tag == f"{_W}sdt":
                content = element.find(f"{_W}sdtContent")
                self._take_blocks(content if content is not None else ())
            elif element.tag in (f"{_W}ins", f"{_W}moveTo", f"{_W}customXml", f"{_W}smartTag"):
                self._take_blocks(element)

    def _take_paragraph(self, paragraph: Any) -> None:
        text = self._text(paragraph)
        style = self._styles.of(paragraph)
        if style.heading:
            self._gathered.heading(style.heading, text)
        elif style.list_level:
            self._gathered.item(text, style.list_level, ordered=style.ordered)
        else:
            self._gathered.paragraph(text)
        for picture in paragraph.iter(f"{_A}blip"):
            self._take_picture(paragraph, picture)
        for box in _boxes(paragraph):
            self._take_blocks(box)

    def _take_picture(self, paragraph: Any, picture: Any) -> None:
        _, target = self._relations.get(
            picture.get(f"{_R}embed") or picture.get(f"{_R}link") or "", ("", "")
        )
        told = next(paragraph.iter(f"{_WP}docPr"), None)
        self._gathered.image(target, (told.get("descr") or "") if told is not None else "")

    def _text(self, parent: Any) -> str:
        return "".join(self._texts(parent))

    def _texts(self, parent: Any) -> Iterator[str]:
        for element in parent:
            tag = element.tag
            if tag == f"{_W}t":
                yield element.text or ""
            elif tag in _BREAKS:
                yield "" if element.get(f"{_W}type") == "page" else _BREAKS[tag]
            elif tag == f"{_W}hyperlink":
                text = self._text(element)
                _, target = self._relations.get(element.get(f"{_R}id") or "", ("", ""))
                self._gathered.link(text, target)
                yield text
            elif tag == f"{_W}sym":
                yield " "
            elif tag not in _SKIPPED and not _is_box(element):
                yield from self._texts(element)

    def _rows(self, table: Any) -> Iterator[list[str]]:
        for row in table.iter(f"{_W}tr"):
            if next(row.iterancestors(f"{_W}tbl")) is not table:
                continue
            cells: list[str] = []
            for cell in row.iter(f"{_W}tc"):
                if next(cell.iterancestors(f"{_W}tr")) is row:
                    cells.append("" if _goes_on(cell) else self._cell_text(cell))
                    cells += [""] * (_span(cell) - 1)
            yield cells

    def _cell_text(self, cell: Any) -> str:
        return "\n".join(text for one in cell.iter(f"{_W}p") if (text := self._text(one).strip()))

    def _take_notes(self, part: str, name: str) -> None:
        tree = self._package.xml_if_any(f"word/{part}.xml")
        for note in tree.iter(f"{_W}{name}") if tree is not None else ():
            if note.get(f"{_W}type") in (None, "normal"):
                self._gathered.paragraph("\n".join(self._text(p) for p in note.iter(f"{_W}p")))

    def _take_margins(self, kind: str) -> None:
        """Text at the head or foot of pages, once, as metadata: it belongs to no place of the text."""
        texts: list[str] = []
        for related, target in self._relations.values():
            if related == kind and self._package.has(target):
                tree = self._package.xml(target)
                texts += [line(self._text(one)) for one in tree.iter(f"{_W}p")]
        kept = [text for text in dict.fromkeys(texts) if not _PAGE_NUMBER.fullmatch(text)]
        self._gathered.more(kind, " | ".join(kept))


def _boxes(paragraph: Any) -> Iterator[Any]:
    """What stands in text boxes; Word writes each twice, the second time for its older releases."""
    for box in paragraph.iter(f"{_W}txbxContent"):
        if not any(one.tag.endswith("}Fallback") for one in box.iterancestors()):
            yield box


def _is_box(element: Any) -> bool:
    return bool(element.tag == f"{_W}txbxContent")


def _is_header(table: Any) -> bool:
    """Whether the first row is repeated on each page, or looked at as one that names columns."""
    first = table.find(f"{_W}tr")
    if first is None:
        return False
    look = table.find(f"{_W}tblPr/{_W}tblLook")
    flagged = look is not None and (look.get(f"{_W}firstRow") == "1" or _first_row_bit(look))
    return flagged or first.find(f"{_W}trPr/{_W}tblHeader") is not None


def _first_row_bit(look: Any) -> bool:
    value = look.get(f"{_W}val") or "0"
    try:
        return bool(int(value, 16) & 0x20)
    except ValueError:
        return False


def _goes_on(cell: Any) -> bool:
    """Whether it is the lower part of a cell over several rows."""
    merge = cell.find(f"{_W}tcPr/{_W}vMerge")
    return merge is not None and merge.get(f"{_W}val") != "restart"


def _span(cell: Any) -> int:
    span = cell.find(f"{_W}tcPr/{_W}gridSpan")
    value = (span.get(f"{_W}val") or "1") if span is not None else "1"
    return (
        min(max(int(value), 1), 100)
        if value.isascii() and value.isdigit() and len(value) < 5
        else 1
    )
