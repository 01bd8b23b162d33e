"""A look at a source without importing it: its types, its first rows, what was guessed (E12).

Reads no more than it shows: the first objects until there are rows enough, or a stream that is left early. So types
are those of the rows that were read; an import looks at every value, and may find that a column needs a wider one.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from resources.kernel.errors import InputError
from resources.kernel.records import BatchStream, Guess, ObjectInfo
from resources.kernel.retyping import read_settled
from resources.sources.source import ObjectSource, OpenStream, Source
from resources.stores.table_types import storage_schema, to_storage

FETCHED_BYTES = 256 << 20
"""The most bytes that a look fetches from another system: objects come whole."""

_FIRST_OBJECTS = (1, 4, 16)
"""How many objects to open until there are rows enough."""


@dataclass(frozen=True)
class Preview:
    """What a source looks like."""

    table: pa.Table
    """The first rows, in the types found so far, as a dataset would keep them."""
    is_whole: bool
    """Whether these are all rows there are."""
    guesses: tuple[Guess, ...]
    warnings: tuple[str, ...]
    objects_read: int | None = None
    """How many objects were opened; None for tables and queries."""


def preview_source(source: Source, rows: int) -> Preview:
    """The first `rows` rows of a source.

    Raises:
        NotFoundError: no such table, no object that the path means.
        InputError: every object is too large to be fetched for a look.
        WaybillError: whatever the connector or the format refuses, or the store cannot keep (E12).
    """
    if not isinstance(source, ObjectSource):
        return _preview(source, rows)
    objects = source.objects()
    small = _within_limit(source, objects)
    for count in _FIRST_OBJECTS:
        part = small[:count]
        found = _preview(source.taking(part), rows)
        is_last = len(part) == len(small)
        if found.table.num_rows >= rows or is_last or count == _FIRST_OBJECTS[-1]:
            break
    is_whole = found.is_whole and len(part) == len(objects)
    warnings = found.warnings
    if part[0] != objects[0]:
        warnings += (f"{objects[0].key} has {_megabytes(objects[0])}: not fetched for a look",)
    return Preview(found.table, is_whole, found.guesses, warnings, len(part))


def _within_limit(source: ObjectSource, objects: list[ObjectInfo]) -> list[ObjectInfo]:
    """The first objects that a look may fetch; where nothing has to be fetched, all.

    Raises:
        InputError: every object is too large for a look.
    """
    if not source.fetches:
        return objects
    chosen: list[ObjectInfo] = []
    left = FETCHED_BYTES
    for item in objects:
        if item.size_bytes <= left and len(chosen) < _FIRST_OBJECTS[-1]:
            chosen.append(item)
            left -= item.size_bytes
    if not chosen:
        raise InputError(
            f"{objects[0].key} has {_megabytes(objects[0])}; a look fetches whole objects of"
            f" {FETCHED_BYTES >> 20} MB together at most, and no object is that small",
            hint="Look at a smaller object of the same kind with `--connector` and `--path`, or import it",
            key=objects[0].key,
        )
    return chosen


def _megabytes(item: ObjectInfo) -> str:
    return f"{item.size_bytes / (1 << 20):,.0f} MB"


def _preview(source: Source, rows: int) -> Preview:
    with source.open_heads(rows + 1) as open_stream:
        table, stream = _head(open_stream, rows, source.title)
    shown = table.slice(0, rows)
    return Preview(shown, table.num_rows <= rows, tuple(stream.guesses), tuple(stream.warnings))


def _head(open_stream: OpenStream, rows: int, where: str) -> tuple[pa.Table, BatchStream]:
    """At least one row more than asked for, when there is one; as the store would keep them."""

    def read() -> tuple[pa.Table, BatchStream]:
        stream = open_stream()
        batches: list[pa.RecordBatch] = []
        try:
            schema = storage_schema(stream.schema, where=where)
            for batch in stream:
                batches += to_storage(batch, schema, where=where)
                if sum(held.num_rows for held in batches) > rows:
                    break
            return pa.Table.from_batches(batches, schema=schema), stream
        finally:
            stream.close()

    return read_settled(read, what="the source")
