"""A table in memory that reads like a stored one, and says what was read of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from resources.kernel.records import BatchStream


class MemoryTable:
    def __init__(self, table: pa.Table, batch_rows: int = 500) -> None:
        self._table = table
        self._batch_rows = batch_rows
        self.columns_read: list[list[str]] = []

    @property
    def schema(self) -> pa.Schema:
        return self._table.schema

    @property
    def rows(self) -> int:
        return self._table.num_rows

    def batches(self, columns: Sequence[str] | None = None) -> BatchStream:
        table = self._table if columns is None else self._table.select(list(columns))
        self.columns_read.append(table.column_names)
        return BatchStream(table.schema, iter(table.to_batches(max_chunksize=self._batch_rows)))


def collect(stream: BatchStream) -> pa.Table:
    """All batches of a stream as one table."""
    return pa.Table.from_batches(list(stream), stream.schema)


def mixed_table(rows: int = 1_200, seed: int = 0) -> pa.Table:
    """`price` follows from `size` and `city`; `note` and `noise` mean nothing; gaps everywhere but in `id`."""
    rng = np.random.default_rng(seed)
    size = rng.normal(100, 30, rows)
    city = rng.choice(["Oslo", "Rome", "Lima"], rows)
    price = 300 + 3 * size + np.where(city == "Oslo", 120, 0) + rng.normal(0, 3, rows)
    gap = rng.random((4, rows)) < 0.05
    day = np.datetime64("2024-01-01") + rng.integers(0, 300, rows).astype("timedelta64[D]")
    return pa.table(
        {
            "id": np.arange(rows),
            "size": pa.array(size, mask=gap[0]),
            "city": pa.array(city, mask=gap[1]),
            "note": [f"N{number:05d}" for number in rng.permutation(rows)],
            "new": pa.array(rng.random(rows) < 0.5, mask=gap[2]),
            "sold": pa.array(day),
            "noise": rng.normal(size=rows),
            "price": pa.array(price, mask=gap[3]),
            "dear": pa.array(price > np.median(price), mask=gap[3]),
            "level": pa.array(np.digitize(price, [560, 680]), mask=gap[3]),
        }
    )
