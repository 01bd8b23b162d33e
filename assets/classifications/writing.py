"""Rows of a set -> the bytes of a download; loading them again into the same set changes nothing (F135). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.reading.arrays import to_arrow
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


_PIECE_BYTES = 1024 * 1024  # about so many are made at a time
_MOST_ROWS = 65_536
_COMMA, _QUOTE = pa.scalar(",", pa.string()), pa.scalar('"', pa.string())
_NOTHING = pa.scalar("", pa.string())


def write(
    rows: Iterable[pa.RecordBatch], schema: SetSchema, options: WriteOptions
) -> Iterator[bytes]:
    """The file in pieces that end with a record.

    Raises:
        InputError: a character that Latin-1 does not have, a list element with the delimiter in it (CSV, TSV); the
            message names key, column and what to choose instead.
    """
    for _, piece in write_parts(rows, schema, options, part_bytes=None):
        yield piece


def write_parts(
    rows: Iterable[pa.RecordBatch],
    schema: SetSchema,
    options: WriteOptions,
    *,
    part_bytes: int | None,
) -> Iterator[tuple[int, bytes]]:
    """The rows as files of at most `part_bytes` each, every one with its header: (number of the part, piece).

    A part holds one record at least. None: all in part 0.

    Raises:
        InputError: see `write`.
    """
    header = _header(schema, options)
    number, room = 0, 0 if part_bytes is None else part_bytes - len(header)
    if header:
        yield number, header
    written = 0
    for records, encoding in _records(rows, schema, options):
        start = 0
        while start < len(records):
            end = len(records)
            if part_bytes is not None:
                end = _fitting(records, start, room - written, is_first=not written)
            if end > start:
                piece = _bytes_of(records[start:end], encoding)
                written += len(piece)
                yield number, piece
                start = end
            if start < len(records):
                number, written = number + 1, 0
                if header:
                    yield number, header


def template(schema: SetSchema, file_format: FileFormat, encoding: Encoding | None = None) -> bytes:
    """A file with the header alone (F136).

    Raises:
        InputError: JSON has no header; a column's name has a character that Latin-1 does not have.
    """
    if file_format is FileFormat.JSON:
        raise InputError("A JSON file has no header", hint="Templates are CSV or TSV")
    return _header(schema, WriteOptions(file_format, encoding))


def _header(schema: SetSchema, options: WriteOptions) -> bytes:
    if options.format is FileFormat.JSON:
        return b""
    names = [pa.array([name], pa.string()) for name in schema.arrow.names]
    [line] = _table_records(names, options.format).to_pylist()
    return _encode(str(line), options.encoding or schema.encoding, "the header")


def _records(
    rows: Iterable[pa.RecordBatch], schema: SetSchema, options: WriteOptions
) -> Iterator[tuple[pa.Array, Encoding]]:
    """Records as texts with their line ends, some at a time, and how to encode them."""
    encoding = options.encoding or schema.encoding
    if options.format is FileFormat.JSON:
        # Escapes are the same bytes in both encodings: no choice at the next upload can misread them.
        is_ascii = not encoding is schema.encoding is Encoding.UTF8
        for batch in _pieces(rows):
            yield _json_records(batch, is_ascii=is_ascii), Encoding.UTF8
        return
    delimiter = options.list_delimiter or schema.list_delimiter
    for batch in _pieces(rows):
        names = batch.schema.names
        cells = [_cells(batch, number, name, delimiter) for number, name in enumerate(names)]
        records = _table_records(cells, options.format)
        _check_encodable(records, batch.column(0), encoding)
        yield records, encoding


def _pieces(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        row_bytes = max(1, batch.nbytes // max(1, batch.num_rows))
        count = min(_MOST_ROWS, max(1, _PIECE_BYTES // row_bytes))
        for start in range(0, batch.num_rows, count):
            yield batch.slice(start, count)


def _fitting(records: pa.Array, start: int, room: int, *, is_first: bool) -> int:
    """Behind the last record from `start` on that still fits; UTF-8 is never shorter than Latin-1."""
    offsets = _offsets(records)
    end = int(np.searchsorted(offsets, offsets[start] + room, side="right")) - 1
    return max(end, start + is_first)


def _offsets(texts: pa.Array) -> np.ndarray:
    offsets = np.frombuffer(texts.buffers()[1], np.int32)
    return offsets[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)


def _bytes_of(records: pa.Array, encoding: Encoding) -> bytes:
    """All texts one after the other, as they stand in memory."""
    offsets = _offsets(records)
    data = records.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    found: bytes = data.to_pybytes()
    return found if encoding is Encoding.UTF8 else found.decode().encode(encoding.value)


def _check_encodable(records: pa.Array, keys: pa.Array, encoding: Encoding) -> None:
    if encoding is Encoding.UTF8:
        return
    try:
        _bytes_of(records, encoding)
    except UnicodeEncodeError:
        for line, key in zip(records.to_pylist(), keys.to_pylist(), strict=True):
            _encode(line, encoding, f"the row of the key {key[:60]!r}")
        raise


def _cells(batch: pa.RecordBatch, number: int, name: str, delimiter: str) -> pa.Array:
    """The cells of a column; empty where there is no value."""
    column = batch.column(number)
    if not pa.types.is_list(column.type):
        return pc.fill_null(value_texts(column), _NOTHING)
    has_delimiter = pc.match_substring(pc.list_flatten(column), delimiter)
    place = pc.index(has_delimiter, pa.scalar(True)).as_py()
    if place >= 0:
        row = pc.list_parent_indices(column)[place].as_py()
        key = batch.column(0)[row].as_py()
        raise InputError(
            f"A list of the key {key[:60]!r}, column {name!r}, has an element with {delimiter!r} in it",
            hint="Choose another list delimiter, or JSON",
        )
    return pc.fill_null(pc.binary_join(column, pa.scalar(delimiter, pa.string())), _NOTHING)


_CSV_QUOTED = r'[,"\n\r]|^ | $'
_TSV_QUOTED = r'[\t\n\r]|^"'


def _table_records(cells: Sequence[pa.Array], file_format: FileFormat) -> pa.Array:
    """Lines whose cells are quoted only where a reader would change or misread them (C2, C3)."""
    is_csv = file_format is FileFormat.CSV
    pattern = _CSV_QUOTED if is_csv else _TSV_QUOTED
    *first, last = [_quoted(column, pattern) for column in cells]
    ended = pc.binary_join_element_wise(last, pa.scalar("\n", pa.string()), _NOTHING)
    return pc.binary_join_element_wise(
        *first, ended, _COMMA if is_csv else pa.scalar("\t", pa.string())
    )


def _quoted(cells: pa.Array, pattern: str) -> pa.Array:
    needs = pc.match_substring_regex(cells, pattern)
    if not needs.true_count:
        return cells
    doubled = pc.replace_substring(cells.filter(needs), '"', '""')
    quoted = pc.binary_join_element_wise(_QUOTE, doubled, _QUOTE, _NOTHING)
    return pc.replace_with_mask(cells, needs, quoted)


def _json_records(batch: pa.RecordBatch, *, is_ascii: bool) -> pa.Array:
    """The update format of J1-J4: members of columns that have a value."""
    members = []
    for name, column in zip(batch.schema.names[1:], batch.columns[1:], strict=True):
        start = pa.scalar(f"{json.dumps(name, ensure_ascii=is_ascii)}:", pa.string())
        value = _json_values(column, is_ascii=is_ascii)
        members.append(pc.binary_join_element_wise(start, value, _NOTHING))
    # Arrow leaves out rows of which every part is skipped, so one part never is: its comma goes again.
    data = pc.binary_join_element_wise(_NOTHING, *members, _COMMA, null_handling="skip")
    data = pc.ascii_ltrim(data, ",")
    # An update needs data (J4): a key without values names one column that it leaves alone.
    first = json.dumps(batch.schema.names[1], ensure_ascii=is_ascii)
    data = pc.if_else(pc.equal(data, _NOTHING), pa.scalar(f"{first}:null", pa.string()), data)
    parts = ['{"key":', _json_texts(batch.column(0), is_ascii=is_ascii), ',"data":{', data, "}}\n"]
    wrapped = [pa.scalar(part, pa.string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*wrapped, _NOTHING)


def _json_values(column: pa.Array, *, is_ascii: bool) -> pa.Array:
    if pa.types.is_string(column.type):
        return _json_texts(column, is_ascii=is_ascii)
    if not pa.types.is_list(column.type):
        return value_texts(column)
    elements = _json_texts(pc.list_flatten(column), is_ascii=is_ascii)
    counts = pc.fill_null(pc.list_value_length(column), 0)
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    lists = pa.ListArray.from_arrays(to_arrow(offsets), elements)
    joined = pc.binary_join(lists, _COMMA)
    opening, closing = pa.scalar("[", pa.string()), pa.scalar("]", pa.string())
    written = pc.binary_join_element_wise(opening, joined, closing, _NOTHING)
    return pc.if_else(pc.is_valid(column), written, pa.scalar(None, pa.string()))


def _json_texts(texts: pa.Array, *, is_ascii: bool) -> pa.Array:
    """Texts as JSON writes them; only those that need an escape are looked at one by one."""
    pattern = r'["\\\x00-\x1f]|[^\x00-\x7f]' if is_ascii else r'["\\\x00-\x1f]'
    needs = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    written = pc.binary_join_element_wise(_QUOTE, texts, _QUOTE, _NOTHING)
    if not needs.true_count:
        return written
    dumps = json.JSONEncoder(ensure_ascii=is_ascii).encode
    escaped = pa.array([dumps(text) for text in texts.filter(needs).to_pylist()], pa.string())
    return pc.replace_with_mask(written, needs, escaped)


def _encode(text: str, encoding: Encoding, what: str) -> bytes:
    try:
        return text.encode(encoding.value)
    except UnicodeEncodeError as error:
        raise InputError(
            f"Latin-1 has no character {error.object[error.start]!r}, which {what} has",
            hint="Choose utf8, or JSON",
        ) from error
