"""Two tables stored as versions, and what is between them."""

from __future__ import annotations

from itertools import count

import pyarrow as pa
import pytest

from resources.drift.compute import compute_drift
from resources.drift.record import ColumnDrift, Drift
from resources.drift.reference import named_version
from resources.drift.settings import DriftSettings
from resources.kernel.records import BatchStream
from resources.stores.tables import StoredTable, TableStore

KEY = ("datasets", "orders")
_RUNS = count(1)


def put(store: TableStore, table: pa.Table, key: tuple[str, ...] = KEY) -> StoredTable:
    store.write_stream(
        key,
        lambda: BatchStream(table.schema, iter(table.to_batches())),
        run_id=f"run-{next(_RUNS)}",
    )
    return store.read(key)


def drift(
    store: TableStore,
    reference: pa.Table,
    current: pa.Table,
    settings: DriftSettings | None = None,
) -> Drift:
    one, other = put(store, reference), put(store, current)
    return compute_drift(
        one,
        other,
        settings or DriftSettings(),
        named=(named_version(one, KEY), named_version(other, KEY)),
    )


def column(found: Drift, name: str) -> ColumnDrift:
    one = found.column(name)
    assert one is not None
    return one


def only(store: TableStore, reference: object, current: object, **settings: object) -> ColumnDrift:
    """What is between two columns."""
    tables = [pa.table({"x": values}) for values in (reference, current)]
    (found,) = drift(store, *tables, DriftSettings(**settings)).columns  # type: ignore[arg-type]
    return found


@pytest.fixture
def store(tmp_path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))
