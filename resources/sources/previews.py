"""A look at a source without importing it: its types, its first rows, what was guessed (E12).

Reads no more than it shows: the first objects until there are rows enough, or a stream that is left early. So types
are those of the rows that were read; an import looks at every value, and may find that a column needs a wider one.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from resources.kernel.errors import InputError
from resources.kernel.records import BatchStream, Guess, Retype
from resources.sources.source import FileSource, OpenStream, Source

_ATTEMPTS = 8
_FIRST_OBJECTS = (1, 4, 16)
"""How many objects to open until there are rows enough."""


@dataclass(frozen=True)
class Preview:
    """What a source looks like."""

    table: pa.Table
    """The first rows, in the types found so far."""
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
        WaybillError: whatever the connector or the format refuses.
    """
    if not isinstance(source, FileSource):
        return _preview(source, rows)
    objects = source.objects()
    for count in _FIRST_OBJECTS:
        part = objects[:count]
        found = _preview(source.taking(part), rows)
        is_last = len(part) == len(objects)
        if found.table.num_rows >= rows or is_last or count == _FIRST_OBJECTS[-1]:
            break
    return Preview(
        found.table, found.is_whole and is_last, found.guesses, found.warnings, len(part)
    )


def _preview(source: Source, rows: int) -> Preview:
    with source.open_heads(rows + 1) as open_stream:
        table, stream = _head(open_stream, rows)
    shown = table.slice(0, rows)
    return Preview(shown, table.num_rows <= rows, tuple(stream.guesses), tuple(stream.warnings))


def _head(open_stream: OpenStream, rows: int) -> tuple[pa.Table, BatchStream]:
    """At least one row more than asked for, when there is one."""
    for _ in range(_ATTEMPTS):
        stream = open_stream()
        batches: list[pa.RecordBatch] = []
        try:
            for batch in stream:
                batches.append(batch)
                if sum(held.num_rows for held in batches) > rows:
                    break
            return pa.Table.from_batches(batches, schema=stream.schema), stream
        except Retype:
            continue
        finally:
            stream.close()
    raise InputError(
        f"the source changed its types {_ATTEMPTS} times", hint="Give the types with `types:`"
    )
