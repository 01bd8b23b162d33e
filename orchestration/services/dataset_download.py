"""A version of a dataset as a file to take away: CSV, a ZIP of it, or Parquet, made piece by piece.

Never in the web process: it reads rows. What is asked for is looked up, and the first file is checked, before the first
piece; an error later ends the pieces, and the caller must not end the file as if it were whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, get_args

import pyarrow.parquet as pq

from orchestration.services.dataset_list import DatasetEntry
from resources.formats.csv_write import CsvWriter
from resources.formats.parquet_join import join_parquet
from resources.formats.streams import parquet_chunks, zip_chunks
from resources.kernel.errors import InputError
from resources.stores.tables import StoredTable, TableStore
from resources.stores.versions import VersionedItem

DownloadFormat = Literal["csv", "zip", "parquet"]
FORMATS: tuple[str, ...] = get_args(DownloadFormat)
MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
    "parquet": "application/vnd.apache.parquet",
}
GUARDED = (
    "texts that begin with = + - @ or a control character have an apostrophe before them, so that no"
    " spreadsheet runs them"
)
"""What is said of the guard."""

_PIECE = 1 << 20


@dataclass(frozen=True)
class DatasetDownload:
    """A file on its way."""

    file_name: str
    media_type: str
    version: int
    rows: int
    size_bytes: int | None
    """Where it is known before the file is made: of Parquet that is passed on as it is."""
    is_guarded: bool
    """Whether texts that look like formulas are defused."""
    chunks: Iterator[bytes]
    """The file. Close it when it is not taken to the end."""
    defused: Callable[[], int]
    """How many values the guard has changed so far."""


def download_dataset(
    entry: DatasetEntry,
    store: TableStore,
    *,
    file_format: str = "csv",
    version: int | None = None,
    raw: bool = False,
) -> DatasetDownload:
    """A version as a file.

    Args:
        entry: the dataset.
        store: where it is kept.
        file_format: one of `FORMATS`.
        version: its number; the newest when None.
        raw: CSV: leaves texts that look like formulas as they are.

    Raises:
        InputError: another format.
        NotFoundError: no such version; `GoneError` when it has been removed.
        IntegrityError: its first file is damaged.
    """
    if file_format not in FORMATS:
        raise InputError(
            f"there is no format {file_format[:40]!r} to download",
            hint=f"Known: {', '.join(FORMATS)}",
        )

    def make(table: StoredTable) -> DatasetDownload:
        if file_format == "parquet":
            return _parquet(entry, store, table)
        return _csv(entry, table, packed=file_format == "zip", guard=not raw)

    if version is None:
        return store.read_latest(entry.key, make)
    return make(store.read(entry.key, version))


def _csv(entry: DatasetEntry, table: StoredTable, *, packed: bool, guard: bool) -> DatasetDownload:
    writer = CsvWriter(guard=guard)
    chunks = writer.chunks(table.batches())
    name = _file_name(entry, table, "csv")
    if packed:
        chunks = zip_chunks(name, chunks, at=table.version.created_at)
    kind = "zip" if packed else "csv"
    return DatasetDownload(
        file_name=_file_name(entry, table, kind),
        media_type=MEDIA_TYPES[kind],
        version=table.version.number,
        rows=table.rows,
        size_bytes=None,
        is_guarded=guard,
        chunks=chunks,
        defused=lambda: writer.defused,
    )


def _parquet(entry: DatasetEntry, store: TableStore, table: StoredTable) -> DatasetDownload:
    size, chunks = _as_kept(store.item(entry.key), table)
    return DatasetDownload(
        file_name=_file_name(entry, table, "parquet"),
        media_type=MEDIA_TYPES["parquet"],
        version=table.version.number,
        rows=table.rows,
        size_bytes=size,
        is_guarded=False,
        chunks=parquet_chunks(table.batches()) if chunks is None else chunks,
        defused=lambda: 0,
    )


def _as_kept(item: VersionedItem, table: StoredTable) -> tuple[int | None, Iterator[bytes] | None]:
    """Size and bytes of a version as it lies in the store, no value of it read; None where it has to be written anew.

    Opened, and all hashes proven, before the first piece is asked for. Several files are joined where they are at hand: of a
    store elsewhere all would have to be fetched first.
    """
    files = table.version.files
    if len(files) != 1 and not item.keeps_local_files:
        return None, None
    with ExitStack() as stack:
        paths = stack.enter_context(item.local_files(table.version))
        if len(paths) == 1:
            stream = stack.enter_context(paths[0].open("rb"))
            return files[0].size_bytes, _pieces(stream, stack.pop_all())
        if not all(pq.read_schema(path).equals(table.schema) for path in paths):
            return None, None  # files of earlier runs, whose types became wider since
        joined = join_parquet(paths) if paths else None
        return (None, None) if joined is None else (joined.size_bytes, joined.chunks)


def _pieces(stream: BinaryIO, held: ExitStack) -> Iterator[bytes]:
    with held:
        while piece := stream.read(_PIECE):
            yield piece


def _file_name(entry: DatasetEntry, table: StoredTable, ending: str) -> str:
    return f"{entry.name.replace('/', '_')}-v{table.version.number}.{ending}"


def save(chunks: Iterable[bytes], target: Path) -> int:
    """Writes a download to a file: whole, or not at all. Returns its bytes."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    size = 0
    try:
        with partial.open("wb") as file:
            for chunk in chunks:
                size += file.write(chunk)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return size
