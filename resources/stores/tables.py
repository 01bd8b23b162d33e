"""Versioned tables: Parquet part files, read as Arrow batches, tables, pandas, Polars or a DuckDB relation.

Which Arrow types are kept is `table_types.py`; writing is `table_writer.py`; pandas is `frames.py`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from resources.kernel.errors import InputError, IntegrityError, MissingDependencyError
from resources.kernel.keys import Key
from resources.kernel.records import BatchStream, StoredFile
from resources.scratch import ScratchFolder
from resources.stores.collect import DEFAULT_GRACE, DEFAULT_KEEP, CollectReport
from resources.stores.duckdb_read import NumberedRelation, open_numbered, open_relation
from resources.stores.manifest import Manifest
from resources.stores.partitions import only_partitions, stored_partitions
from resources.stores.table_rows import TableRows
from resources.stores.table_types import to_storage
from resources.stores.table_writer import TableWriter
from resources.stores.versions import VersionedItem, VersionStore

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl

BATCH_ROWS = 65_536

Properties = Mapping[str, Any] | Callable[[BatchStream], Mapping[str, Any]]
T = TypeVar("T")


class TableStore(VersionStore):
    """Versioned tables under one root."""

    def read(self, key: Key, version: int | None = None) -> StoredTable:
        """A version of a table, the newest unless a number is given.

        Raises:
            NotFoundError: there is none; `GoneError` when it has been collected.
        """
        item = self.item(key)
        if version is None:
            return item.read_latest(lambda manifest: StoredTable(item, manifest))
        return StoredTable(item, item.version(version))

    def read_latest(self, key: Key, use: Callable[[StoredTable], T]) -> T:
        """`use` of the newest version; again with a newer one when that is collected meanwhile (2a, E51)."""
        item = self.item(key)
        return item.read_latest(lambda manifest: use(StoredTable(item, manifest)))

    def writer(self, key: Key, *, run_id: str, attempt: int = 0) -> TableWriter:
        """A context manager that writes a new version."""
        item = self.item(key)
        return TableWriter(item.publisher(run_id, attempt), item.name)

    def write_stream(
        self,
        key: Key,
        open_stream: Callable[[], BatchStream],
        *,
        run_id: str,
        attempt: int = 0,
        properties: Properties | None = None,
    ) -> Manifest:
        """Writes a stream as a new version, opening it again whenever it asks to be retyped.

        Args:
            key: of the table.
            open_stream: called once, and again after each `Retype`.
            run_id: of the run; one run publishes once.
            attempt: number of the retry.
            properties: a dict, or a function of the finished stream (its guesses and warnings are complete).
        """
        with self.writer(key, run_id=run_id, attempt=attempt) as writer:
            stream = writer.write_settled(open_stream)
            given = properties(stream) if callable(properties) else properties
            return writer.publish(given)

    def collect(
        self,
        key: Key,
        keep: int = DEFAULT_KEEP,
        grace: timedelta = DEFAULT_GRACE,
        *,
        keep_days: float = 0,
    ) -> CollectReport:
        """Removes a table's old versions and leftovers; see `resources.stores.collect`."""
        return self.item(key).collect(keep, grace, keep_days=keep_days)


