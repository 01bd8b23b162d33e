"""How the tests of this folder read JSON: the way a store does, asking again on `Retype`."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from resources.formats.files import SourceFile
from resources.formats.json import JsonOptions, JsonReader
from resources.kernel.records import BatchStream, Retype


def write_files(folder: Path, *contents: bytes, ending: str = "json") -> list[SourceFile]:
    files = []
    for number, content in enumerate(contents, 1):
        name = f"f{number}.{ending}"
        (folder / name).write_bytes(content)
        files.append(SourceFile(name, folder / name))
    return files


def read_reader(reader: JsonReader) -> tuple[pa.Table, BatchStream]:
    """The table and its stream; at most two passes, as promised."""
    stream = reader.stream()
    try:
        return pa.Table.from_batches(list(stream), stream.schema), stream
    except Retype:
        stream.close()
        stream = reader.stream()
        return pa.Table.from_batches(list(stream), stream.schema), stream


def read_stream(
    folder: Path, *contents: bytes, chunk_bytes: int = 1 << 20, lines: bool = False, **options
) -> tuple[pa.Table, BatchStream]:
    files = write_files(folder, *contents)
    reader = JsonReader(files, JsonOptions(**options), chunk_bytes=chunk_bytes, lines=lines)
    return read_reader(reader)


def read_bytes(folder: Path, *contents: bytes, **options) -> pa.Table:
    return read_stream(folder, *contents, **options)[0]
