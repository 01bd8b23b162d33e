"""A CSV or TSV file -> batches of its records: header first, then block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from assets.classifications.reading.batch import Batch, Findings, RecordList
from assets.classifications.reading.record import Record, RecordDialect, read_record
from assets.classifications.reading.signature import DELIMITERS, check_table_start
from assets.classifications.reading.source import Piece, RefusedFileError, Utf8Gate
from assets.classifications.reading.structure import find_layout
from assets.classifications.reading.table_block import read_block
from assets.classifications.reading.table_rows import HEADER_ROW, TableRecords, check_header
from assets.classifications.schema import Encoding, ParseOptions, SetColumn, SetSchema

# A longer block waits for the end of one huge record: no layout of it.
_LAYOUT_PIECES = 4
# Read one by one after an odd quote; doubled while odd quotes stay close together.
_EXACT_RECORDS = 256


def read_table(
    pieces: Iterator[Piece],
    suffix: str,
    schema: SetSchema,
    options: ParseOptions,
    findings: Findings,
) -> Iterator[Batch]:
    """Batches in file order, not all of a block's records in row order.

    Raises:
        RefusedFileError: a rule about the whole file.
    """
    gate = Utf8Gate(is_latin1=options.encoding is Encoding.LATIN1)
    reader = _TableReader(suffix, schema, options, findings)
    for piece in pieces:
        yield from reader.feed(gate.feed(piece), is_last=piece.is_last)


class _TableReader:
    def __init__(
        self, suffix: str, schema: SetSchema, options: ParseOptions, findings: Findings
    ) -> None:
        self._suffix = suffix
        self._dialect = RecordDialect(DELIMITERS[suffix], is_csv=suffix == ".csv")
        self._schema = schema
        self._options = options
        self._findings = findings
        self._columns: Sequence[SetColumn] | None = None
        self._is_refused = False
        self._carry = b""
        self._row = HEADER_ROW  # of the record read last
        self._exact_records = _EXACT_RECORDS

    def feed(self, data: bytes, *, is_last: bool) -> Iterator[Batch]:
        if self._is_refused:
            return  # the header is wrong; the file is read on for the rules about all of it
        data = self._carry + data if self._carry else data
        self._carry = b""
        if is_last and data and not data.endswith(b"\n"):
            data += b"\n"
        if self._columns is None:
            data = self._read_header(data, is_last=is_last)
        if self._columns is not None:
            yield from self._read_records(data, is_last=is_last)

    def _read_header(self, data: bytes, *, is_last: bool) -> bytes:
        """C1, G13; what follows the header, or nothing while it is not complete."""
        start = self._header_start(data)
        line_end = data.find(b"\n", start)
        header = read_record(data, start, self._dialect, is_last=is_last) if line_end >= 0 else None
        if header is None:
            if is_last:
                raise RefusedFileError("file_empty", "there is no header")
            self._carry = data
            return b""
        check_table_start(data[start:line_end], self._suffix)
        self._take_header(header)
        return data[header.end :]

    def _header_start(self, data: bytes) -> int:
        """Behind blank lines and the remarks that exports write first (G13)."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = data[start:end].removesuffix(b"\r")
            if line.strip(self._dialect.blank) and not line.startswith(b"## SC"):
                break
            start = end + 1
        return start

    def _take_header(self, header: Record) -> None:
        rows = TableRecords((), self._options, RecordList(self._schema), self._findings)
        if header.fields is None:
            self._is_refused = True
            rows.take_malformed(HEADER_ROW)
            return
        names = [field.decode() for field in header.fields]
        problems = check_header(names, self._schema)
        if problems:
            self._is_refused = True
            self._findings.refuse(problems)
            return
        self._columns = [self._schema.by_name[name] for name in names[1:]]

    def _read_records(self, data: bytes, *, is_last: bool) -> Iterator[Batch]:
        columns = self._columns or ()
        while data:
            is_odd, end = True, 0
            if len(data) <= _LAYOUT_PIECES * self._options.piece_bytes:
                layout = find_layout(data, self._dialect, len(columns) + 1, is_last=is_last)
                batch, left = read_block(data, layout, columns, self._options, self._dialect)
                is_odd, end = layout.is_odd, layout.end
                yield batch.with_rows_from(self._row + 1)
                if self._findings.only_counts:  # of these the error is known: column_count_mismatch
                    self._findings.problem_count += len(layout.irregular)
                    left = np.setdiff1d(left, layout.irregular, assume_unique=True)
                yield from self._read_left(data, layout.spans[left, 0], left)
                self._row += len(layout.spans)
                self._exact_records = self._next_exact_records(len(layout.spans))
            if not is_odd:
                self._carry = data[end:]
                return
            data = data[end:]
            batches, end = self._read_exactly(data, is_last=is_last)
            yield from batches
            if not end:
                self._carry = data
                return
            data = data[end:]

    def _next_exact_records(self, records_between: int) -> int:
        is_close = records_between < self._exact_records
        return self._exact_records * 2 if is_close else _EXACT_RECORDS

    def _read_left(self, data: bytes, starts: np.ndarray, numbers: np.ndarray) -> list[Batch]:
        """The records of a layout that are not surely good."""
        rows = self._new_rows()
        for start, number in zip(starts.tolist(), numbers.tolist(), strict=True):
            record = read_record(data, start, self._dialect, is_last=True)
            if record is not None:
                self._take(rows, self._row + 1 + number, record)
        return rows.records.to_batches()

    def _read_exactly(self, data: bytes, *, is_last: bool) -> tuple[list[Batch], int]:
        """Some records from the start of the data, and where the next one starts."""
        rows = self._new_rows()
        end = 0
        for _ in range(self._exact_records):
            record = (
                read_record(data, end, self._dialect, is_last=is_last) if end < len(data) else None
            )
            if record is None:
                break
            end = record.end
            if record.fields != []:
                self._row += 1
                self._take(rows, self._row, record)
        return rows.records.to_batches(), end

    def _new_rows(self) -> TableRecords:
        records = RecordList(self._schema)
        return TableRecords(self._columns or (), self._options, records, self._findings)

    @staticmethod
    def _take(rows: TableRecords, row: int, record: Record) -> None:
        if record.fields is None:
            rows.take_malformed(row)
        else:
            rows.take(row, [field.decode() for field in record.fields])
