"""A chunk to columns of text, and every way in which that can fail to one error with its line."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pacsv

from resources.formats.csv.chunks import Chunk, TextFile
from resources.formats.csv.dialect import read_records
from resources.formats.decoding import not_decodable
from resources.kernel.errors import ParseError

_MARK = b"\xef\xbb\xbf"
_SHOWN = 60


@dataclass(frozen=True)
class Layout:
    """The columns of one file, in its order, and what means null in it."""

    file: TextFile
    names: tuple[str, ...]
    null_values: tuple[str, ...]


def parse_chunk(chunk: Chunk, layout: Layout) -> pa.RecordBatch:
    """The records of a chunk as columns of text; empty, quoted or not, is null.

    Raises:
        ParseError: a record with too many or too few fields (E30), or bytes that are not UTF-8 (E29).
    """
    names = layout.names
    faults: list[pacsv.InvalidRow] = []

    def stop(row: pacsv.InvalidRow) -> str:
        faults.append(row)
        return "error"

    try:
        table = pacsv.read_csv(
            # Arrow drops a byte order mark at the beginning of what it gets: at that of a chunk it is data.
            pa.BufferReader(_MARK + chunk.data if chunk.data.startswith(_MARK) else chunk.data),
            read_options=pacsv.ReadOptions(
                use_threads=False, block_size=len(chunk.data) + len(_MARK), column_names=names
            ),
            parse_options=_parse_options(layout, stop),
            convert_options=pacsv.ConvertOptions(
                check_utf8=not chunk.data.isascii(),
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=["", *layout.null_values],
            ),
        )
    except pa.ArrowInvalid as error:
        raise _explain(chunk, layout, faults, error) from error
    return _one_batch(table)


def _parse_options(layout: Layout, stop: object) -> pacsv.ParseOptions:
    dialect = layout.file.dialect
    return pacsv.ParseOptions(
        delimiter=dialect.separator,
        quote_char=dialect.quote or False,
        double_quote=dialect.quote is not None,
        escape_char=False,
        newlines_in_values=False,  # the chunk is one block and ends with a record
        ignore_empty_lines=len(layout.names) > 1,
        invalid_row_handler=stop,
    )


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def line_of_record(chunk: Chunk, layout: Layout, index: int) -> int:
    """The line of the file on which the chunk's record number `index` (from 0) begins."""
    blank_counts = len(layout.names) == 1
    seen = -1
    for line, record in read_records(chunk.data.decode(errors="replace"), layout.file.dialect):
        seen += bool(record) or blank_counts
        if seen == index:
            return line + layout.file.line_at(chunk.offset)
    return layout.file.line_at(chunk.offset)


def _explain(
    chunk: Chunk, layout: Layout, faults: list[pacsv.InvalidRow], error: pa.ArrowInvalid
) -> ParseError:
    if faults:
        return _ragged(chunk, layout, faults[0])
    try:
        chunk.data.decode()
    except UnicodeDecodeError as undecodable:
        offset = chunk.offset + undecodable.start
        around = chunk.data[max(undecodable.start - 2000, 0) : undecodable.start + 2000]
        file = layout.file
        place = offset + file.encoding.mark_bytes
        return not_decodable(file.source, "utf-8", place, file.line_at(offset), around)
    return ParseError(
        f"cannot be parsed ({error})",
        file=layout.file.name,
        line=layout.file.line_at(chunk.offset),
        hint="Check separator and quotes there",
    )


def _ragged(chunk: Chunk, layout: Layout, row: pacsv.InvalidRow) -> ParseError:
    separator = layout.file.dialect.separator
    text = row.text if len(row.text) <= _SHOWN else row.text[:_SHOWN] + "…"
    return ParseError(
        f"expected {row.expected_columns} fields, found {row.actual_columns}: {text!r}",
        file=layout.file.name,
        line=line_of_record(chunk, layout, row.number - 1),
        hint=f"The separator is {separator!r}: quote fields that hold it, or give another `separator:`",
        expected_fields=row.expected_columns,
        found_fields=row.actual_columns,
    )
