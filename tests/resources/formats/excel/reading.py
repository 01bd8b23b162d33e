"""Workbooks of the tests of this folder: made, changed in one part, read."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pyarrow as pa

from resources.formats.excel import ExcelOptions, ExcelReader
from resources.formats.files import SourceFile

SHEET = "xl/worksheets/sheet1.xml"


def workbook(folder, rows, name="a.xlsx", change=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change:
        change(book)
    book.save(folder / name)
    return SourceFile(name, folder / name)


def read(*files, **options):
    stream = ExcelReader(files, ExcelOptions(**options)).stream()
    return pa.Table.from_batches(list(stream), stream.schema), stream


def with_part(file, name, change):
    """The workbook with one part changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(file.path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, change(content) if info.filename == name else content)
    file.path.write_bytes(out.getvalue())
    return file
