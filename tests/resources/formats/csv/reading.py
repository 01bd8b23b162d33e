"""How the tests of this folder read a CSV: the way a store does, asking again on `Retype`."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from resources.formats.csv import CsvOptions, CsvReader, SourceFile
from resources.kernel.records import BatchStream, Retype


def write_files(folder: Path, *contents: bytes) -> list[SourceFile]:
    files = []
    for number, content in enumerate(contents, 1):
        name = f"f{number}.csv"
        (folder / name).write_bytes(content)
        files.append(SourceFile(name, folder / name))
    return files


def read_reader(reader: CsvReader) -> tuple[pa.Table, BatchStream]:
    """The table and its stream; at most two passes, as promised."""
    stream = reader.stream()
    try:
        return pa.Table.from_batches(list(stream), stream.schema), stream
    except Retype:
        stream = reader.stream()
        return pa.Table.from_batches(list(stream), stream.schema), stream


def read_chunked(folder: Path, content: bytes, block_bytes: int, **options: object) -> pa.Table:
    files = write_files(folder, content)
    return read_reader(CsvReader(files, CsvOptions(**options), block_bytes=block_bytes))[0]


def read_bytes(folder: Path, *contents: bytes, **options: object) -> pa.Table:
    return read_stream(folder, *contents, **options)[0]


def read_stream(folder: Path, *contents: bytes, **options: object) -> tuple[pa.Table, BatchStream]:
    return read_reader(CsvReader(write_files(folder, *contents), CsvOptions(**options)))
