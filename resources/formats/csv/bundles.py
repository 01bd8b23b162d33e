"""Many small files at the price of a few large ones: chunks of files that are alike are converted together.

Each conversion costs the same some hundred microseconds a column whether it has ten rows or a hundred thousand. What
goes wrong in a bundle is looked for in its parts one by one, so errors and reasons name file and line as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from resources.formats.csv.chunks import CsvChunk
from resources.formats.csv.convert import ChunkConverter, ConvertedCsv, FailedCsv, FileChunk
from resources.formats.partitions import folder_columns

SMALL_BYTES = 256 * 1024
"""Chunks up to this size are bundled."""
_BUNDLE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Bundle:
    """Chunks of files with the same columns in the same order and the same dialect."""

    parts: tuple[FileChunk, ...]

    def merged(self) -> FileChunk:
        """All parts as one chunk of the first file; its offset counts for nothing."""
        first = self.parts[0]
        newline = first.layout.file.dialect.newline
        pieces = [part.chunk.data for part in self.parts]
        data = b"".join(piece if piece.endswith(newline) else piece + newline for piece in pieces)
        has_quotes = any(part.chunk.has_quotes for part in self.parts)
        return FileChunk(first.layout, CsvChunk(data, first.chunk.offset, has_quotes))


def bundle(items: Iterable[FileChunk | FailedCsv]) -> Iterator[Bundle | FileChunk | FailedCsv]:
    """The same chunks in the same order, small ones that are alike in bundles of a few megabytes."""
    waiting: list[FileChunk] = []
    size = 0
    for item in items:
        is_small = isinstance(item, FileChunk) and len(item.chunk.data) <= SMALL_BYTES
        if waiting and (size > _BUNDLE_BYTES or not is_small or not _are_alike(waiting[0], item)):
            yield _closed(waiting)
            waiting, size = [], 0
        if is_small and isinstance(item, FileChunk):
            waiting.append(item)
            size += len(item.chunk.data)
        else:
            yield item
    if waiting:
        yield _closed(waiting)


def convert_bundle(
    converter: ChunkConverter, item: Bundle | FileChunk | FailedCsv
) -> list[ConvertedCsv | FailedCsv]:
    """A bundle as one batch; its parts one by one if anything in it is against the plan or in doubt."""
    if not isinstance(item, Bundle):
        return [converter.convert(item)]
    whole = converter.convert(item.merged())
    if isinstance(whole, FailedCsv) or whole.tells_files_apart:
        return [converter.convert(part) for part in item.parts]
    return [whole]


def _closed(waiting: list[FileChunk]) -> Bundle | FileChunk:
    return Bundle(tuple(waiting)) if len(waiting) > 1 else waiting[0]


def _are_alike(one: FileChunk, other: FileChunk | FailedCsv) -> bool:
    first, second = one.layout, other.layout
    return (
        first.names == second.names
        and first.null_values == second.null_values
        and first.has_trailing == second.has_trailing
        and first.file.cuts.leaves_blanks == second.file.cuts.leaves_blanks
        and first.file.dialect == second.file.dialect
        and folder_columns(first.file.name) == folder_columns(second.file.name)
    )
