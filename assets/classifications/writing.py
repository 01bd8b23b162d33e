"""A state -> the bytes of a download; loading them again into the same set changes nothing (F135). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.schema import Encoding, SetSchema
from assets.classifications.texts import value_texts
from resources.kernel.errors import InputError


class FileFormat(StrEnum):
    """Formats of a download; the value is the extension without its dot."""

    JSON = "json"
    CSV = "csv"
    TSV = "tsv"


@dataclass(frozen=True)
class WriteOptions:
    """How a download is written.

    Args:
        format: JSON has one object a line.
        encoding: None for the set's own.
        list_delimiter: between elements of a list in CSV and TSV; None for the set's own.
    """

    format: FileFormat = FileFormat.CSV
    encoding: Encoding | None = None
    list_delimiter: str | None = None


_ROWS = 8192  # a piece


def write(state: pa.Table, schema: SetSchema, options: WriteOptions) -> Iterator[bytes]:
    """The file in pieces of some thousand rows.

    Raises:
        InputError: a character that Latin-1 does not have, a list element with the delimiter in it (CSV, TSV); the
            message names key, column and what to choose instead.
    """
    encoding = options.encoding or schema.encoding
    if options.format is FileFormat.JSON:
        # Escapes are the same bytes in both encodings: no choice at the next upload can misread them.
        is_ascii = not encoding is schema.encoding is Encoding.UTF8
        for batch in state.to_batches(max_chunksize=_ROWS):
            yield _json_lines(batch, is_ascii=is_ascii)
        return
    delimiter = options.list_delimiter or schema.list_delimiter
    yield _encode(_line(state.column_names, options.format), encoding, "the header")
    for batch in state.to_batches(max_chunksize=_ROWS):
        yield _table_lines(batch, options.format, encoding, delimiter)


def template(schema: SetSchema, file_format: FileFormat) -> bytes:
    """A file with the header alone (F136).

    Raises:
        InputError: JSON has no header.
    """
    if file_format is FileFormat.JSON:
        raise InputError("A JSON file has no header", hint="Templates are CSV or TSV")
    return _encode(_line(schema.arrow.names, file_format), schema.encoding, "the header")


def _json_lines(batch: pa.RecordBatch, *, is_ascii: bool) -> bytes:
    names = batch.schema.names[1:]
    dumps = json.JSONEncoder(ensure_ascii=is_ascii, separators=(",", ":")).encode
    lines = []
    for key, *values in _rows(batch.columns):
        data = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        # An update needs data (J4): a key without values names one column that it leaves alone.
        lines.append(dumps({"key": key, "data": data or {names[0]: None}}))
    return "".join(f"{line}\n" for line in lines).encode()


def _table_lines(
    batch: pa.RecordBatch, file_format: FileFormat, encoding: Encoding, delimiter: str
) -> bytes:
    columns = [
        _cells(column, delimiter, batch, name)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    lines = [_line(cells, file_format) for cells in _rows(columns)]
    try:
        return "".join(lines).encode(encoding.value)
    except UnicodeEncodeError:
        for line, key in zip(lines, batch.column(0).to_pylist(), strict=True):
            _encode(line, encoding, f"the row of the key {key[:60]!r}")
        raise


def _cells(column: pa.Array, delimiter: str, batch: pa.RecordBatch, name: str) -> list[str]:
    if not pa.types.is_list(column.type):
        return pc.fill_null(value_texts(column), "").to_pylist()  # type: ignore[no-any-return]
    cells = []
    for place, elements in enumerate(column.to_pylist()):
        if any(delimiter in element for element in elements or ()):
            key = batch.column(0)[place].as_py()
            raise InputError(
                f"A list of the key {key[:60]!r}, column {name!r}, has an element with {delimiter!r} in it",
                hint="Choose another list delimiter, or JSON",
            )
        cells.append(delimiter.join(elements or ()))
    return cells


def _rows(columns: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    lists = [column.to_pylist() if isinstance(column, pa.Array) else column for column in columns]
    return zip(*lists, strict=True)


_CSV_QUOTED = re.compile(r'[,"\n\r]|^ | $')
_TSV_QUOTED = re.compile(r'[\t\n\r]|^"')


def _line(cells: Sequence[str], file_format: FileFormat) -> str:
    """Cells quoted only where a reader would change or misread them (C2, C3, section 5)."""
    is_csv = file_format is FileFormat.CSV
    pattern = _CSV_QUOTED if is_csv else _TSV_QUOTED
    written = [_quoted(cell) if pattern.search(cell) else cell for cell in cells]
    return ("," if is_csv else "\t").join(written) + "\n"


def _quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


def _encode(text: str, encoding: Encoding, what: str) -> bytes:
    try:
        return text.encode(encoding.value)
    except UnicodeEncodeError as error:
        raise InputError(
            f"Latin-1 has no character {error.object[error.start]!r}, which {what} has",
            hint="Choose utf8, or JSON",
        ) from error
