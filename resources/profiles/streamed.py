"""Columns whose values are too large to be read 2,048 at a time, as DuckDB does: read by Arrow, a few at a time.

Each becomes a table of digests and lengths, a row a row, which the other modules take in the column's place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from resources.profiles.kinds import LONGEST_KEY, CountedColumn
from resources.profiles.session import Session

LARGE_VALUE_BYTES = 16_384
_BATCH_BYTES = 16 << 20
_SCHEMA = {"text": pa.string(), "hashed": pa.uint64()}


class StreamedColumns:
    """The columns with large values.

    Args:
        session: gets their tables.
        columns: of the table.
        value_bytes: about how many bytes a value takes, by position.
    """

    def __init__(
        self, session: Session, columns: Sequence[CountedColumn], value_bytes: dict[int, float]
    ) -> None:
        self._session = session
        self._positions = set()
        for column in columns:
            size = value_bytes.get(column.position, 0)
            if column.family in _SCHEMA and size > LARGE_VALUE_BYTES:
                self._load(column, max(int(_BATCH_BYTES / size), 1))
                self._positions.add(column.position)

    def __contains__(self, position: int) -> bool:
        return position in self._positions

    def table(self, position: int) -> str:
        """Name of the table of a column: `n`, the number of the row, `x`, its digest, `length`."""
        return f"streamed{position}"

    def _load(self, column: CountedColumn, batch_rows: int) -> None:
        name = self.table(column.position)
        kind = "VARCHAR" if column.family == "text" else "UBIGINT"
        self._session.run(f"CREATE TEMP TABLE {name} (n BIGINT, x {kind}, length BIGINT)")
        start = 0
        for batch in self._read(column, batch_rows):
            digested = _digested(column, batch.column(0), start)
            self._session.connection.register("digested", digested)
            self._session.run(f"INSERT INTO {name} SELECT * FROM digested")
            self._session.connection.unregister("digested")
            start += batch.num_rows

    def _read(self, column: CountedColumn, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for path in self._session.paths:
            file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
            yield from file.iter_batches(batch_rows, columns=[column.name], use_threads=False)


def value_sizes(session: Session, columns: Sequence[CountedColumn]) -> dict[int, float]:
    """About how many bytes a value of each column of texts, lists or bytes takes, as Parquet has it before compression."""
    wanted = {column.name: column.position for column in columns if column.family in _SCHEMA}
    sizes = dict.fromkeys(wanted.values(), 0)
    if not wanted:
        return {}
    for path in session.paths:
        metadata = pq.read_metadata(path)
        places = _places(metadata, wanted)
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            for place, position in places:
                sizes[position] += group.column(place).total_uncompressed_size
    rows = max(session.table.rows, 1)
    return {position: size / rows for position, size in sizes.items()}


def _places(metadata: pq.FileMetaData, wanted: dict[str, int]) -> list[tuple[int, int]]:
    """Columns of values in the file, and the position of the column that each belongs to."""
    found: list[tuple[int, int]] = []
    leaf = 0
    for name, leaves in _leaves(metadata.schema.to_arrow_schema()):
        if name in wanted:
            found += [(place, wanted[name]) for place in range(leaf, leaf + leaves)]
        leaf += leaves
    return found


def _leaves(schema: pa.Schema) -> Iterator[tuple[str, int]]:
    from resources.kernel.kept_types import count_leaves

    for field in schema:
        yield field.name, count_leaves(field.type)


def _digested(column: CountedColumn, values: pa.Array, start: int) -> pa.Table:
    digest = _text_digest if column.family == "text" else _hash
    found = [(None, None) if value is None else digest(value) for value in values.to_pylist()]
    return pa.table(
        {
            "n": pa.array(range(start, start + len(values)), pa.int64()),
            "x": pa.array([key for key, _ in found], _SCHEMA[column.family]),
            "length": pa.array([length for _, length in found], pa.int64()),
        }
    )


def _text_digest(text: str) -> tuple[str, int]:
    encoded = text.encode()
    if len(encoded) <= LONGEST_KEY:
        return text, len(text)
    digest = hashlib.md5(encoded, usedforsecurity=False).hexdigest()
    return f"{text[: LONGEST_KEY // 2]}\0{digest}", len(text)


def _hash(value: Any) -> tuple[int, int | None]:
    data = value if isinstance(value, bytes) else repr(value).encode()
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    length = len(value) if isinstance(value, bytes | list) else None
    return int.from_bytes(digest[:8], "big"), length
