"""Writing Parquet: the settings that were measured as best, and a writer that encodes in a thread of its own.

Where the files go, how they are sealed and what names them is the store's business.

Settings, measured on 1M rows x 19 columns of flights: a dictionary only where values repeat (choosing by a look at the
first row group) halves the CPU of dictionaries everywhere, which Arrow builds and throws away for free text; zstd at
its lowest level makes files 30 % smaller than snappy for a seventh more CPU of the whole import.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.kernel.errors import StorageError

ROW_GROUP_ROWS = 131_072
"""Rows of a full row group: what DuckDB reads as one unit of parallel work."""
ROW_GROUP_BYTES = 64 * 1024 * 1024
"""Arrow bytes after which a row group is closed early, so that wide rows cannot fill the memory."""
_QUEUED_BATCHES = 2
_SAMPLE_ROWS = 16_384
_REPEATS = 4  # a dictionary pays when values come up at least so often in the sample


def parquet_writer(
    path: Path | pa.NativeFile,
    schema: pa.Schema,
    *,
    sample: pa.Table | pa.RecordBatch | None = None,
) -> pq.ParquetWriter:
    """A writer with the settings of this project.

    Args:
        path: local file to create, or what takes its bytes.
        schema: of the batches to come.
        sample: the first rows, to choose which columns get a dictionary; without them, text columns do.
    """
    repeating = _repeating_columns(schema, sample)
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=repeating or False,
        write_statistics=True,
    )


def _repeating_columns(schema: pa.Schema, sample: pa.Table | pa.RecordBatch | None) -> list[str]:
    if sample is None or sample.num_rows == 0:
        return [field.name for field in schema if field.type in (pa.string(), pa.large_string())]
    head = sample.slice(0, _SAMPLE_ROWS)
    return [
        field.name
        for field, column in zip(schema, head.columns, strict=True)
        if not pa.types.is_boolean(field.type)
        and not pa.types.is_nested(field.type)
        and _repeats(column)
    ]


def _repeats(column: pa.Array | pa.ChunkedArray) -> bool:
    values: int = len(column) - column.null_count
    distinct: int = pc.count_distinct(column).as_py()
    return distinct * _REPEATS <= values


class ThreadedWriter:
    """Writes one Parquet file in its own thread, so that making batches and encoding them overlap.

    A context manager. Leaving it normally finishes the file; leaving it by an exception removes the file. Memory
    is bounded: at most one row group and two waiting batches are held.

    ```python
    with ThreadedWriter(path, stream.schema) as writer:
        for batch in stream:
            writer.write(batch)
    writer.rows
    ```
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        """Rows handed to `write` so far."""
        self._queue: queue.Queue[pa.RecordBatch | None] = queue.Queue(_QUEUED_BATCHES)
        self._error: BaseException | None = None
        self._aborted = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"parquet {path.name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        """Queues a batch; waits while the encoder is behind.

        Raises:
            StorageError: an earlier batch could not be written.
        """
        if self._error is not None:
            raise self._error
        self._queue.put(batch)
        self.rows += batch.num_rows

    @property
    def size_bytes(self) -> int:
        """Bytes in the file so far: whole row groups only, so it lags behind `rows`."""
        return self.path.stat().st_size if self.path.exists() else 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._aborted = error is not None
        self._queue.put(None)
        self._thread.join()
        if error is not None or self._error is not None:
            self.path.unlink(missing_ok=True)
        if error is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._write_queue()
        except OSError as error:
            self._error = StorageError(
                f"Cannot write {self.path}: {error.strerror or error}",
                hint="Check free space, quota and permissions there",
                path=str(self.path),
            )
            self._error.__cause__ = error
        except BaseException as error:  # noqa: BLE001 - handed to the thread that writes
            self._error = error
        for _ in self._incoming():  # so that `write` never waits for a thread that has stopped
            pass

    def _incoming(self) -> Iterator[pa.RecordBatch]:
        while not self._ended:
            batch = self._queue.get()
            if batch is None:
                self._ended = True
            else:
                yield batch

    def _write_queue(self) -> None:
        writer: pq.ParquetWriter | None = None
        group = RowGroup(self.schema)
        try:
            for batch in self._incoming():
                if self._aborted:
                    continue
                for table in group.add(batch):
                    writer = writer or parquet_writer(self.path, self.schema, sample=table)
                    writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            rest = group.take()
            writer = writer or parquet_writer(self.path, self.schema, sample=rest)
            if rest.num_rows and not self._aborted:
                writer.write_table(rest, row_group_size=ROW_GROUP_ROWS)
        finally:
            if writer is not None:
                writer.close()


class RowGroup:
    """Batches on their way to becoming one row group."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> list[pa.Table]:
        """Takes a batch in; hands out the row groups that are full now."""
        full = []
        while self._rows + batch.num_rows >= ROW_GROUP_ROWS:
            fits = ROW_GROUP_ROWS - self._rows
            self._append(batch.slice(0, fits))
            full.append(self.take())
            batch = batch.slice(fits)
        if batch.num_rows:
            self._append(batch)
        if self._bytes >= ROW_GROUP_BYTES:
            full.append(self.take())
        return full

    def _append(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes

    def take(self) -> pa.Table:
        """What is held, as a table; nothing is held afterwards."""
        table = pa.Table.from_batches(self._batches, self._schema)
        self._batches, self._rows, self._bytes = [], 0, 0
        return table
