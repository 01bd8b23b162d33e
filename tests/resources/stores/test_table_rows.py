"""Rows by their numbers: any of them, in any order, and nothing read that does not matter."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from resources.formats import parquet_write
from resources.kernel.errors import GoneError, InputError, IntegrityError
from resources.stores import table_writer
from resources.stores.tables import TableStore
from tests.resources.stores.tables import KEY, keep, numbers
from tests.resources.stores.test_tables import every_type


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


@pytest.fixture
def cut(store, monkeypatch):
    """1,000 rows in files of 300 and row groups of 100."""
    monkeypatch.setattr(table_writer, "PART_ROWS", 300)
    monkeypatch.setattr(parquet_write, "ROW_GROUP_ROWS", 100)
    kept = keep(store, numbers(1000))
    assert [file.rows for file in kept.version.files] == [300, 300, 300, 100]
    return kept


@pytest.mark.parametrize(
    "wanted", [range(50), range(95, 105), range(290, 320), range(950, 1000), [999, 0, 0, 500], []]
)
def test_any_rows_in_any_order(cut, wanted):
    assert cut.rows_at(list(wanted)).equals(numbers(1000).take(pa.array(wanted, pa.int64())))


def test_random_rows_of_some_columns(cut):
    wanted = random.Random(7).choices(range(1000), k=200)
    found = cut.rows_at(wanted, ["s"])
    assert found.equals(numbers(1000).select(["s"]).take(pa.array(wanted)))


def test_every_type_as_it_was_stored(store):
    kept = keep(store, every_type())
    found = kept.rows_at([2, 1, 0])
    assert found.schema.equals(kept.schema)
    whole = kept.to_table().take(pa.array([2, 1, 0]))
    for name in found.column_names:
        if name != "double":  # NaN is not NaN
            assert found[name].equals(whole[name]), name


def test_a_late_row_reads_no_more_than_an_early_one(cut, store, monkeypatch):
    read = []
    storage = type(store._storage)
    plain = storage.read_range

    def counted(self, path, start, length):
        read.append(length)
        return plain(self, path, start, length)

    monkeypatch.setattr(storage, "read_range", counted)
    cost = []
    for row in (0, 299, 305, 999):
        read.clear()
        cut.rows_at([row])
        cost.append(sum(read))
    assert max(cost) < 1.2 * cost[0]


def test_a_file_that_is_cut_off_missing_or_another_is_named(cut, store, tmp_path):
    file = cut.version.files[2]
    path = tmp_path / "store" / "datasets" / "flights" / file.path
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(IntegrityError, match=r"part-00002 of version 1 .* is damaged"):
        cut.rows_at([650])
    path.write_bytes(b"\0" * len(whole))
    with pytest.raises(IntegrityError, match=r"part-00002 of version 1 .* is damaged"):
        cut.rows_at([650])
    path.unlink()
    with pytest.raises(IntegrityError, match="is missing from the store"):
        cut.rows_at([650])
    assert cut.rows_at([0]).num_rows == 1  # other files are as good as they were


def test_a_version_that_is_collected_meanwhile_says_so(store):
    old = keep(store, numbers(10))
    for run in ("run-2", "run-3"):
        keep(store, numbers(10), run)
    store.collect(KEY, keep=1, grace=timedelta(0))
    with pytest.raises(GoneError, match="has been removed"):
        old.rows_at([0])


def test_unknown_columns(cut):
    with pytest.raises(InputError, match="has no column"):
        cut.rows_at([0], ["x"])


def test_names_that_sql_and_parquet_take_apart(store):
    table = pa.table(
        {
            "a.b": pa.array([1, 2]),
            "a": pa.array([{"b": "x"}, {"b": "y"}]),
            'we"ird': pa.array(["p", "q"]),
            "A": pa.array([True, False]),
        }
    )
    kept = keep(store, table)
    assert kept.rows_at([1], ["a.b"]).to_pylist() == [{"a.b": 2}]
    assert kept.rows_at([1]).to_pylist() == table.slice(1).to_pylist()
