"""What a table must offer to be learned from, and a bounded, seeded sample of its rows.

Belongs here: reading rows for learning. Does not: which columns become which numbers (plan.py, matrix.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.kernel.records import BatchStream

LARGEST = 1e30
"""The largest number that can be learned from: scikit-learn's trees keep 32 bits, and anything squares numbers."""


class TableSource(Protocol):
    """A stored table that can be read as often as needed. `resources.stores.tables.StoredTable` is one."""

    @property
    def schema(self) -> pa.Schema:
        """Columns and types."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    def batches(self, columns: Sequence[str] | None = None) -> BatchStream:
        """The rows in their order, all columns or some."""


def sample_rows(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    *,
    total: int,
    size: int,
    seed: int,
) -> pa.Table:
    """At most `size` rows of a stream of `total` rows, in their order, the same ones for the same seed.

    One pass. Each stretch of the stream gives its proportional share, so that a sample of a table that is
    ordered by time covers all of it; within a batch the rows are drawn at random.
    """
    if total <= size:
        return pa.Table.from_batches(list(batches), schema=schema)
    return pa.Table.from_batches(list(_draw(batches, total, size, seed)), schema=schema)


def _draw(
    batches: Iterable[pa.RecordBatch], total: int, size: int, seed: int
) -> Iterator[pa.RecordBatch]:
    rng = np.random.default_rng(seed)
    seen = 0
    for batch in batches:
        share = size * (seen + batch.num_rows) // total - size * seen // total
        seen += batch.num_rows
        if share:
            chosen = np.sort(rng.choice(batch.num_rows, size=share, replace=False))
            # take copies: a slice would keep the whole batch alive
            yield batch.take(pa.array(chosen))


def keep_rows(batches: Iterable[pa.RecordBatch], column: str) -> Iterator[pa.RecordBatch]:
    """Only the rows in which `column` holds a usable value; see `usable_mask`."""
    for batch in batches:
        usable = usable_mask(batch.column(column))
        kept = batch.filter(usable) if pc.any(pc.invert(usable)).as_py() else batch
        if kept.num_rows:
            yield kept


def usable_mask(values: pa.Array | pa.ChunkedArray) -> Any:
    """True where a value can be learned from: neither null, NaN, infinite nor huge."""
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        size = pc.abs(values.cast(pa.float64(), safe=False))
        return pc.fill_null(pc.less_equal(size, LARGEST), False)  # false for NaN
    return pc.is_valid(values)
