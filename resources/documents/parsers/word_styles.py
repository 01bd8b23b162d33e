"""What the styles and numberings of a Word document make of a paragraph: a heading, an item of a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from resources.documents.parsers.packages import Package

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_MOST_PARENTS = 20


class ParagraphStyle(NamedTuple):
    """What a paragraph is."""

    heading: int = 0
    """Its level; 0: none."""
    list_level: int = 0
    """1 of the outermost; 0: no item."""
    ordered: bool = False


class WordStyles:
    """Styles and numberings."""

    def __init__(self, styles: Any | None, numbering: Any | None) -> None:
        self._styles: dict[str, Any] = (
            {str(one.get(f"{_W}styleId")): one for one in styles.iter(f"{_W}style")}
            if styles is not None
            else {}
        )
        self._headings: dict[str, int] = {}
        self._formats = _formats(numbering) if numbering is not None else {}
        language = (
            styles.find(f"{_W}docDefaults/{_W}rPrDefault/{_W}rPr/{_W}lang")
            if styles is not None
            else None
        )
        self.language: str = (language.get(f"{_W}val") or "") if language is not None else ""
        """That text is in unless it says otherwise."""

    @classmethod
    def read(cls, package: Package) -> WordStyles:
        """Those of a document; all that it lacks is taken for plain."""
        return cls(package.xml_if_any("word/styles.xml"), package.xml_if_any("word/numbering.xml"))

    def of(self, paragraph: Any) -> ParagraphStyle:
        """What a paragraph is."""
        settings = paragraph.find(f"{_W}pPr")
        if settings is None:
            return ParagraphStyle()
        style = _value(settings, "pStyle")
        outline = _value(settings, "outlineLvl")
        heading = (
            int(outline) + 1 if outline.isdigit() and int(outline) < 9 else self._heading(style)
        )
        if heading:
            return ParagraphStyle(heading=heading)
        return self._item(settings, style)

    def _heading(self, style: str) -> int:
        if style not in self._headings:
            self._headings[style] = self._find_heading(style)
        return self._headings[style]

    def _find_heading(self, style: str) -> int:
        """By the style's name or level, or those of the styles it is based upon."""
        for _ in range(_MOST_PARENTS):
            found = self._styles.get(style)
            if found is None:
                break
            name = _value(found, "name")
            if name.lower() == "title":
                return 1
            if match := _HEADING.fullmatch(name):
                return int(match[1])
            settings = found.find(f"{_W}pPr")
            outline = _value(settings, "outlineLvl") if settings is not None else ""
            if outline.isdigit() and int(outline) < 9:
                return int(outline) + 1
            style = _value(found, "basedOn")
        return 0

    def _item(self, settings: Any, style: str) -> ParagraphStyle:
        numbering = settings.find(f"{_W}numPr")
        found = self._styles.get(style)
        if numbering is None and found is not None:
            numbering = found.find(f"{_W}pPr/{_W}numPr")
        name = _value(found, "name").lower() if found is not None else ""
        if numbering is None:
            if name.startswith(("list bullet", "list number")):
                level = int(name[-1]) if name[-1].isdigit() else 1
                return ParagraphStyle(list_level=level, ordered="number" in name)
            return ParagraphStyle()
        number, depth = _value(numbering, "numId"), _value(numbering, "ilvl") or "0"
        if number == "0":
            return ParagraphStyle()
        ordered = self._formats.get((number, depth), "bullet") not in ("bullet", "none")
        return ParagraphStyle(list_level=int(depth) + 1 if depth.isdigit() else 1, ordered=ordered)


def _value(element: Any, name: str) -> str:
    found = element.find(f"{_W}{name}")
    return (found.get(f"{_W}val") or "") if found is not None else ""


def _formats(numbering: Any) -> Mapping[tuple[str, str], str]:
    """Number and level -> how its items are counted."""
    abstract = {
        str(one.get(f"{_W}abstractNumId")): {
            str(level.get(f"{_W}ilvl")): _value(level, "numFmt") for level in one.iter(f"{_W}lvl")
        }
        for one in numbering.iter(f"{_W}abstractNum")
    }
    return {
        (str(number.get(f"{_W}numId")), level): form
        for number in numbering.iter(f"{_W}num")
        for level, form in abstract.get(_value(number, "abstractNumId"), {}).items()
    }
