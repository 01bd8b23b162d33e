"""Writing one version of a table: part files in row order, memory bounded whatever the length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from resources.formats.parquet_write import ROW_GROUP_ROWS, ThreadedWriter
from resources.kernel.errors import InputError, SchemaMismatchError
from resources.kernel.records import BatchStream, Retype
from resources.kernel.retyping import read_settled
from resources.stores.footers import FooterCheck
from resources.stores.manifest import Manifest
from resources.stores.partitions import Replaced, schema_difference
from resources.stores.publish import Publisher
from resources.stores.table_types import storage_schema, to_storage

if TYPE_CHECKING:
    import duckdb

PART_ROWS = 8 * ROW_GROUP_ROWS
"""Rows of a full part file, about a million: readers take several parts in parallel."""
PART_BYTES = 256 * 1024 * 1024
"""Bytes after which a part is closed early."""


class TableWriter:
    """Writes a table; a context manager. Leaving it without `publish` removes what was written."""

    def __init__(self, publisher: Publisher, name: str) -> None:
        self._publisher = publisher
        self._name = name
        self._schema: pa.Schema | None = None
        self._parts = 0
        self._parts_before = 0
        self.rows = 0
        """Rows written so far."""
        self._footers = FooterCheck()
        self._ended: pa.Schema | None = None
        self._writer: ThreadedWriter | None = None
        # Closing a part waits for its encoder: beside the next part, not before it.
        self._closer = ThreadPoolExecutor(1, thread_name_prefix="close")
        self._closing: Future[None] | None = None

    def __enter__(self) -> Self:
        self._publisher.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._abandon()
            self._closer.shutdown(wait=True)
        finally:
            self._publisher.__exit__(kind, error, trace)

    def write(self, stream: BatchStream) -> None:
        """Appends a stream; its schema settles the table's, further streams must have the same.

        Raises:
            InputError: duplicate columns, types that cannot be kept.
            SchemaMismatchError: batches that differ from what was announced.
            StorageError: disk full or forbidden (E7, E58).
            Retype: from the stream; `reset`, then write a new one.
        """
        schema = self._settle(stream.schema)
        for batch in stream:
            for piece in to_storage(batch, schema, where=self._name):
                self._append(piece)

    def begin_partition(self, key: str | None) -> None:
        """What is written from now on belongs to partition `key`; the one before is ended.

        One without rows keeps its columns in one empty part file. None ends the last one.
        """
        if self._schema is not None:
            if self._writer is None and self._parts == self._parts_before:
                self._open_part()
            self._close_part()
            self._parts_before = self._parts
        self._publisher.partition = key

    def write_settled(self, open_stream: Callable[[], BatchStream]) -> BatchStream:
        """Writes the stream that `open_stream` opens; from the start with a new one after each `Retype`.

        Returns:
            The stream that held, read to its end.

        Raises:
            InputError: the types changed again and again.
        """

        def read() -> BatchStream:
            stream = open_stream()
            try:
                self.write(stream)
            except Retype:
                stream.close()
                self.reset()
                raise
            return stream

        return read_settled(read, what=f"{self._name}: the source")

    @property
    def column_names(self) -> list[str]:
        """Columns, once something was written."""
        return list(self._schema.names) if self._schema is not None else []

    @property
    def folder(self) -> Path:
        """The local folder that part files are written into."""
        return self._publisher.folder

    def copy_query(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Lets DuckDB write the rows of a SELECT straight into a part file; see `duckdb_copy`."""
        from resources.stores.duckdb_copy import copy_query

        path = self._next_part()
        self._finish_copy(path, copy_query(connection, sql, path, where=self._name))

    def copy_relation(self, relation: duckdb.DuckDBPyRelation) -> None:
        """The same for a relation."""
        from resources.stores.duckdb_copy import copy_relation

        path = self._next_part()
        self._finish_copy(path, copy_relation(relation, path, where=self._name))

    def reset(self) -> None:
        """Throws away what was written so far, the schema too."""
        self._abandon()
        self._publisher.reset()
        self._schema, self._parts, self._parts_before, self.rows = None, 0, 0, 0
        self._footers, self._ended = FooterCheck(), None

    def settled_schema(self) -> pa.Schema:
        """The schema that a version of what was written would have; ends the last part.

        Raises:
            IntegrityError: readers would get other types than announced.
        """
        if self._ended is None:  # asked again it would begin, and end, one part more
            self.begin_partition(None)
            self._await_closing()
            self._ended = self._footers.mark(self._schema)
        return self._ended

    def publish(
        self, properties: Mapping[str, Any] | None = None, replaced: Replaced | None = None
    ) -> Manifest:
        """Makes what was written the newest version, or only the partitions of it that are replaced.

        A table without rows keeps its columns in one empty part file. See `Publisher.publish`.

        Raises:
            InputError: nothing was written, not even a schema.
            IntegrityError: readers would get other types than announced; nothing is published then.
        """
        if self._schema is None:
            raise InputError(
                f"{self._name}: nothing was written, so its columns are unknown",
                hint="Write a stream with a schema; it may have no rows",
            )
        schema = self.settled_schema()
        return self._publisher.publish(schema=schema, properties=properties, replaced=replaced)

    def _settle(self, schema: pa.Schema) -> pa.Schema:
        stored = storage_schema(schema, where=self._name)
        if self._schema is None:
            self._schema = stored
        elif not self._schema.equals(stored):
            partition = self._publisher.partition
            what = "the second stream" if partition is None else f"partition {partition!r}"
            raise SchemaMismatchError(
                f"{self._name}: {what} {schema_difference(self._schema, stored)}",
                hint="All parts of a table have one schema",
            )
        return self._schema

    def _append(self, batch: pa.RecordBatch) -> None:
        while batch.num_rows:
            writer = self._writer or self._open_part()
            room = PART_ROWS - writer.rows
            writer.write(batch.slice(0, room))
            self.rows += min(batch.num_rows, room)
            batch = batch.slice(room)
            if writer.rows >= PART_ROWS or writer.size_bytes >= PART_BYTES:
                self._close_part()

    def _open_part(self) -> ThreadedWriter:
        assert self._schema is not None  # noqa: S101 - for the type checker: settled before any part
        self._writer = ThreadedWriter(self._next_part(), self._schema)
        self._writer.__enter__()
        return self._writer

    def _next_part(self) -> Path:
        path = self._publisher.new_file(f"part-{self._parts:05d}.parquet")
        self._parts += 1
        self._ended = None
        return path

    def _close_part(self) -> None:
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        self._await_closing()
        self._closing = self._closer.submit(self._finish, writer)

    def _await_closing(self) -> None:
        if self._closing is not None:
            closing, self._closing = self._closing, None
            closing.result()

    def _finish(self, writer: ThreadedWriter) -> None:
        writer.__exit__(None, None, None)
        self._footers.take(writer.path, writer.schema, where=self._name)
        self._publisher.seal(writer.path, rows=writer.rows)

    def _finish_copy(self, path: Path, schema: pa.Schema) -> None:
        self._footers.take(path, self._settle(schema), where=self._name)
        rows = pq.read_metadata(path).num_rows
        self.rows += rows
        self._publisher.seal(path, rows=rows)

    def _abandon(self) -> None:
        if self._closing is not None:
            self._closing.exception()
            self._closing = None
        if self._writer is not None:
            writer, self._writer = self._writer, None
            abandoned = InputError(f"{self._name}: abandoned")
            writer.__exit__(InputError, abandoned, None)
