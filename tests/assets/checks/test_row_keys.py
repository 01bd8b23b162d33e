"""By what rows are told: the declared key, else an identifier that the profile of this version has found, else nothing."""

import json
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from assets.checks.row_keys import in_words, key_columns, keys_at
from resources.profiles.compute import compute_profile
from resources.profiles.kept import keep_profile, profile_key
from resources.stores.tables import TableStore
from tests.assets.checks.test_native import stored

ROWS = pa.table(
    {
        "price": [2.5, 2.5, *range(98)],
        "day": [date(2026, 1, 1 + n % 31) for n in range(100)],
        "order_id": pa.array([None if n == 7 else n for n in range(100)], pa.int64()),
        "line": pa.array(range(1000, 1100), pa.int64()),
    }
)


@pytest.fixture
def kept(tmp_path):
    table = stored(ROWS, tmp_path)
    return TableStore.open(str(tmp_path)), table


def test_a_declared_key_counts_and_is_not_looked_for_elsewhere_when_a_column_is_gone(kept):
    assert key_columns(*kept, ["day", "price"]) == ("day", "price")
    keep_profile(kept[0], compute_profile(("datasets", "rows"), kept[1]), run_id="p")
    assert key_columns(*kept, ["day", "gone"]) == ()


def test_without_one_it_is_the_identifier_that_the_profile_of_this_very_version_has_found(kept):
    store, table = kept
    assert key_columns(store, table, ()) == ()
    keep_profile(store, compute_profile(("datasets", "rows"), table), run_id="p")
    assert key_columns(store, table, ()) == ("line",), "order_id lacks a value"
    with store.writer(("datasets", "rows"), run_id="next") as writer:
        writer.write(table.batches())
        writer.publish({})
    assert key_columns(store, store.read(("datasets", "rows")), ()) == ()


def test_a_damaged_profile_takes_the_keys_and_nothing_else(kept, tmp_path):
    store, table = kept
    profile = keep_profile(store, compute_profile(("datasets", "rows"), table), run_id="p")
    item = store.item(profile_key(("datasets", "rows")))
    with item.local_files(profile) as paths:
        paths[0].write_bytes(b"no parquet")
    assert key_columns(store, table, ()) == ()


def test_keys_are_those_of_the_rows_whatever_file_they_are_in(kept):
    found = keys_at(kept[1], [99, 7, 7, 0, 35, -1, 100], ["day", "order_id"])
    assert found == {
        0: {"day": "2026-01-01", "order_id": 0},
        7: {"day": "2026-01-08", "order_id": None},
        35: {"day": "2026-01-05", "order_id": 35},
        99: {"day": "2026-01-07", "order_id": 99},
    }
    assert in_words(found[7]) == "day=2026-01-08, order_id=null"
    assert keys_at(kept[1], [1], ()) == keys_at(kept[1], [], ["day"]) == {}


ODD = {
    "number": (pa.float64(), [float("nan"), float("inf"), 0.5], ["nan", "inf", 0.5]),
    "price": (pa.decimal128(38, 2), [Decimal("1.10"), None, None], ["1.10", None, None]),
    "bytes": (pa.binary(), [b"\xff\x00", None, None], ["ff00", None, None]),
    "text": (pa.string(), ["é", "x" * 3_000_000, ""], ["é", "x" * 200 + "… (2,999,800 more)", ""]),
    "Straße 1": (pa.list_(pa.int64()), [[1], None, []], ["[1]", None, "[]"]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_values_of_a_key_are_json_and_short(tmp_path, name):
    kind, values, told = ODD[name]
    table = stored(pa.table({name: pa.array(values, kind)}), tmp_path)
    found = keys_at(table, [0, 1, 2], [name])
    assert [key[name] for key in found.values()] == told
    assert len(json.dumps([*found.values()], allow_nan=False)) < 2000
