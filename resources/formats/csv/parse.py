"""A chunk to columns of text, and every way in which that can fail to one error with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from resources.formats.csv.chunks import CsvChunk, CsvText
from resources.formats.csv.dialect import read_records
from resources.formats.csv.lines import holds_hidden
from resources.formats.decoding import not_decodable
from resources.kernel.errors import ParseError

_MARK = b"\xef\xbb\xbf"
_SHOWN = 60
_TRAILING = "\0behind the last separator"
_TOTAL = re.compile(
    r"\W*(grand total|sub-?total|total|sum|summe|gesamt|somme|suma)\b", re.IGNORECASE
)
_COMMENTS = ("#", "//", "--")


@dataclass(frozen=True)
class ColumnLayout:
    """The columns of one file, in its order, and what means null in it."""

    file: CsvText
    names: tuple[str, ...]
    null_values: tuple[str, ...]
    has_trailing: bool = False
    """Whether a separator stands behind the last value of every row."""
    column_nulls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What means null in some columns only."""

    @property
    def parsed_names(self) -> tuple[str, ...]:
        """What the parser calls the fields of a row."""
        return (*self.names, _TRAILING) if self.has_trailing else self.names

    @property
    def counts_blank_lines(self) -> bool:
        """Whether a blank line is a row: in a file of one column, unless it may be one that was left out."""
        return len(self.parsed_names) == 1 and not self.file.cuts.leaves_blanks


def parse_chunk(chunk: CsvChunk, layout: ColumnLayout) -> pa.RecordBatch:
    """The records of a chunk as columns of text; empty, quoted or not, is null.

    Raises:
        ParseError: a record with too many or too few fields (E30), or bytes that are not UTF-8 (E29).
    """
    names = layout.parsed_names
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
    batch = _one_batch(table)
    if layout.has_trailing:
        batch = _without_trailing(batch, chunk, layout)
    if layout.file.cuts.escape is not None:
        batch = _restored(batch, chunk, layout)
    return _with_nulls(batch, layout) if layout.column_nulls else batch


def _with_nulls(batch: pa.RecordBatch, layout: ColumnLayout) -> pa.RecordBatch:
    """The batch without the texts that mean null in one column."""
    columns = [
        _without(column, layout.column_nulls.get(name, ()))
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _without(texts: pa.Array, marks: tuple[str, ...]) -> pa.Array:
    is_null = pc.is_in(texts, value_set=pa.array(marks, pa.string()))
    if not is_null.true_count:
        return texts
    # Taken, since a masked value would leave its bytes behind the null, and the typing rule looks at bytes.
    places = pc.if_else(
        is_null, pa.scalar(None, pa.int64()), pa.array(range(len(texts)), pa.int64())
    )
    return texts.take(places)


def _without_trailing(
    batch: pa.RecordBatch, chunk: CsvChunk, layout: ColumnLayout
) -> pa.RecordBatch:
    behind = batch.column(_TRAILING)
    if behind.null_count < len(behind):
        index = pc.index(pc.is_valid(behind), True).as_py()
        raise ParseError(
            f"a value behind the last separator: {str(behind[index].as_py())[:_SHOWN]!r}",
            file=layout.file.name,
            line=line_of_record(chunk, layout, index),
            hint="The rows before end in a separator, which was taken for an empty field: name that column in the"
            " header, or give `trailing_separator: false`",
        )
    return batch.select(layout.names)


def _restored(batch: pa.RecordBatch, chunk: CsvChunk, layout: ColumnLayout) -> pa.RecordBatch:
    escape = layout.file.cuts.escape
    if escape is None or not holds_hidden(chunk.data):
        return batch
    return pa.RecordBatch.from_arrays(
        [escape.restore(column) for column in batch.columns], schema=batch.schema
    )


def _parse_options(layout: ColumnLayout, stop: object) -> pacsv.ParseOptions:
    dialect = layout.file.dialect
    return pacsv.ParseOptions(
        delimiter=dialect.separator,
        quote_char=dialect.quote or False,
        double_quote=dialect.quote is not None,
        escape_char=False,
        newlines_in_values=False,  # the chunk is one block and ends with a record
        ignore_empty_lines=not layout.counts_blank_lines,
        invalid_row_handler=stop,
    )


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def line_of_record(chunk: CsvChunk, layout: ColumnLayout, index: int) -> int:
    """The line of the file on which the chunk's record number `index` (from 0) begins."""
    blank_counts = layout.counts_blank_lines
    seen = -1
    for line, record in read_records(chunk.data.decode(errors="replace"), layout.file.dialect):
        seen += bool(record) or blank_counts
        if seen == index:
            return line + layout.file.line_at(chunk.offset)
    return layout.file.line_at(chunk.offset)


def _explain(
    chunk: CsvChunk, layout: ColumnLayout, faults: list[pacsv.InvalidRow], error: pa.ArrowInvalid
) -> ParseError:
    if faults:
        return _ragged(chunk, layout, faults[0])
    try:
        chunk.data.decode()
    except UnicodeDecodeError as undecodable:
        offset = chunk.offset + undecodable.start
        around = chunk.data[max(undecodable.start - 2000, 0) : undecodable.start + 2000]
        file = layout.file
        place = None if file.cuts.moves_bytes else offset + file.encoding.mark_bytes
        return not_decodable(file.source, "utf-8", place, file.line_at(offset), around)
    return ParseError(
        f"cannot be parsed ({error})",
        file=layout.file.name,
        line=layout.file.line_at(chunk.offset),
        hint="Check separator and quotes there",
    )


def _ragged(chunk: CsvChunk, layout: ColumnLayout, row: pacsv.InvalidRow) -> ParseError:
    text = row.text if len(row.text) <= _SHOWN else row.text[:_SHOWN] + "…"
    return ParseError(
        f"expected {row.expected_columns} fields, found {row.actual_columns}: {text!r}",
        file=layout.file.name,
        line=line_of_record(chunk, layout, row.number - 1),
        hint=_way_out(row, layout),
        expected_fields=row.expected_columns,
        found_fields=row.actual_columns,
    )


def _way_out(row: pacsv.InvalidRow, layout: ColumnLayout) -> str:
    """What helps with a ragged row, by what it looks like."""
    dialect = layout.file.dialect
    sign = next((sign for sign in _COMMENTS if row.text.startswith(sign)), "")
    if sign:
        return f"If lines that begin so are comments, give `comment: '{sign}'`"
    if dialect.quote and "\\" + dialect.quote in row.text:
        return "If a backslash escapes quotes here, give `escape: '\\'`"
    if _TOTAL.match(row.text):
        return "If it is a total below the rows, give `skip_footer:` the number of such lines"
    if row.actual_columns == row.expected_columns + 1 and row.text.endswith(dialect.separator):
        return "If every row ends in a separator, give `trailing_separator: true`"
    return (
        f"The separator is {dialect.separator!r}: quote fields that hold it, or give another `separator:`."
        " Lines that are no data: `skip_rows:` above the header, `skip_after_header:`, `skip_footer:`"
    )
