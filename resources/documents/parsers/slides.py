"""PowerPoint presentations: slide after slide, its title as a heading, its texts, tables and notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resources.documents.parsers.gathering import Gathered
from resources.documents.parsers.office_facts import put_office_facts, relations_of
from resources.documents.parsers.packages import Package, open_package
from resources.sandbox.ranged_file import RangedFile

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MAIN = "ppt/presentation.xml"
_TITLES = ("title", "ctrTitle")
_OF_EVERY_SLIDE = ("sldNum", "dt", "ftr", "hdr", "sldImg")


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a presentation."""
    with open_package(file, gathered.asked) as package:
        put_office_facts(package, gathered)
        package.require(_MAIN, "pptx")
        relations = relations_of(package, _MAIN)
        listed = package.xml(_MAIN).iter(f"{_P}sldId")
        parts = [relations.get(one.get(f"{_R}id") or "", ("", ""))[1] for one in listed]
        gathered.check_pages(len(parts), "slides")
        for number, part in enumerate(parts, 1):
            with gathered.on_page(number):
                _take_slide(package, part, gathered)


def _take_slide(package: Package, part: str, gathered: Gathered) -> None:
    relations = relations_of(package, part)
    _Slide(gathered, relations).take(package.xml(part))
    for kind, target in relations.values():
        if kind == "notesSlide" and package.has(target):
            notes = _Slide(gathered, relations_of(package, target))
            notes.take(package.xml(target), is_notes=True)
        if kind == "comments":
            gathered.left_out("comments")


class _Slide:
    """One slide, or its notes, with the relations of that part."""

    def __init__(self, gathered: Gathered, relations: dict[str, tuple[str, str]]) -> None:
        self._gathered = gathered
        self._relations = relations

    def take(self, tree: Any, *, is_notes: bool = False) -> None:
        """All shapes: the title first, the others as they are on the slide, from above."""
        shapes = sorted(_shapes(tree), key=lambda one: (not _is_title(one), *_place(one)))
        for shape in shapes:
            self._take_shape(shape, is_title=_is_title(shape) and not is_notes)

    def _take_shape(self, shape: Any, *, is_title: bool) -> None:
        if shape.tag == f"{_P}graphicFrame":
            for table in shape.iter(f"{_A}tbl"):
                self._gathered.table(self._rows(table), header=_has_header(table))
        elif shape.tag == f"{_P}pic":
            self._take_picture(shape)
        elif is_title:
            texts = (self._text(one) for one in shape.iter(f"{_A}p"))
            self._gathered.heading(1, " ".join(texts))
        else:
            self._take_paragraphs(shape)

    def _take_paragraphs(self, shape: Any) -> None:
        is_list = (
            _placeholder(shape) in ("body", "obj", "") and shape.find(f".//{_P}ph") is not None
        )
        said = [(one, self._text(one)) for one in shape.iter(f"{_A}p")]
        paragraphs = [(one, text) for one, text in said if text.strip()]
        for one, text in paragraphs:
            settings = one.find(f"{_A}pPr")
            if is_list and len(paragraphs) > 1 and not _is_unmarked(settings):
                level = (settings.get("lvl") or "0") if settings is not None else "0"
                ordered = settings is not None and settings.find(f"{_A}buAutoNum") is not None
                self._gathered.item(text, int(level) + 1 if level.isdigit() else 1, ordered=ordered)
            else:
                self._gathered.paragraph(text)

    def _text(self, paragraph: Any) -> str:
        parts = []
        for element in paragraph.iter(f"{_A}t", f"{_A}br", f"{_A}hlinkClick"):
            if element.tag == f"{_A}t":
                parts.append(element.text or "")
            elif element.tag == f"{_A}br":
                parts.append("\n")
            else:
                self._take_link(element)
        return "".join(parts)

    def _take_link(self, element: Any) -> None:
        kind, target = self._relations.get(element.get(f"{_R}id") or "", ("", ""))
        run = element.getparent().getparent() if element.getparent() is not None else None
        text = run.findtext(f"{_A}t") if run is not None else ""
        if kind == "hyperlink":
            self._gathered.link(text or "", target)

    def _take_picture(self, shape: Any) -> None:
        told, blip = shape.find(f".//{_P}cNvPr"), shape.find(f".//{_A}blip")
        reference = (
            blip.get(f"{_R}embed") or blip.get(f"{_R}link") or "" if blip is not None else ""
        )
        text = (told.get("descr") or "") if told is not None else ""
        self._gathered.image(self._relations.get(reference, ("", ""))[1], text)

    def _rows(self, table: Any) -> Iterator[list[str]]:
        for row in table.iter(f"{_A}tr"):
            yield [
                "\n".join(self._text(one) for one in cell.iter(f"{_A}p"))
                for cell in row.iter(f"{_A}tc")
            ]


def _shapes(tree: Any) -> Iterator[Any]:
    """Shapes with text, tables and pictures, those in groups too; what stands on every slide is left out."""
    for shape in tree.iter(f"{_P}sp", f"{_P}graphicFrame", f"{_P}pic"):
        if _placeholder(shape) not in _OF_EVERY_SLIDE:
            yield shape


def _placeholder(shape: Any) -> str:
    found = shape.find(f".//{_P}ph")
    return (found.get("type") or "") if found is not None else "none"


def _is_title(shape: Any) -> bool:
    return _placeholder(shape) in _TITLES


def _place(shape: Any) -> tuple[int, int]:
    """How far down and right it is; what says nothing keeps its place at the beginning."""
    offset = next(shape.iter(f"{_A}off"), None)
    if offset is None:
        return (0, 0)
    x, y = (offset.get(name) or "0" for name in ("x", "y"))
    return (int(y) if y.lstrip("-").isdigit() else 0, int(x) if x.lstrip("-").isdigit() else 0)


def _is_unmarked(settings: Any) -> bool:
    return settings is not None and settings.find(f"{_A}buNone") is not None


def _has_header(table: Any) -> bool:
    settings = table.find(f"{_A}tblPr")
    return settings is not None and settings.get("firstRow") in ("1", "true")
