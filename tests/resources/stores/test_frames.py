"""pandas and Polars: no value changes on the way out or in (E37), and nothing is lost in silence."""

from __future__ import annotations

import datetime as dt
import decimal
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from resources.kernel.errors import InputError, MissingDependencyError
from resources.kernel.records import BatchStream
from resources.stores.frames import drops_row_numbers, from_pandas, to_pandas
from resources.stores.tables import TableStore

KEY = ("datasets", "t")


def arrow(frame: pd.DataFrame) -> pa.Table:
    stream = from_pandas(frame, where="datasets/t")
    return pa.Table.from_batches(stream.batches, stream.schema)


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (pa.array([1, 2], pa.int64()), "int64"),
        (pa.array([2**53 + 1, None], pa.int64()), "Int64"),
        (pa.array([255, None], pa.uint8()), "UInt8"),
        (pa.array([True, False]), "bool"),
        (pa.array([True, None]), "boolean"),
        (pa.array([1.5, None]), "float64"),
        (pa.array(["a", None]), "str"),
        (pa.array([0, None], pa.timestamp("us")), "datetime64[us]"),
        (pa.array([0, None], pa.timestamp("ns", "UTC")), "datetime64[ns, UTC]"),
        (pa.array([dt.date(2013, 1, 1), None]), "date32[day][pyarrow]"),
        (pa.array([decimal.Decimal("1.10"), None]), "decimal128(3, 2)[pyarrow]"),
        (pa.array([dt.time(1), None]), "time64[us][pyarrow]"),
        (pa.array([b"\xff", None]), "binary[pyarrow]"),
        (pa.array([dt.timedelta(1), None], pa.duration("us")), "timedelta64[us]"),
        (pa.array([[1], None]), "object"),
        (pa.array([{"a": 1}, None]), "object"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else value,
)
def test_out_and_in_again(array, dtype):
    table = pa.table({"first": [1, 2], "c": array, "last": ["x", "y"]})
    frame = to_pandas(table)
    assert str(frame["c"].dtype) == dtype
    assert list(frame.columns) == ["first", "c", "last"]
    back = arrow(frame)
    assert back["c"].to_pylist() == array.to_pylist()
    if dtype != "str":
        assert back.schema.field("c").type == array.type


def test_only_gaps():
    assert to_pandas(pa.table({"a": [1, None], "b": [None, True]})).dtypes.astype(
        str
    ).to_list() == [
        "Int64",
        "boolean",
    ]


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        (pd.DataFrame({"x": [1, 2, 3]}), ["x"]),
        (pd.DataFrame({"x": [3, 1, 2]}).sort_values("x"), ["x"]),
        (pd.DataFrame({"x": [1, 2, 3]}).query("x > 1"), ["x"]),
        (pd.concat([pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [2]})]), ["x"]),
        (pd.DataFrame({"k": ["a", "b"], "x": [1, 2]}).groupby("k").sum(), ["k", "x"]),
        (pd.DataFrame({"a": [1], "b": [2], "x": [3]}).set_index(["a", "b"]), ["a", "b", "x"]),
        (pd.DataFrame({"x": []}, index=pd.Index([], dtype="str")), ["x"]),
    ],
    ids=["plain", "sorted", "filtered", "concatenated", "grouped", "two-levels", "empty"],
)
def test_indexes_that_are_kept_or_are_row_numbers(frame, columns):
    assert arrow(frame).column_names == columns
    assert arrow(frame).num_rows == len(frame)


@pytest.mark.parametrize(
    ("frame", "worth_a_line"),
    [
        (pd.DataFrame({"x": [1, 2]}), False),
        (pd.DataFrame({"x": [1, 2]}).iloc[1:], True),
        (pd.DataFrame({"x": [1, 2]}).rename_axis("id"), False),
    ],
    ids=["plain", "filtered", "named"],
)
def test_dropped_row_numbers_are_told(frame, worth_a_line):
    assert drops_row_numbers(frame) is worth_a_line


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (pd.DataFrame({"x": [1]}, index=["a"]), "index without a name"),
        (pd.DataFrame({"x": [1]}, index=pd.date_range("2020", periods=1)), "index without a name"),
        (pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])), "index without a name"),
        (pd.DataFrame({"x": [1]}, index=pd.Index([1], name="x")), "index is called 'x' like a column"),
        (pd.DataFrame({0: [1]}), "a column is called 0"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "duplicate column names"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])), "called"),
        (pd.DataFrame({"x": [1, None, "a"]}, dtype=object), "'x' holds .* int first, str in row 3"),
        (pd.DataFrame({"x": ["a", b"b"]}), "'x' holds .* str first, bytes in row 2"),
        (pd.DataFrame({"x": [1, True]}, dtype=object), "'x' holds .* int first, bool in row 2"),
        (pd.DataFrame({"x": [dt.date(2020, 1, 1), dt.datetime.fromisoformat("2020-01-01T05")]}, dtype=object), "'x'"),
        (pd.DataFrame({"x": [2**70]}, dtype=object), "'x' cannot be stored"),
        (pd.DataFrame({"x": [object()]}), "'x' cannot be stored"),
        (pd.DataFrame({"x": [[1, "a"]]}), "'x' cannot be stored"),
        (pd.DataFrame({"x": [1 + 2j]}), "'x' cannot be stored"),
    ],
    ids=[
        "text-index", "date-index", "multi-index", "index-like-column", "number-name", "twins",
        "column-levels", "int-text", "text-bytes", "int-bool", "date-datetime", "big-int", "objects",
        "mixed-list", "complex",
    ],
)  # fmt: skip
def test_frames_that_are_refused(frame, text):
    with pytest.raises(InputError, match=text) as caught:
        arrow(frame)
    assert "datasets/t" in str(caught.value)
    assert len(str(caught.value)) <= 500


def test_categories_are_stored_as_their_values():
    frame = pd.DataFrame(
        {
            "a": pd.Categorical(["x", None, "y"]),
            "b": pd.Categorical([3, 1, 3]),
            "c": pd.Categorical([3, None, 1]),
        }
    )
    table = arrow(frame)
    assert table.to_pydict() == {"a": ["x", None, "y"], "b": [3, 1, 3], "c": [3, None, 1]}
    assert [str(field.type).removeprefix("large_") for field in table.schema] == [
        "string",
        "int64",
        "int64",
    ]


def test_missing_is_missing_whatever_its_name():
    frame = pd.DataFrame(
        {"f": [1.0, np.nan], "t": pd.to_datetime(["2020-01-01", None]), "o": ["a", pd.NA]}
    )
    assert [column.null_count for column in arrow(frame).columns] == [1, 1, 1]


@pytest.fixture
def stored(tmp_path):
    store = TableStore.open(str(tmp_path))
    table = pa.table({"n": [2**53 + 1, None, 3], "s": ["a", None, "c"]})
    store.write_stream(KEY, lambda: BatchStream(table.schema, iter(table.to_batches())), run_id="r")
    return store.read(KEY)


def test_polars_eager_and_lazy(stored):
    expected = pl.DataFrame({"n": [2**53 + 1, None, 3], "s": ["a", None, "c"]})
    assert stored.to_polars().equals(expected)
    lazy = stored.scan_polars()
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.filter(pl.col("n") > 2).collect().equals(expected[[0, 2]])


def test_without_polars(stored, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingDependencyError, match=r"waybill\[polars\]"):
        stored.to_polars()
