"""Two versions compared: every kind of change, every odd kind of value, and keys that are none."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import count

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from resources.comparison.compare import TableComparison
from resources.comparison.found import FoundRow
from resources.kernel.errors import InputError
from resources.kernel.records import BatchStream
from resources.stores.partitions import Replaced
from resources.stores.tables import TableStore

KEY = ("datasets", "orders")
RUNS = count(1)


@pytest.fixture
def store(tmp_path):
    return TableStore.open(str(tmp_path / "store"))


def put(store, table):
    stream = lambda: BatchStream(table.schema, iter(table.to_batches()))  # noqa: E731 - opened anew
    store.write_stream(KEY, stream, run_id=f"run-{next(RUNS)}")
    return store.read(KEY)


def opened(store, *tables):
    before, after = (put(store, table) for table in tables)
    return TableComparison(duckdb.connect(), before, after)


def counts(found):
    return found.added, found.removed, found.changed


def changed_names(comparison, found):
    return [[pair.name for pair in row] for row in comparison.changed_columns(found.changed_rows)]


ORDERS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4]),
        "price": pa.array([1.5, 2.5, None, 4.5]),
        "town": ["Rome", "Oslo", "Bern", None],
    }
)


def test_by_key_each_change_is_found_with_its_cells(store):
    later = pa.table(
        {
            "id": pa.array([5, 4, 3, 1]),
            "price": pa.array([9.0, 4.5, 3.5, 1.5]),
            "town": ["Paris", "Graz", "Bern", "Rome"],
        }
    )
    comparison = opened(store, ORDERS, later)
    found = comparison.run(["id"])
    assert counts(found) == (1, 1, 2)
    assert (found.added_rows, found.removed_rows) == ((FoundRow(0),), (FoundRow(1),))
    assert [(row.before, row.after) for row in found.changed_rows] == [(3, 1), (2, 2)]
    assert changed_names(comparison, found) == [["town"], ["price"]]
    assert (found.changes_of_columns, found.counted_changes) == ((1, 1), 2)


def test_without_a_key_rows_count_as_often_as_they_are_there(store):
    one = pa.table({"a": [1, 1, 1, 2, 3], "b": ["x", "x", "x", "y", None]})
    other = pa.table({"a": [1, 2, 2, 2, 4], "b": ["x", "y", "y", "y", None]})
    found = opened(store, one, other).run()
    assert counts(found) == (3, 3, 0)
    assert found.added_rows == (FoundRow(1, 2), FoundRow(4, 1))
    assert found.removed_rows == (FoundRow(0, 2), FoundRow(4, 1))


def test_a_key_of_two_columns(store):
    one = pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"], "v": [1, 2, 3]})
    other = pa.table({"a": [1, 2, 2], "b": ["y", "x", "y"], "v": [2, 4, 5]})
    assert counts(opened(store, one, other).run(["a", "b"])) == (1, 1, 1)


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ([1, 2, 2], [1, 2], "rows 2 and 3 of version 1 have the same"),
        ([1, 2], [1, 2, 2], "rows 2 and 3 of version 2 have the same"),
        ([1, 2], [1, 5, 5], "rows 2 and 3 of version 2"),
        ([7, 7, 1], [1], "rows 1 and 2 of version 1"),
        ([1, None], [1], "null in row 2 of version 1"),
        ([1], [1, 2, None], "null in row 3 of version 2"),
    ],
    ids=["both", "later", "added", "removed", "null-before", "null-after"],
)
def test_a_key_that_does_not_tell_rows_apart_is_refused(store, one, other, text):
    tables = [pa.table({"id": pa.array(ids, pa.int64()), "v": ids}) for ids in (one, other)]
    with pytest.raises(InputError, match=text):
        opened(store, *tables).run(["id"])


def test_keys_that_there_are_not(store):
    other = pa.table({"id": [1], "town": [["x"]], "more": [1]})
    comparison = opened(store, ORDERS, other)
    for name, text in (
        ("no", "not in both versions"),
        ("price", "not in both"),
        ("town", "its type changed from string to list"),
    ):
        with pytest.raises(InputError, match=text):
            comparison.run([name])


def test_columns_added_removed_retyped_renamed_and_in_another_order(store):
    one = pa.table({"id": [1, 2], "Town": ["a", "b"], "n": [1, 2], "old": [0, 0]})
    other = pa.table({"n": [1.0, 2.5], "town": ["a", "c"], "id": [1, 2], "new": [True, False]})
    comparison = opened(store, one, other)
    columns = comparison.columns
    assert columns.added == (("new", "bool"),)
    assert columns.removed == (("old", "int64"),)
    assert columns.retyped == (("n", "int64", "double"),)
    assert columns.renamed == (("Town", "town"),)
    assert columns.is_reordered
    found = comparison.run(["id"])
    assert counts(found) == (0, 0, 1)
    assert changed_names(comparison, found) == [["n", "town"]]


def test_names_equal_but_for_case_are_columns_of_their_own(store):
    one = pa.table({"id": [1, 2], "ID": [10, 20], "Ä": ["x", "y"], "ä": ["p", "q"]})
    other = pa.table({"id": [1, 2], "ID": [10, 21], "Ä": ["x", "z"], "ä": ["p", "q"]})
    comparison = opened(store, one, other)
    assert comparison.columns.renamed == ()
    found = comparison.run(["id"])
    assert changed_names(comparison, found) == [["ID", "Ä"]]


NAN = float("nan")
D38 = Decimal(12345678901234567890123456789012345678)
SAME = {
    "nan": ([NAN, 1.0], [NAN, 1.0], pa.float64()),
    "zeros": ([0.0, -0.0], [-0.0, 0.0], pa.float64()),
    "nan32": ([NAN, -0.0], [NAN, 0.0], pa.float32()),
    "d38": ([D38, None], [D38, None], pa.decimal128(38, 0)),
    "binary": ([b"\x00", b""], [b"\x00", b""], pa.binary()),
    "nested": ([[1, None], []], [[1, None], []], pa.list_(pa.int64())),
    "struct": ([{"a": NAN}, None], [{"a": NAN}, None], pa.struct([("a", pa.float64())])),
    "nulls": ([None, None], [None, None], pa.int64()),
}
DIFFERENT = {
    "nan": ([NAN], [None], pa.float64()),
    "infinity": ([float("inf")], [float("-inf")], pa.float64()),
    "d38": ([D38], [D38 - 1], pa.decimal128(38, 0)),
    "int64": ([2**53], [2**53 + 1], pa.int64()),
    "binary": ([b""], [None], pa.binary()),
    "bytes": ([b"a\x00"], [b"a"], pa.binary()),
    "empty-list": ([[]], [None], pa.list_(pa.int64())),
    "list-of-null": ([[None]], [[]], pa.list_(pa.int64())),
    "list-of-lists": ([[[1], [2]]], [[[1, 2]]], pa.list_(pa.list_(pa.int64()))),
    "texts-in-lists": ([["a, b"]], [["a", "b"]], pa.list_(pa.string())),
    "null-text": ([["NULL"]], [[None]], pa.list_(pa.string())),
    "struct-of-null": ([{"a": None}], [None], pa.struct([("a", pa.int64())])),
    "text": ([""], [None], pa.string()),
    "accents": (["e\u0301"], ["é"], pa.string()),
}


@pytest.mark.parametrize("name", SAME)
def test_values_that_are_the_same(store, name):
    one, other, kind = SAME[name]
    tables = [
        pa.table({"id": [1, 2], "v": pa.array(values, kind), "x": [i, i]})
        for i, values in enumerate((one, other))
    ]
    comparison = opened(store, *tables)  # `x` differs, so that no file is the same
    found = comparison.run(["id"])
    assert changed_names(comparison, found) == [["x"], ["x"]]
    assert found.changes_of_columns == (0, 2)


@pytest.mark.parametrize("name", DIFFERENT)
def test_values_that_differ(store, name):
    one, other, kind = DIFFERENT[name]
    tables = [pa.table({"id": [1], "v": pa.array(values, kind)}) for values in (one, other)]
    comparison = opened(store, *tables)
    found = comparison.run(["id"])
    assert counts(found) == (0, 0, 1)
    assert changed_names(comparison, found) == [["v"]]
    assert counts(comparison.run()) == (1, 1, 0)


@pytest.mark.parametrize(
    ("one", "other", "changed"),
    [
        (pa.array([1, 2**53 + 1]), pa.array([1.0, 2.0**53]), 1),
        (pa.array([0, 5]), pa.array([-0.0, 5.5]), 1),
        (pa.array([1, 2], pa.int32()), pa.array([1, 2], pa.int64()), 0),
        (pa.array([1, 2], pa.uint64()), pa.array([1, -2], pa.int64()), 1),
        (pa.array([0.5, NAN], pa.float32()), pa.array([0.5, NAN]), 0),
        (pa.array([Decimal("1.50")] * 2), pa.array([Decimal("1.500"), Decimal("1.501")]), 1),
        (pa.array([None, None], pa.null()), pa.array([None, 7]), 1),
    ],
    ids=["int-double", "zero", "wider", "unsigned", "float", "decimal", "no-values"],
)
def test_columns_of_other_types_are_compared_where_that_is_exact(store, one, other, changed):
    tables = [pa.table({"id": [1, 2], "v": values}) for values in (one, other)]
    assert counts(opened(store, *tables).run(["id"])) == (0, 0, changed)


def test_what_cannot_be_compared_is_told_and_left_out(store):
    wide = pa.array([Decimal(1)] * 2, pa.decimal256(50, 0))
    one = pa.table({"id": [1, 2], "v": [1, 2], "w": wide})
    other = pa.table({"id": [1, 2], "v": ["1", "x"], "w": wide})
    comparison = opened(store, one, other)
    reasons = {pair.name: pair.reason for pair in comparison.columns.pairs if pair.reason}
    assert reasons == {
        "v": "its type changed from int64 to string",
        "w": "it has 50 digits; 38 can be compared",
    }
    assert counts(comparison.run(["id"])) == (0, 0, 0)


def test_versions_without_rows(store):
    empty = ORDERS.slice(0, 0)
    assert counts(opened(store, empty, ORDERS).run(["id"])) == (4, 0, 0)
    assert counts(opened(store, ORDERS, empty).run(["id"])) == (0, 4, 0)
    assert counts(opened(store, ORDERS, empty).run()) == (0, 4, 0)
    assert counts(opened(store, empty, empty).run(["id"])) == (0, 0, 0)


def test_versions_without_a_common_column(store):
    found = opened(store, pa.table({"a": [1, 2]}), pa.table({"b": [1]})).run()
    assert counts(found) == (1, 2, 0)
    assert (found.added_rows, found.removed_rows) == ((FoundRow(0),), (FoundRow(0), FoundRow(1)))


def test_a_table_of_keys_alone(store):
    one, other = pa.table({"id": [1, 2]}), pa.table({"id": [2, 3]})
    assert counts(opened(store, one, other).run(["id"])) == (1, 1, 0)


def test_thousands_of_columns(store):
    """More than are compared or nested at once anywhere, and no whole number of blocks."""
    names = [f"column {i}" for i in range(2_550)]
    one = pa.table({name: pa.array([i, i + 1]) for i, name in enumerate(names)})
    other = one.set_column(1_500, names[1_500], pa.array([1_500, -1]))
    comparison = opened(store, one, other)
    found = comparison.run(["column 0"])
    assert counts(found) == (0, 0, 1)
    assert changed_names(comparison, found) == [["column 1500"]]
    assert sum(found.changes_of_columns) == 1


def part(store, keys, run_id):
    """Partitions of one row for each value, as a run of them publishes."""
    with store.writer(KEY, run_id=run_id) as writer:
        for key, values in keys.items():
            table = pa.table({"id": values, "v": [len(values)] * len(values)})
            writer.begin_partition(key)
            writer.write(BatchStream(table.schema, iter(table.to_batches())))
        writer.publish({}, Replaced("static", frozenset(keys)))
    return store.read(KEY)


def test_files_that_both_versions_name_are_not_read(store):
    before = part(store, {"a": [1, 2], "b": [3], "c": [4, 5]}, "run-1")
    after = part(store, {"b": [3, 6]}, "run-2")
    comparison = TableComparison(duckdb.connect(), before, after)
    assert [side.rows for side in comparison.sides] == [1, 2]
    found = comparison.run(["id"])
    assert counts(found) == (1, 0, 1)
    side = comparison.sides[1]
    assert [side.number_in_version(row.number) for row in found.added_rows] == [4]
    assert counts(TableComparison(duckdb.connect(), after, after).run(["id"])) == (0, 0, 0)
    twins = part(store, {"b": [3, 1]}, "run-3")
    with pytest.raises(InputError, match="does not tell rows apart"):
        TableComparison(duckdb.connect(), before, twins).run(["id"])


def test_twenty_examples_of_many(store):
    one = pa.table({"id": range(100), "v": [0] * 100})
    other = pa.table({"id": range(50, 200), "v": [0] * 25 + [1] * 125})
    found = opened(store, one, other).run(["id"])
    assert counts(found) == (100, 50, 25)
    lengths = map(len, (found.added_rows, found.removed_rows, found.changed_rows))
    assert list(lengths) == [20, 20, 20]


def test_any_two_tables_as_python_counts_them(store):
    """Against a plain count in Python, with nulls, twins and NaN."""
    dice = np.random.default_rng(7)
    for _ in range(6):
        tables = []
        for _ in range(2):
            values = dice.integers(0, 6, (300, 2))
            column = pa.array(values[:, 0].astype(float), mask=values[:, 0] == 5)
            tables.append(pa.table({"a": column, "b": [f"{v}" for v in values[:, 1]]}))
        before, after = (put(store, table) for table in tables)
        found = TableComparison(duckdb.connect(), before, after).run()
        one, other = (Counter(map(tuple, map(dict.values, t.to_pylist()))) for t in tables)
        assert counts(found) == ((other - one).total(), (one - other).total(), 0)
