"""Files made piece by piece for somebody who takes them as they come: ZIP and Parquet. Nothing is held whole.

Both end in a directory of what they hold. When making one fails, the error comes in place of that end, so what was given
out until then opens nowhere.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from resources.formats.parquet_write import ROW_GROUP_ROWS, RowGroup, parquet_writer
from resources.kernel.records import BatchStream

_LEVEL = 4  # of deflate: half the time of the usual 6 for a few per cent more bytes
_EPOCH = 1980  # before which ZIP knows no time


def zip_chunks(name: str, chunks: Iterable[bytes], *, at: datetime) -> Iterator[bytes]:
    """A ZIP that holds one file.

    Args:
        name: of the file in it.
        chunks: its content; of any length, beyond 4 GB too.
        at: its time.
    """
    sink = _Sink()
    moment = max(at, at.replace(year=_EPOCH, month=1, day=1)) if at.year < _EPOCH else at
    info = zipfile.ZipInfo(name, moment.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
    member = archive.open(info, "w", force_zip64=True)
    for chunk in chunks:
        member.write(chunk)
        yield from sink.taken()
    member.close()
    archive.close()
    yield from sink.taken()


@dataclass(frozen=True)
class StoredMember:
    """A file of a ZIP.

    Args:
        name: with `/` between its folders.
        size_bytes: how many `chunks` are together.
        chunks: its content.
    """

    name: str
    size_bytes: int
    chunks: Iterable[bytes]


def stored_zip_chunks(members: Iterable[StoredMember]) -> Iterator[bytes]:
    """A ZIP of files that are packed already: as they are, in their order, without a time; the same files, the same bytes."""
    sink = _Sink()
    archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED)
    for member in members:
        info = zipfile.ZipInfo(member.name, (_EPOCH, 1, 1, 0, 0, 0))
        info.file_size = member.size_bytes
        info.external_attr = 0o644 << 16
        with archive.open(info, "w") as target:
            for chunk in member.chunks:
                target.write(chunk)
                yield from sink.taken()
    archive.close()
    yield from sink.taken()


def parquet_chunks(stream: BatchStream) -> Iterator[bytes]:
    """A Parquet file of all rows, a row group at a time."""
    sink, group = _Sink(), RowGroup(stream.schema)
    writer: pq.ParquetWriter | None = None
    try:
        for batch in stream:
            for table in group.add(batch):
                writer = writer or parquet_writer(
                    pa.PythonFile(sink, "w"), stream.schema, sample=table
                )
                writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
                yield from sink.taken()
        rest = group.take()
        writer = writer or parquet_writer(pa.PythonFile(sink, "w"), stream.schema, sample=rest)
        if rest.num_rows:
            writer.write_table(rest, row_group_size=ROW_GROUP_ROWS)
        writer.close()
        yield from sink.taken()
    finally:
        stream.close()


class _Sink:
    """Takes what a library writes until somebody takes it on; there is no way back in it."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: Any) -> int:
        """Keeps a copy: the library uses its memory again."""
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def taken(self) -> Iterator[bytes]:
        """What was written since the last call."""
        pieces, self._pieces = self._pieces, []
        yield from pieces

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """What was written can still be taken."""
