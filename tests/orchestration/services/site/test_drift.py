"""Drift in memory: computed once, anew for other versions and other questions, and no more than there is room for."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration.services.dataset_drift import show_drift
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.questions.dataset import DRIFT
from orchestration.services.site import drift
from resources.kernel.errors import NotFoundError
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore

KEY = ("datasets", "orders")
ENTRY = DatasetEntry("orders", "", KEY)


def write(store: TableStore, shift: int, rows: int = 200) -> None:
    values = [n % 10 + shift for n in range(rows)]
    table = pa.table({"a": values, "b": values})
    stream = BatchStream(table.schema, iter(table.to_batches()))
    store.write_stream(KEY, lambda: stream, run_id=f"r{shift}-{rows}")


class Counting:
    """Stands for the project's process."""

    def __init__(self, store: TableStore) -> None:
        self.store = store
        self.asked = 0

    async def ask(self, question, *, key, declared, **asked):
        assert question is DRIFT
        self.asked += 1
        return show_drift(self.store, tuple(key), declared, **asked)


@pytest.fixture
def asker(tmp_path: Path) -> Counting:
    store = TableStore.open(str(tmp_path / "store"))
    write(store, 0)
    write(store, 5)
    drift._lately.forget()
    return Counting(store)


def found(asker: Counting, entry: DatasetEntry = ENTRY, **asked: str) -> drift.Drift:
    return asyncio.run(drift.drift_of(asker, asker.store, entry, **asked))  # type: ignore[arg-type]


def test_it_is_computed_once(asker):
    first = found(asker)
    assert first.state == "drifted"
    assert found(asker) is first
    assert asker.asked == 1


def test_what_is_asked_otherwise_is_computed_anew(asker):
    first = found(asker)
    assert [column.name for column in found(asker, column="b").columns] == ["b"]
    assert found(asker, version="2", against="version:2").state == "stable"
    judged = replace(ENTRY, drift='{"against":"previous","settings":{"ignore":["a"]}}')
    assert [column.name for column in found(asker, judged).columns] == ["b"]
    assert found(asker) is first
    assert asker.asked == 4


def test_a_new_version_and_a_tag_that_moved_are_others(asker):
    asker.store.item(KEY).tagging.tag("train", 1)
    before = found(asker, against="tag:train")
    asker.store.item(KEY).tagging.tag("train", 2, move=True)
    assert found(asker, against="tag:train").reference.version == 2
    write(asker.store, 9)
    assert found(asker, against="tag:train").current.version == 3
    assert before.reference.version == 1
    assert asker.asked == 3


def test_a_store_from_a_backup_has_other_rows_under_the_same_numbers(asker, tmp_path):
    assert found(asker).state == "drifted"
    shutil.rmtree(tmp_path / "store")
    write(asker.store, 7)
    write(asker.store, 7, rows=400)
    assert asker.store.item(KEY).numbers() == [1, 2]
    assert found(asker).state == "stable"


def test_what_is_not_there_is_told_each_time(asker):
    for _ in range(2):
        with pytest.raises(NotFoundError, match="nope"):
            found(asker, against="tag:nope")
    assert asker.asked == 2


def test_there_is_room_for_so_many_columns(asker, monkeypatch):
    monkeypatch.setattr(drift._lately, "most", 4)
    first, second = found(asker), found(asker, against="version:1")
    assert found(asker, against="version:1") is second
    found(asker, against="version:2")
    assert found(asker, against="version:1") is second
    assert found(asker) is not first
