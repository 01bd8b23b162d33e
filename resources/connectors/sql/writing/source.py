"""The rows on their way out: checked, converted, counted, in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from resources.connectors.sql.writing.arrival import SentCounts
from resources.connectors.sql.writing.columns import WrittenColumn, find_unfit, plain_array
from resources.kernel.errors import InputError, IntegrityError, SchemaMismatchError
from resources.kernel.records import BatchStream, ExportRequest

PIECE_ROWS = 65_536
PIECE_BYTES = 16 * 2**20


class SourceRows:
    """Reads a stream once, as the database wants its values.

    Attributes:
        rows: how many were handed out so far.
        tally: what they held.
        only_nulls: columns that the table has no type for: a value in one of them ends the export.
    """

    def __init__(
        self, stream: BatchStream, columns: Sequence[WrittenColumn], request: ExportRequest
    ) -> None:
        self.rows = 0
        self.columns = tuple(columns)
        self.schema = pa.schema([(column.name, column.type.wire) for column in columns])
        self.tally = SentCounts(self.schema)
        self.only_nulls: frozenset[str] = frozenset()
        self._empty: frozenset[str] | None = None
        self._request = request
        self._batches = iter(stream)
        self._first: pa.RecordBatch | None = None
        self._nans = dict.fromkeys((column.name for column in columns if column.type.drops_nan), 0)

    def peek(self) -> bool:
        """Whether there is, or was, any row. Reads up to the first one, so that an empty source is known early (E11)."""
        while self._first is None and not self.rows:
            batch = next(self._batches, None)
            if batch is None:
                return False
            if batch.num_rows:
                self._first = batch
        return True

    def empty_columns(self) -> frozenset[str]:
        """Columns without a value in the first rows: they may have none at all. Looked up once, before any is sent."""
        if self._empty is None:
            first = self._first if self.peek() else None
            found = zip(first.schema.names, first.columns, strict=True) if first else ()
            self._empty = frozenset(name for name, column in found if _is_empty(column))
        return self._empty

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, at most 65,536 and about 16 MB at a time.

        Raises:
            InputError: a value that the target cannot hold; names row and column, rows counted from 1.
            SchemaMismatchError: a value in a column that the table has no type for.
            IntegrityError: the stream ended with fewer or more rows than were announced.
        """
        for batch in self._raw():
            for piece in _pieces(batch):
                converted = self._convert(piece)
                self.tally.add(converted)
                yield converted
                self.rows += piece.num_rows
        expected = self._request.expected_rows
        if self.rows != expected:
            raise IntegrityError(
                f"{self._request.source} was announced with {expected:,} rows and sent {self.rows:,};"
                " nothing was written",
                hint="Run the export again; if it repeats, the stored version is damaged",
            )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Values that were changed because the database has no form for them (E35)."""
        return tuple(
            f"column {name!r}: {count:,} NaN became NULL, the database has no NaN"
            for name, count in self._nans.items()
            if count
        )

    def _raw(self) -> Iterator[pa.RecordBatch]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._batches

    def _convert(self, piece: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [
            self._convert_column(column, piece.column(index))
            for index, column in enumerate(self.columns)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _convert_column(self, column: WrittenColumn, array: pa.Array) -> pa.Array:
        if column.name in self.only_nulls and not _is_empty(array):
            raise self._untyped(column, array)
        convert = column.type.convert or (lambda values: values.cast(column.type.wire))
        array = self._without_nan(column, plain_array(array))
        try:
            found = convert(array)
        except (pa.ArrowInvalid, ValueError) as error:
            index = find_unfit(array, convert)
            raise self._complaint(column, array, index, _reason(error, column)) from error
        complaint = column.type.check(found) if column.type.check else None
        if complaint is not None:
            raise self._complaint(column, array, complaint.index, complaint.reason)
        return found

    def _without_nan(self, column: WrittenColumn, array: pa.Array) -> pa.Array:
        if not column.type.drops_nan:
            return array
        wrong = pc.is_nan(array)
        count = pc.sum(wrong).as_py() or 0
        self._nans[column.name] += count
        return pc.if_else(wrong, None, array) if count else array

    def _untyped(self, column: WrittenColumn, array: pa.Array) -> SchemaMismatchError:
        index = pc.index(plain_array(array).is_valid(), value=True).as_py()
        return SchemaMismatchError(
            f"{self._request.source}: row {self.rows + index + 1:,} has a value in column {column.name!r}:"
            f" the data needs {column.type.sql}, which the table's column is not",
            hint="Nothing was written. Change the data in a transform, or change the table",
            column=column.name,
        )

    def _complaint(
        self, column: WrittenColumn, array: pa.Array, index: int, reason: str
    ) -> InputError:
        row = self.rows + index + 1
        shown = _show(array, index)
        return InputError(
            f"{self._request.source}: row {row:,}, column {column.name!r} {reason}: {shown}",
            hint="Nothing was written. Change the value in a transform",
            row=row,
            column=column.name,
        )


def _is_empty(array: pa.Array) -> bool:
    return bool(plain_array(array).null_count == len(array))


def _reason(error: Exception, column: WrittenColumn) -> str:
    if isinstance(error, pa.ArrowInvalid):
        return f"holds a value that {column.type.sql} cannot take"
    return str(error)


def _show(array: pa.Array, index: int) -> str:
    """A value as Arrow prints it: Python has no form for some of those that are complained about."""
    text = repr(" ".join(array.slice(index, 1).to_string().split()).strip("[] "))[1:-1]
    return text if len(text) <= 60 else text[:57] + "..."


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Slices of a batch: a source may hand out a million rows or very wide ones at once."""
    per_row = max(1, batch.nbytes // max(1, batch.num_rows))
    step = max(1, min(PIECE_ROWS, PIECE_BYTES // per_row))
    for start in range(0, batch.num_rows, step):
        yield batch.slice(start, step)
