"""Formulas without a stored result. Excel stores one beside each; programs that only write formulas do not.

The cells would be read as empty: values that Excel shows would be missing without a word.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from xml.etree import ElementTree as ET

from resources.formats.files import SourceFile
from resources.kernel.errors import ParseError

_PREFIX = rb"(?:[^\s<>/:]+:)?"
_BARE = re.compile(
    rb'<%(p)sc r="([A-Z]{1,3}[1-9][0-9]{0,6})"([^<>]*)>\s*'
    rb"<%(p)sf(?:\s[^<>]*/>|/>|(?:\s[^<>]*)?>[^<]*</%(p)sf>)\s*"
    rb"(?:<%(p)sv\s*/>\s*|<%(p)sv>\s*</%(p)sv>\s*)?</%(p)sc>" % {b"p": _PREFIX}
)
_VALUED = (
    rb'<%(p)sc r="([A-Z]{1,3}[1-9][0-9]{0,6})"[^<>]*>\s*'
    rb"<%(p)sf(?:\s[^<>]*/>|/>|(?:\s[^<>]*)?>[^<]*</%(p)sf>)\s*<%(p)sv>"
)
_ZERO = re.compile(_VALUED % {b"p": _PREFIX} + rb"0</")
_NOT_ZERO = re.compile(_VALUED % {b"p": _PREFIX} + rb"(?!0<)")
_ON_LOAD = re.compile(rb"<%scalcPr\s[^<>]*\bfullCalcOnLoad\s*=\s*[\"'](?:1|true)[\"']" % _PREFIX)
_CELL_START = re.compile(rb"<%sc\s" % _PREFIX)
_EMPTY_TEXT = re.compile(rb"\bt\s*=\s*[\"']str[\"']")
_WORKBOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_ID = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
_MOST_BYTES = 16 * 1024 * 1024
_TAIL_BYTES = 128 * 1024


class BareFormulas:
    """Looks for formulas without a value in the parts of a workbook, a stretch of whole tags at a time."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}
        """The first such cell, by the name of the part."""
        self.zeros: dict[str, str] = {}
        """The first formula whose stored value is 0, by the name of the part."""
        self.calculated: set[str] = set()
        """Parts with a formula whose stored value is something else."""
        self.on_load = False
        """Whether Excel is told to calculate everything when it opens the workbook."""
        self._waiting = b""

    def next_part(self) -> None:
        """Forgets what was begun."""
        self._waiting = b""

    def look_at(self, part: str, text: bytes) -> None:
        """Takes note of the cells that end in this stretch."""
        if part in self.first:
            return
        text = self._waiting + text
        has_formula = (
            b"<f" in text or b":f" in text
        )  # most sheets hold none: looking is then for free
        for found in _BARE.finditer(text) if has_formula else ():
            if not _EMPTY_TEXT.search(found[2]):  # a formula whose result is an empty text
                self.first[part] = found[1].decode()
                return
        if has_formula:
            self._look_at_values(part, text)
        # A cell may go on in the next stretch: it is at most as long as its formula, 8192 characters.
        tail = max(0, len(text) - _TAIL_BYTES)
        starts = [found.start() for found in _CELL_START.finditer(text, tail)]
        self._waiting = text[starts[-1] :] if starts else b""

    def _look_at_values(self, part: str, text: bytes) -> None:
        if part not in self.zeros and (zero := _ZERO.search(text)):
            self.zeros[part] = zero[1].decode()
        if part not in self.calculated and _NOT_ZERO.search(text):
            self.calculated.add(part)

    def look_at_workbook(self, text: bytes) -> None:
        """Takes note of what the workbook tells Excel."""
        self.on_load |= _ON_LOAD.search(text) is not None


def check_calculated(file: SourceFile, sheet: str, formulas: BareFormulas) -> list[str]:
    """Refuses a sheet with a formula that was never calculated; returns warnings about one that another program calculated.

    XlsxWriter and its relatives store 0 beside each formula, and have Excel calculate all on load.

    Args:
        file: a workbook that `check_workbook` let pass: it declares no entities.
        sheet: the name of the sheet that is read.
        formulas: what was seen of formulas in all parts.

    Raises:
        ParseError: naming the cell.
    """
    has_zeros = formulas.on_load and formulas.zeros
    if not formulas.first and not has_zeros:
        return []
    part = part_of(file, sheet)
    if part in formulas.first:
        raise _not_calculated(
            file, sheet, f"{formulas.first[part]} holds a formula without a value"
        )
    cell = formulas.zeros.get(part) if formulas.on_load else None
    if cell is None:
        return []
    if part not in formulas.calculated:
        raise _not_calculated(
            file,
            sheet,
            f"{cell} holds a formula with the value 0, like all others, to be calculated on load",
        )
    warning = (
        f"{file.name}, sheet {sheet!r}: the formula in cell {cell} has the value 0 and Excel is told to calculate it on"
        " load; open the workbook in Excel and save it if that is not its value"
    )
    return [warning]


def _not_calculated(file: SourceFile, sheet: str, what: str) -> ParseError:
    return ParseError(
        f"sheet {sheet!r}, cell {what}",
        file=file.name,
        hint="The program that wrote the workbook did not calculate it: open it in Excel and save it, or write"
        " values; `formulas: stored` takes what is stored",
    )


def part_of(file: SourceFile, sheet: str) -> str:
    """The name of the part that holds a sheet; empty when the workbook does not say."""
    with zipfile.ZipFile(file.path) as opened:
        books, links = (_tree(opened, name) for name in (_WORKBOOK, _LINKS))
    ids = [
        one.get(_ID) or one.get(_STRICT_ID)
        for one in books.iter()
        if one.tag.rpartition("}")[2] == "sheet" and one.get("name") == sheet
    ]
    targets = [one.get("Target", "") for one in links.iter() if one.get("Id") in ids]
    return posixpath.normpath(posixpath.join("/xl", targets[0])).lstrip("/") if targets else ""


def _tree(opened: zipfile.ZipFile, name: str) -> ET.Element:
    try:
        info = opened.getinfo(name)
        if info.file_size > _MOST_BYTES:
            return ET.Element("nothing")
        return ET.fromstring(opened.read(info))  # noqa: S314 - entities were refused before
    except (KeyError, ET.ParseError):
        return ET.Element("nothing")