class StoredTable:
    """One version of a table. Immutable; every file is checked against the manifest before it is read."""

    def __init__(self, item: VersionedItem, manifest: Manifest) -> None:
        if manifest.arrow_schema is None:
            raise InputError(
                f"Version {manifest.number} of {item.name} is no table", hint="Read it as files"
            )
        self._item = item
        self.version: Manifest = manifest
        """The manifest: number, rows, files, properties."""
        self.schema: pa.Schema = manifest.arrow_schema
        """Arrow schema of the rows."""
        self.opened_folders: frozenset[Path] = frozenset()
        """Folders whose files the relations made so far open."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.version.rows or 0

    @property
    def name(self) -> str:
        """What messages call it: `datasets/flights`."""
        return self._item.name

    @property
    def partitions(self) -> list[str]:
        """Keys of its partitions, in order; none of a table that is replaced as a whole."""
        return stored_partitions(self.version)

    def of_partitions(self, keys: Iterable[str]) -> StoredTable:
        """The rows of those partitions alone.

        Raises:
            NotFoundError: one of them was never stored, or none was asked for.
        """
        return self.of_files(only_partitions(self.version, keys, where=self.name))

    def of_files(self, files: Sequence[StoredFile]) -> StoredTable:
        """The rows of some of its files alone."""
        rows = sum(file.rows or 0 for file in files)
        return StoredTable(self._item, replace(self.version, files=tuple(files), rows=rows))

    def batches(
        self, columns: Sequence[str] | None = None, batch_rows: int = BATCH_ROWS
    ) -> BatchStream:
        """All rows in order as record batches; memory holds about one row group.

        Args:
            columns: only these, in this order.
            batch_rows: most rows of a batch.

        Raises:
            InputError: unknown columns.
            IntegrityError: a damaged file (E53).
            GoneError: the version was collected meanwhile (E51).
        """
        schema = self._select(columns)
        reading = self._read(schema, batch_rows)
        next(reading)  # opens the first file now, so that a version that is gone says so here
        return BatchStream(schema, reading)

    def to_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows in memory."""
        schema = self._select(columns)
        pieces: list[pa.RecordBatch] = []
        with self._item.local_files(self.version) as paths:
            for path in paths:
                table = pq.ParquetFile(path, pre_buffer=False).read(columns=schema.names)
                for batch in table.select(schema.names).to_batches():
                    pieces.extend(to_storage(batch, schema, where=self.name))
        return self._checked(pa.Table.from_batches(pieces, schema))

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """All rows in memory, no value changed by a missing one beside it; see `frames.to_pandas`."""
        from resources.stores.frames import to_pandas

        return to_pandas(self.to_table(columns))

    def to_polars(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """All rows in memory.

        Raises:
            MissingDependencyError: Polars is not installed.
        """
        frame: pl.DataFrame = _polars().from_arrow(self.to_table(columns))
        return frame

    def scan_polars(self) -> pl.LazyFrame:
        """A lazy frame over the part files; rows are read when it is collected."""
        frame: pl.LazyFrame = _polars().scan_parquet(
            [str(path) for path in self._lasting_files(None)]
        )
        return frame

    def relation(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
        """The rows as a DuckDB relation of `connection`; files of a remote store are copied for its lifetime.

        Raises:
            InputError: a column that DuckDB would change: decimals of more than 38 digits (E36), names that differ
                in case alone (E23).
        """
        paths = self._lasting_files(connection)
        self.opened_folders |= {path.parent for path in paths}
        return open_relation(connection, paths, self.schema, where=self.name)

    def rows_at(self, numbers: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Rows by their numbers, counted from 0, in the order asked for; see `table_rows` for what is not proven.

        Raises:
            InputError: unknown columns.
            IntegrityError: a file that is missing, cut off or cannot be read (E53).
            GoneError: the version was collected meanwhile (E51).
        """
        return TableRows(self._item, self.version).read(numbers, self._select(columns))

    def numbered(
        self, connection: duckdb.DuckDBPyConnection, *, is_proven: bool = False
    ) -> NumberedRelation:
        """The rows as DuckDB searches them: columns by their place, and each row's number.

        Args:
            connection: for which files of a remote store are copied.
            is_proven: whether every file is compared with the manifest first; one that is only looked at need not be.

        Raises:
            IntegrityError: a file is damaged or missing (E53).
            GoneError: the version was collected meanwhile (E51).
        """
        paths = self._lasting_files(connection, is_proven=is_proven)
        self.opened_folders |= {path.parent for path in paths}
        rows = [file.rows or 0 for file in self.version.files]
        return open_numbered(connection, paths, rows, self.schema)

    def sample(self, n: int = 10) -> pa.Table:
        """The first `n` rows."""
        rows: list[pa.RecordBatch] = []
        missing = n
        stream = self.batches(batch_rows=max(min(n, BATCH_ROWS), 1))
        while missing > 0 and (batch := next(stream.batches, None)) is not None:
            rows.append(batch.slice(0, missing))
            missing -= batch.num_rows
        stream.close()
        return pa.Table.from_batches(rows, self.schema)

    def _select(self, columns: Sequence[str] | None) -> pa.Schema:
        if columns is None:
            return self.schema
        fields = {field.name: field for field in self.schema}
        unknown = [name for name in columns if name not in fields]
        if unknown or not columns:
            raise InputError(
                f"{self.name} has no column {unknown[:10]}"
                if unknown
                else "No column was asked for",
                hint=f"Its columns are {', '.join(self.schema.names[:30])}",
                columns=unknown,
            )
        return pa.schema([fields[name] for name in columns])

    def _read(self, schema: pa.Schema, batch_rows: int) -> Iterator[Any]:
        seen = 0
        for position, file in enumerate(self.version.files):
            with self._item.local_file(self.version, file) as path:
                if position == 0:
                    yield None
                parquet = pq.ParquetFile(path, pre_buffer=False)
                for batch in parquet.iter_batches(batch_rows, columns=schema.names):
                    seen += batch.num_rows
                    yield from to_storage(batch.select(schema.names), schema, where=self.name)
        self._check_rows(seen)

    def _checked(self, table: pa.Table) -> pa.Table:
        self._check_rows(table.num_rows)
        return table

    def _check_rows(self, rows: int) -> None:
        if rows != self.rows:
            raise IntegrityError(
                f"Version {self.version.number} of {self.name} has {rows} rows in its files,"
                f" {self.rows} in its manifest",
                hint="Import it again, or read another version",
            )

    def _lasting_files(self, owner: object | None, *, is_proven: bool = True) -> list[Path]:
        """Files that stay for as long as `owner` lives, or the process: DuckDB and Polars open them late."""
        if self._item.keeps_local_files and not is_proven:
            return self._item.looking.paths(self.version)
        with self._item.local_files(self.version) as paths:
            if self._item.keeps_local_files:
                return paths
            folder = ScratchFolder("store")
            weakref.finalize(owner if owner is not None else _PROCESS, folder.cleanup)
            # Files of several runs share their names.
            return [
                path.rename(folder.path / f"{place:05d}-{path.name}")
                for place, path in enumerate(paths)
            ]


class _Process:
    """Lives as long as the process: owns copies that no other object keeps."""


_PROCESS = _Process()


def _polars() -> ModuleType:
    try:
        import polars as pl
    except ImportError as error:
        raise MissingDependencyError("polars", extra="polars", purpose="A Polars frame") from error
    return pl
