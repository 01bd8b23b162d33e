"""Small tables for the tests of the table store."""

from __future__ import annotations

import pyarrow as pa

from resources.kernel.records import BatchStream
from resources.stores.tables import StoredTable, TableStore

KEY = ("datasets", "flights")
SCHEMA = pa.schema([("n", pa.int64()), ("s", pa.string())])


def stream(table: pa.Table, rows: int = 100) -> BatchStream:
    return BatchStream(table.schema, iter(table.to_batches(max_chunksize=rows)))


def numbers(rows: int, start: int = 0) -> pa.Table:
    values = range(start, start + rows)
    return pa.table({"n": values, "s": [f"row {i}" for i in values]}, SCHEMA)


def keep(store: TableStore, table: pa.Table, run_id: str = "run-1") -> StoredTable:
    store.write_stream(KEY, lambda: stream(table), run_id=run_id)
    return store.read(KEY)
