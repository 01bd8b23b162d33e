"""Rows of a stored table by their numbers, to look at: row 4,999,950 costs what row 1 does.

Footers say which row group holds a row, so nothing before it is read, and of a remote store only the bytes of the
columns asked for are fetched. The price: nothing is compared with the manifest's SHA-256, which would mean reading
all of a file. Whoever publishes, exports or downloads reads through `tables.py`, which proves every file first.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq

from resources.kernel.records import StoredFile, StoredVersion
from resources.stores.table_types import to_storage
from resources.stores.versions import VersionedItem

_BATCH_ROWS = 4096
_BATCH_BYTES = 16 << 20
"""What a batch may hold, by the average row of its group: rows of a megabyte come a few at a time."""


class TableRows:
    """Reads rows of one version of a table.

    Args:
        item: what it is a version of.
        version: the version.
    """

    def __init__(self, item: VersionedItem, version: StoredVersion) -> None:
        self._item, self._version = item, version
        self._ends = list(accumulate(file.rows or 0 for file in version.files))

    def read(self, numbers: Sequence[int], schema: pa.Schema) -> pa.Table:
        """The rows of these numbers, counted from 0, in the order asked for.

        Args:
            numbers: each below the version's number of rows.
            schema: the columns wanted, with the types that they are stored with.

        Raises:
            IntegrityError: a file is missing, cut off or cannot be read (E53).
            GoneError: the version was collected meanwhile (E51).
        """
        ordered = sorted(set(numbers))
        pieces = [
            piece
            for file, offsets in self._by_file(ordered)
            for batch in self._read_file(file, offsets, schema)
            for piece in to_storage(batch, schema, where=self._item.name)
        ]
        table = pa.Table.from_batches(pieces, schema)
        if list(numbers) == ordered:
            return table
        places = {number: place for place, number in enumerate(ordered)}
        return table.take(pa.array([places[number] for number in numbers], pa.int64()))

    def _by_file(self, numbers: Sequence[int]) -> Iterator[tuple[StoredFile, list[int]]]:
        found: dict[int, list[int]] = {}
        for number in numbers:
            place = bisect_right(self._ends, number)
            found.setdefault(place, []).append(number - (self._ends[place - 1] if place else 0))
        for place, offsets in found.items():
            yield self._version.files[place], offsets

    def _read_file(
        self, file: StoredFile, offsets: Sequence[int], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        source = _Ranges(self._item, self._version, file)
        with self._translated(file), pa.PythonFile(source, mode="r") as opened:
            parquet = pq.ParquetFile(opened, pre_buffer=not self._item.keeps_local_files)
            for group, inner in _by_group(parquet.metadata, offsets):
                yield from _read_group(parquet, group, inner, schema)

    @contextmanager
    def _translated(self, file: StoredFile) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, IndexError) as error:
            reason = " ".join(str(error).split())[:200]
            raise self._item.looking.damaged(self._version, file, reason) from error


def _by_group(metadata: pq.FileMetaData, offsets: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Row groups, and the rows wanted of each, counted from its first."""
    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    ends = list(accumulate(counts))
    found: dict[int, list[int]] = {}
    for offset in offsets:
        group = bisect_right(ends, offset)
        found.setdefault(group, []).append(offset - (ends[group - 1] if group else 0))
    yield from found.items()


def _read_group(
    parquet: pq.ParquetFile, group: int, wanted: Sequence[int], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    held = parquet.metadata.row_group(group)
    row_bytes = max(held.total_byte_size // max(held.num_rows, 1), 1)
    size = max(min(_BATCH_BYTES // row_bytes, _BATCH_ROWS), 1)
    batches = parquet.iter_batches(size, row_groups=[group], columns=schema.names)
    start, left = 0, list(wanted)
    while left:
        batch = next(batches, None)
        if batch is None:
            raise IndexError(f"row group {group} ends after {start} rows")
        here = [offset - start for offset in left if offset < start + batch.num_rows]
        if here:
            yield batch.select(schema.names).take(pa.array(here, pa.int64()))
        left, start = left[len(here) :], start + batch.num_rows


class _Ranges(io.RawIOBase):
    """A stored file as Arrow reads one, byte range by byte range."""

    def __init__(self, item: VersionedItem, version: StoredVersion, file: StoredFile) -> None:
        super().__init__()
        self._item, self._version, self._file = item, version, file
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size_bytes}
        self._place = start[whence] + offset
        return self._place

    def read(self, size: int = -1) -> bytes:
        left = max(self._file.size_bytes - self._place, 0)
        length = left if size < 0 else min(size, left)
        if not length:
            return b""
        found = self._item.looking.read_range(self._version, self._file, self._place, length)
        self._place += len(found)
        return found
