"""What leads back: for each version of a set, the rows as they were before it, and which keys it brought.

Kept as compressed Arrow beside the values, some tenth of their size, since they are written with every file and read
by an undo alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from resources.stores.catalog.classifications.records import KEY, RowChanges
from resources.stores.catalog.classifications.tables import DELTAS

PART_ROWS = 65_536
_WAS_STORED = "was stored"  # no column of a set: the table of old rows has it beside them
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


@dataclass(frozen=True)
class DeltaPart:
    """Some rows of the way back from a version, and whether they were stored before it."""

    version: int
    rows: pa.Table
    was_stored: bool


def write_delta(connection: sa.Connection, set_id: int, version: int, changes: RowChanges) -> None:
    """Keeps what `changes` replace, as the way back from `version`."""
    keys, old = changes.upserts.column(KEY), changes.old
    new = _keys_beyond(keys, old.column(KEY))
    brought = pa.table([new], schema=pa.schema([old.schema.field(KEY)]))
    parts = [*_parts(_flagged(old, stored=True)), *_parts(_flagged(brought, stored=False))]
    for number, part in enumerate(parts):
        values = {"set_id": set_id, "version": version, "part": number, "rows": part}
        connection.execute(sa.insert(DELTAS).values(**values))


def read_deltas(connection: sa.Connection, set_id: int, after: int) -> Iterator[DeltaPart]:
    """The ways back of the versions after `after`, oldest first; memory holds a part."""
    found = connection.execute(
        sa.select(DELTAS.c.version, DELTAS.c.rows)
        .where(DELTAS.c.set_id == set_id, DELTAS.c.version > after)
        .order_by(DELTAS.c.version, DELTAS.c.part)
    )
    for version, data in found:
        with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
            table = reader.read_all()
        flag = (table.schema.metadata or {}).get(_WAS_STORED.encode(), b"")
        yield DeltaPart(version, table.replace_schema_metadata(None), flag == b"yes")


def forget_deltas(connection: sa.Connection, set_id: int, oldest: int) -> None:
    """Drops what leads to versions before `oldest`."""
    connection.execute(
        sa.delete(DELTAS).where(DELTAS.c.set_id == set_id, DELTAS.c.version <= oldest)
    )


def _keys_beyond(keys: pa.ChunkedArray, old: pa.ChunkedArray) -> pa.ChunkedArray:
    """The keys that are not among the old ones. Both ascending: mostly they are all new, or all the same."""
    if not len(old):
        return keys
    if keys.equals(old):
        return keys.slice(0, 0)
    return keys.filter(pc.invert(pc.is_in(keys, old)))


def _flagged(table: pa.Table, *, stored: bool) -> pa.Table:
    return table.replace_schema_metadata({_WAS_STORED: "yes" if stored else "no"})


def _parts(table: pa.Table) -> Iterator[bytes]:
    for start in range(0, table.num_rows, PART_ROWS):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=_OPTIONS) as writer:
            writer.write_table(table.slice(start, PART_ROWS).combine_chunks())
        yield sink.getvalue().to_pybytes()
