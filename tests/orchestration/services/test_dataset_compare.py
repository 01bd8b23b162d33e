"""Two versions of a dataset compared by the use case: what is the same is only said where it is known."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from orchestration.services.dataset_compare import compare_versions
from resources.kernel.errors import InputError, NotFoundError
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore

KEY = ("datasets", "orders")
BEYOND = pa.decimal256(50, 0)


@pytest.fixture
def store(tmp_path):
    return TableStore.open(str(tmp_path / "store"))


def put(store, number, table):
    store.write_stream(
        KEY, lambda: BatchStream(table.schema, iter(table.to_batches())), run_id=f"run-{number}"
    )


def wide(value):
    return pa.table({"id": [1, 2], "w": pa.array([Decimal(value)] * 2, BEYOND)})


def test_versions_are_not_called_the_same_while_a_column_could_not_be_compared(store):
    put(store, 1, wide(1))
    put(store, 2, wide(2))
    found = compare_versions(store, KEY, before="1", by=["id"])
    assert (found.added, found.removed, found.changed) == (0, 0, 0)
    assert [one.column for one in found.not_compared] == ["w"]
    assert not found.is_same


def test_a_restored_version_is_the_same_whatever_its_types(store):
    put(store, 1, wide(1))
    put(store, 2, pa.table({"id": [7]}))
    store.item(KEY).restore(1, run_id="restored")
    found = compare_versions(store, KEY, before="1", after="3")
    assert (found.unchanged, found.not_compared) == (2, ())
    assert found.is_same


def test_tags_name_versions_and_what_is_none_is_refused(store):
    put(store, 1, pa.table({"id": [1, 2], "v": ["a", "b"]}))
    put(store, 2, pa.table({"id": [1, 3], "v": ["x", "c"]}))
    store.item(KEY).tagging.tag("train", 1, by="ada")
    found = compare_versions(store, KEY, before="train", by=["id"])
    assert (found.from_version, found.to_version) == (1, 2)
    assert (found.added, found.removed, found.changed, found.unchanged) == (1, 1, 1, 0)
    assert [cell.value for cell in found.added_rows[0].cells] == [3, "c"]
    [change] = found.changed_rows
    assert [(cell.column, cell.before, cell.after) for cell in change.changes] == [("v", "a", "x")]
    with pytest.raises(NotFoundError):
        compare_versions(store, KEY, before="nothing")
    with pytest.raises(InputError, match="other"):
        compare_versions(store, KEY, before="1", by=["other"])
