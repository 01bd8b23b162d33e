"""What a workbook would do to whoever opens it, found out before: entities, zip bombs, cells at the end of the world."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass, field

from resources.formats.archives import check_directory, check_sizes, is_zip
from resources.formats.files import SourceFile
from resources.kernel.errors import ParseError

MAX_CELLS = 50_000_000
"""Cells of the rectangle that a sheet's cells span; each takes 32 bytes of memory while the sheet is read."""
_BLOCK_BYTES = 1024 * 1024
_OVERLAP_BYTES = 128  # longer than anything that is looked for
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_SHEET = "xl/worksheets/"
_DOCTYPES = tuple("<!DOCTYPE".encode(codec) for codec in ("ascii", "utf-16-le", "utf-16-be"))
_CELL = re.compile(rb"<(?:\w+:)?c [^>]*?\br=[\"']([A-Z]{1,3})\d")
_ROW = re.compile(rb"<(?:\w+:)?row [^>]*?\br=[\"'](\d{1,9})[\"']")
_ERROR_CELL = re.compile(rb"\bt=[\"']e[\"']")


@dataclass
class Findings:
    """What a look through the parts of a workbook told."""

    may_hold_errors: bool = False
    """Whether some cell may hold an error."""
    _columns: set[bytes] = field(default_factory=set)
    _last_row: int = 0

    def look_at_sheet(self, text: bytes) -> None:
        """Takes note of a stretch of a sheet's XML."""
        self._columns.update(_CELL.findall(text))
        self._last_row = max(self._last_row, *map(int, _ROW.findall(text)), 0)
        self.may_hold_errors |= _ERROR_CELL.search(text) is not None

    @property
    def cells(self) -> int:
        """Cells of the rectangle that the sheet just looked at spans."""
        numbers = [_column_number(letters) for letters in self._columns]
        return (max(numbers) - min(numbers) + 1) * self._last_row if numbers else 0

    def next_sheet(self) -> None:
        """Forgets the extent of the last sheet."""
        self._columns, self._last_row = set(), 0


def check_workbook(file: SourceFile) -> Findings:
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
        raise ParseError(
            "cannot be read as Excel",
            file=file.name,
            hint="It is neither .xlsx nor .xlsm: send it again",
        )
    findings = Findings()
    try:
        with zipfile.ZipFile(file.path) as opened:
            check_directory(file, opened.infolist())
            check_sizes(file, opened.infolist())
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


def _check_part(
    file: SourceFile, opened: zipfile.ZipFile, info: zipfile.ZipInfo, findings: Findings
) -> None:
    is_sheet = info.filename.startswith(_SHEET)
    findings.next_sheet()
    tail, left = b"", info.file_size
    with opened.open(info) as part:
        while block := part.read(_BLOCK_BYTES):
            left -= len(block)
            text = tail + block
            if left < 0 or any(doctype in text for doctype in _DOCTYPES):
                reason = "declares entities (DOCTYPE)" if left >= 0 else "is longer than declared"
                raise _refused(file, f"its part {info.filename[:80]!r} {reason}")
            if is_sheet:
                findings.look_at_sheet(text)
            tail = text[-_OVERLAP_BYTES:]
    if findings.cells > MAX_CELLS:
        raise _refused(
            file,
            f"the cells of {info.filename[:80]!r} span {findings.cells:,} places, at most {MAX_CELLS:,} are read",
        )


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
