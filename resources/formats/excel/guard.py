"""Workbooks that would harm their reader, refused beforehand.

Entity declarations, zip bombs, and a stray far-away cell that makes a sheet's used range (32 bytes a cell) fill memory.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from resources.formats.archives import check_directory, check_sizes, is_zip
from resources.formats.compression import read_blocks
from resources.formats.excel.formulas import BareFormulas
from resources.formats.files import SourceFile
from resources.formats.not_text import check_no_page, check_text
from resources.kernel.errors import ParseError

MAX_CELLS = 50_000_000
"""Cells of the rectangle that a sheet's cells span; each takes 32 bytes of memory while the sheet is read."""
_BLOCK_BYTES = 1024 * 1024
_HEAD_BYTES = 64 * 1024
_TAG_BYTES = 16 * 1024 * 1024  # longest stretch without a tag: a cell holds 32,767 characters
_HARMLESS_BYTES = 64 * 1024**2  # less than of other files: texts of a workbook are held in memory
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_SHEET = "xl/worksheets/"
_DOCTYPE = b"<!DOCTYPE"
_ANY_CELL = re.compile(rb"<(?:[^\s<>/:]+:)?c[\s/>]")
_CELL = re.compile(rb'<(?:[^\s<>/:]+:)?c r="([A-Z]{1,3})([1-9][0-9]{0,6})"')
_HIDDEN_COLUMNS = re.compile(
    rb"<(?:[^\s<>/:]+:)?col\s[^<>]*\bhidden\s*=\s*[\"'](?:1|true)[\"'][^<>]*>"
)
_SPAN = re.compile(rb"\b(min|max)\s*=\s*[\"']([0-9]{1,5})[\"']")
_HIDDEN_ROW = re.compile(rb"<(?:[^\s<>/:]+:)?row\s[^<>]*\bhidden\s*=\s*[\"'](?:1|true)[\"']")
_ERROR_CELL = re.compile(rb"\bt\s*=\s*[\"']e[\"']")


@dataclass
class WorkbookFindings:
    """What a look through the parts of a workbook told."""

    may_hold_errors: bool = False
    """Whether some cell may hold an error."""
    formulas: BareFormulas = field(default_factory=BareFormulas)
    """Formulas without a value."""
    hidden_rows: dict[str, int] = field(default_factory=dict)
    """How many rows are hidden, by the name of the part."""
    hidden_columns: dict[str, list[range]] = field(default_factory=dict)
    """Numbers of the hidden columns, from 1, by the name of the part."""
    _columns: set[bytes] = field(default_factory=set)
    _rows: set[bytes] = field(default_factory=set)

    def look_at_sheet(self, text: bytes) -> bool:
        """Takes note of whole tags of a sheet; whether every cell in them says clearly where it stands."""
        cells = _CELL.findall(text)
        self._columns.update(column for column, _ in cells)
        self._rows.update(row for _, row in cells)
        self.may_hold_errors |= _ERROR_CELL.search(text) is not None
        return len(cells) == len(_ANY_CELL.findall(text))

    @property
    def cells(self) -> int:
        """Cells of the rectangle that the sheet just looked at spans."""
        if not self._columns:
            return 0
        columns, rows = [_column_number(name) for name in self._columns], list(map(int, self._rows))
        return (max(columns) - min(columns) + 1) * max(rows)

    def next_sheet(self) -> None:
        """Forgets the extent of the last sheet."""
        self._columns, self._rows = set(), set()
        self.formulas.next_part()


def check_workbook(file: SourceFile) -> WorkbookFindings:
    """Looks through a workbook without parsing it (T9, T13).

    Raises:
        ParseError: no workbook, or one that is made to harm.
    """
    if not is_zip(file.path):
        with file.path.open("rb") as opened:
            if opened.read(len(_OLD_EXCEL)) == _OLD_EXCEL:
                raise _refused(
                    file, "it is a workbook of Excel 97 (.xls) or protected by a password"
                )
        raise _no_workbook(file)
    findings = WorkbookFindings()
    try:
        with zipfile.ZipFile(file.path) as opened:
            check_directory(file, opened.infolist())
            check_sizes(file, opened.infolist(), harmless=_HARMLESS_BYTES)
            for info in opened.infolist():
                if info.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _check_part(file, opened, info, findings)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        UnicodeDecodeError,
    ) as error:
        raise ParseError(
            f"cannot be read as Excel ({str(error)[:120]})",
            file=file.name,
            hint="The workbook is damaged or cut off: send it again",
        ) from error
    return findings


def _no_workbook(file: SourceFile) -> ParseError:
    head = next(read_blocks(file, _HEAD_BYTES), b"")
    try:
        check_text(file, head)
        text = head.decode("utf-8", "replace")
        check_no_page(file, text)
    except ParseError as error:
        return error
    is_text = b"\0" not in head and "\ufffd" not in text[:-4]
    return ParseError(
        "cannot be read as Excel, whatever its name says",
        file=file.name,
        hint="It is text: give `format: csv`, or json if it is that"
        if is_text
        else "It is neither .xlsx nor .xlsm: send it again",
    )


def _check_part(
    file: SourceFile, opened: zipfile.ZipFile, info: zipfile.ZipInfo, findings: WorkbookFindings
) -> None:
    name = info.filename[:80]
    is_sheet = info.filename.startswith(_SHEET)
    findings.next_sheet()
    for text in _read_tags(file, opened, info):
        if _DOCTYPE in text:
            raise _refused(file, f"its part {name!r} declares entities (DOCTYPE)")
        if b"\0" in text:
            raise _refused(file, f"its part {name!r} is not UTF-8")
        if is_sheet and not findings.look_at_sheet(text):
            raise _refused(file, f"cells of its part {name!r} do not say where they stand")
        if is_sheet:
            findings.formulas.look_at(info.filename, text)
            if hidden := len(_HIDDEN_ROW.findall(text)):
                before = findings.hidden_rows.get(info.filename, 0)
                findings.hidden_rows[info.filename] = before + hidden
            findings.hidden_columns.setdefault(info.filename, []).extend(_hidden_columns(text))
        else:
            findings.formulas.look_at_workbook(text)
    if findings.cells > MAX_CELLS:
        raise _refused(
            file,
            f"the cells of {name!r} span {findings.cells:,} places, at most {MAX_CELLS:,} are read",
        )


def _hidden_columns(text: bytes) -> list[range]:
    spans = (dict(_SPAN.findall(tag)) for tag in _HIDDEN_COLUMNS.findall(text))
    return [
        range(int(one[b"min"]), int(one[b"max"]) + 1) for one in spans if {b"min", b"max"} <= {*one}
    ]


def _read_tags(file: SourceFile, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part in stretches that end before a tag, counted against the size that the archive says."""
    waiting, left = b"", info.file_size
    with opened.open(info) as part:
        while block := part.read(_BLOCK_BYTES):
            left -= len(block)
            waiting += block
            if left < 0 or len(waiting) > _TAG_BYTES:
                raise _refused(file, f"its part {info.filename[:80]!r} is not as long as declared")
            end = waiting.rfind(b"<")
            if end > 0:
                yield waiting[:end]
                waiting = waiting[end:]
    yield waiting


def _refused(file: SourceFile, reason: str) -> ParseError:
    return ParseError(
        f"refused: {reason}",
        file=file.name,
        hint="Save the data again, or send it as CSV or Parquet",
    )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
