"""OpenDocument texts: headings, paragraphs, lists and tables in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resources.documents.kinds import mismatch
from resources.documents.parsers.gathering import Fact, Gathered
from resources.documents.parsers.packages import open_package
from resources.documents.refusals import DocumentRefusedError
from resources.sandbox.ranged_file import RangedFile

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_FACTS: dict[str, Fact] = {
    "title": "title",
    "initial-creator": "author",
    "creator": "author",
    "language": "language",
    "creation-date": "created",
    "date": "modified",
    "description": "description",
}
_MORE = {"subject", "keyword", "generator"}
_SKIPPED = {f"{_OFFICE}annotation", f"{_TEXT}tracked-changes", f"{_TEXT}sequence-decls"}
_MOST_REPEATED = 1_000


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads an OpenDocument text."""
    with open_package(file, gathered.asked) as package:
        manifest = package.xml_if_any("META-INF/manifest.xml")
        if manifest is not None and any(
            one.tag.endswith("}encryption-data") for one in manifest.iter()
        ):
            raise DocumentRefusedError("encrypted", "It is locked with a password")
        meta = package.xml_if_any("meta.xml")
        if meta is not None:
            gathered.properties(meta.iter(), _FACTS, _MORE)
        styles = package.xml_if_any("styles.xml")
        if styles is not None:
            gathered.fact("language", _language(styles))
        if any(name.startswith("Basic/") for name in package.names):
            gathered.left_out("macros")
        tree = package.xml("content.xml")
        body = tree.find(f"{_OFFICE}body/{_OFFICE}text")
        if body is None:
            raise mismatch("odt", "another kind of it")
        _Reading(gathered, _ordered_lists(tree)).take_blocks(body)


def _language(styles: Any) -> str:
    for properties in styles.iter(f"{_STYLE}text-properties"):
        language, country = properties.get(f"{_FO}language"), properties.get(f"{_FO}country")
        if language and language != "none":
            return f"{language}-{country}" if country and country != "none" else str(language)
    return ""


def _ordered_lists(tree: Any) -> set[str]:
    """Styles of lists whose first level counts."""
    return {
        str(style.get(f"{_STYLE}name"))
        for style in tree.iter(f"{_TEXT}list-style")
        if len(style) and style[0].tag == f"{_TEXT}list-level-style-number"
    }


class _Reading:
    """One document."""

    def __init__(self, gathered: Gathered, ordered: set[str]) -> None:
        self._gathered = gathered
        self._ordered = ordered

    def take_blocks(self, parent: Any) -> None:
        """All that stands in an element."""
        for element in parent:
            tag = element.tag
            if tag == f"{_TEXT}h":
                level = element.get(f"{_TEXT}outline-level") or "1"
                self._gathered.heading(int(level) if level.isdigit() else 1, self._text(element))
            elif tag == f"{_TEXT}p":
                self._take_paragraph(element)
            elif tag == f"{_TEXT}list":
                self._take_list(
                    element, 1, ordered=element.get(f"{_TEXT}style-name") in self._ordered
                )
            elif tag == f"{_TABLE}table":
                is_header = element.find(f"{_TABLE}table-header-rows") is not None
                self._gathered.table(self._rows(element), header=is_header)
            elif tag not in _SKIPPED:
                self.take_blocks(element)  # sections, indexes, frames

    def _take_paragraph(self, element: Any) -> None:
        self._gathered.paragraph(self._text(element))
        for frame in element.iter(f"{_DRAW}frame"):
            around = next(frame.iterancestors(f"{_DRAW}text-box", f"{_TEXT}p"), None)
            if around is element:  # those in a box come with it
                self._take_frame(frame)

    def _take_frame(self, frame: Any) -> None:
        for image in frame.findall(f"{_DRAW}image"):
            told = frame.findtext(f"{_SVG}desc") or frame.findtext(f"{_SVG}title") or ""
            self._gathered.image(image.get(f"{_XLINK}href") or "", told)
        for box in frame.findall(f"{_DRAW}text-box"):
            self.take_blocks(box)

    def _take_list(self, element: Any, level: int, *, ordered: bool) -> None:
        for item in element:
            for child in item:
                if child.tag == f"{_TEXT}list":
                    self._take_list(child, level + 1, ordered=ordered)
                else:
                    self._gathered.item(self._text(child), level, ordered=ordered)

    def _rows(self, table: Any) -> Iterator[list[str]]:
        for row in table.iter(f"{_TABLE}table-row"):
            cells: list[str] = []
            for cell in row:
                if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                    continue
                text = "\n".join(self._text(one) for one in cell.iter(f"{_TEXT}p", f"{_TEXT}h"))
                repeated = cell.get(f"{_TABLE}number-columns-repeated") or "1"
                times = int(repeated) if repeated.isdigit() and len(repeated) < 6 else 1
                cells += [text] * min(times, _MOST_REPEATED)
            yield cells

    def _text(self, element: Any) -> str:
        return "".join(self._texts(element))

    def _texts(self, element: Any) -> Iterator[str]:
        yield element.text or ""
        for child in element:
            tag = child.tag
            if tag == f"{_TEXT}s":
                count = child.get(f"{_TEXT}c") or "1"
                yield " " * min(int(count) if count.isdigit() and len(count) < 5 else 1, 100)
            elif tag == f"{_TEXT}tab":
                yield "\t"
            elif tag == f"{_TEXT}line-break":
                yield "\n"
            elif tag == f"{_TEXT}note":
                yield from self._note(child)
            elif tag not in _SKIPPED and tag != f"{_DRAW}frame":
                text = "".join(self._texts(child))
                if tag == f"{_TEXT}a":
                    self._gathered.link(text, child.get(f"{_XLINK}href") or "")
                yield text
            yield child.tail or ""

    def _note(self, note: Any) -> Iterator[str]:
        body = note.find(f"{_TEXT}note-body")
        if body is not None:
            yield " (" + " ".join(self._text(one) for one in body) + ")"
