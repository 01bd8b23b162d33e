"""Excel workbooks: a table a sheet, under the sheet's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from resources.documents.parsers.gathering import Gathered
from resources.documents.parsers.office_facts import put_office_facts
from resources.documents.parsers.packages import open_package
from resources.documents.refusals import DocumentRefusedError
from resources.kernel.foreign_text import one_line
from resources.sandbox.ranged_file import RangedFile

_MAIN = "xl/workbook.xml"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_CELL = re.compile(rb"<(?:[\w.-]+:)?c\s[^<>]*?\br\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_MOST_CELLS, _SPARSE = 2_000_000, 50
"""Cells that a sheet may span; more of them if a fiftieth is filled."""


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a workbook."""
    with open_package(file, gathered.asked) as package:
        put_office_facts(package, gathered)
        if not package.has("xl/workbook.bin"):
            package.require(_MAIN, "xlsx")
        for name in package.names:
            if name.endswith((".xml", ".rels")):  # calamine reads what it likes of them (T13)
                package.check_xml(name)
            if _SHEET.fullmatch(name):
                _check_extent(package.read(name), name)
    file.seek(0)
    try:
        with CalamineWorkbook.from_filelike(file) as workbook:
            _take(workbook, gathered)
    except CalamineError as error:
        raise DocumentRefusedError(
            "unreadable", f"It is damaged or cut off ({one_line(str(error), 120)})"
        ) from None


def _check_extent(data: bytes, name: str) -> None:
    """Refuses a sheet of two cells in opposite corners: all between them would be made.

    Raises:
        DocumentRefusedError: see there.
    """
    cells = _CELL.findall(data)
    if not cells:
        return
    columns = {_column(letters) for letters in {letters for letters, _ in cells}}
    rows = {int(digits) for digits in {digits for _, digits in cells}}
    spanned = (max(columns) - min(columns) + 1) * (max(rows) - min(rows) + 1)
    if spanned > max(_MOST_CELLS, len(cells) * _SPARSE):
        raise DocumentRefusedError(
            "over_size",
            f"Its part {one_line(name, 80)!r} spans {spanned:,} cells, of which {len(cells):,} are filled",
        )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _take(workbook: CalamineWorkbook, gathered: Gathered) -> None:
    shown = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible
    ]
    gathered.check_pages(len(shown), "sheets")
    if len(shown) < len(workbook.sheets_metadata):
        gathered.left_out("hidden sheets")
    for number, name in enumerate(shown, 1):
        gathered.page = number
        before = len(gathered.blocks)
        gathered.heading(2, name)
        rows = [
            [_shown(value) for value in row] for row in workbook.get_sheet_by_name(name).to_python()
        ]
        with gathered.on_page(number):  # its name is no text of it
            gathered.table(rows, header=_has_header(rows))
        if gathered.pages[-1].state == "empty":
            del gathered.blocks[before:]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return (
            value.isoformat(" ", timespec="seconds") if value.time() else value.date().isoformat()
        )
    return str(value)


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row that is not empty has a text in each of its cells, each another one."""
    first = next((row for row in rows if any(row)), [])
    texts = [cell for cell in first if cell]
    return (
        len(texts) > 1 and len({*texts}) == len(texts) and not any(c[:1].isdigit() for c in texts)
    )
