"""CSV that others read: every value as it is, formulas defused, nothing held whole, an error in place of an end."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tracemalloc
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from resources.formats.csv import CsvOptions, CsvReader
from resources.formats.csv_write import CsvWriter
from resources.formats.files import SourceFile
from resources.kernel.errors import IntegrityError
from resources.kernel.records import BatchStream

UTC = dt.UTC


def moment(*given: int) -> dt.datetime:
    """One without a zone."""
    return dt.datetime(*given, tzinfo=UTC).replace(tzinfo=None)


def stream(table: pa.Table, rows: int = 2) -> BatchStream:
    return BatchStream(table.schema, iter(table.to_batches(max_chunksize=rows)))


def written(table: pa.Table, **options) -> str:
    return b"".join(CsvWriter(**options).chunks(stream(table))).decode()


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["", None, 'a"b', "x,y", "l\nm"]), ["", "", 'a"b', "x,y", "l\nm"]),
        (pa.array([1e16, 0.1, 1e-7, float("nan"), None]), ["1e+16", "0.1", "1e-7", "nan", ""]),
        (pa.array([1.5, None], pa.float16()), ["1.5", ""]),
        (pa.array([2**64 - 1, None], pa.uint64()), ["18446744073709551615", ""]),
        (pa.array([Decimal("-1.10")], pa.decimal128(10, 2)), ["-1.10"]),
        (pa.array([Decimal("9" * 40 + ".5")], pa.decimal256(60, 1)), ["9" * 40 + ".5"]),
        (pa.array([dt.date(2013, 1, 31), None]), ["2013-01-31", ""]),
        (pa.array([500_000_000], pa.int32()).cast(pa.date32()), ["1370923-07-04"]),
        (
            pa.array([moment(2013, 1, 1, 5)], pa.timestamp("us")),
            ["2013-01-01 05:00:00.000000"],
        ),
        (
            pa.array([dt.datetime(2013, 7, 1, 5, tzinfo=UTC)], pa.timestamp("us", "Europe/Paris")),
            ["2013-07-01 05:00:00.000000Z"],
        ),
        (pa.array([b"\x00+", None]), ["002b", ""]),
        (pa.array([dt.timedelta(milliseconds=5)], pa.duration("us")), ["5000"]),
        (pa.array([[1, 2], None, []]), ["[1,2]", "", "[]"]),
        (
            pa.array([{"d": Decimal("1.10"), "t": dt.date(2020, 1, 2), "x": float("inf")}]),
            ['{"d":"1.10","t":"2020-01-02","x":"Infinity"}'],
        ),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int8())), ['[["k",1]]']),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_a_value_is_written_as_it_is(values, expected):
    table = pa.table({"n": pa.array(range(len(values))), "v": values})
    assert [row[1] for row in rows(written(table))[1:]] == expected


def test_null_and_empty_text_can_be_told_apart():
    table = pa.table({"a": pa.array(["", None]), "b": [1, 2]})
    assert written(table).splitlines()[1:] == ['"",1', ",2"]


def test_a_null_in_the_only_column_is_a_row():
    assert written(pa.table({"a": pa.array([1, None, 3])})) == 'a\n"1"\n""\n3\n'
    assert len(pd.read_csv(io.StringIO(written(pa.table({"a": pa.array(["x", None])}))))) == 2


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_a_spreadsheet_would_run_is_defused_unless_told_otherwise(start):
    table = pa.table({f"{start}n": pa.array([f"{start}1+1", f"1{start}1", None]), "m": [-1, 2, 3]})
    writer = CsvWriter()
    text = b"".join(writer.chunks(stream(table))).decode()
    found = rows(text)
    assert found[0] == [f"'{start}n", "m"]
    assert [row[0] for row in found[1:]] == [f"'{start}1+1", f"1{start}1", ""]
    assert found[1][1] == "-1", "numbers are no texts"
    assert writer.defused == 2
    assert rows(written(table, guard=False))[1][0] == f"{start}1+1"


def test_our_own_import_reads_the_same_values(tmp_path):
    table = pa.table(
        {
            "id": ["007", "008"],
            "amount": pa.array([Decimal("12345678901234567.10"), None], pa.decimal128(20, 2)),
            "x": [0.1, 1e-7],
            "n": pa.array([1, 2]),
            "on": pa.array([dt.date(2013, 1, 31), None]),
            "at": pa.array([moment(2013, 1, 1, 5, 0, 0, 123456)] * 2, pa.timestamp("us")),
            "tz": pa.array([dt.datetime(2013, 7, 1, 5, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
            "ok": [True, False],
            "text": ['a "quoted", text', "two\nlines"],
        }
    )
    path = tmp_path / "a.csv"
    path.write_text(written(table), newline="")
    read = CsvReader([SourceFile("a.csv", path)], CsvOptions()).stream()
    assert pa.Table.from_batches(list(read), read.schema).to_pylist() == table.to_pylist()


def test_an_error_of_the_stream_comes_in_place_of_the_end():
    def broken():
        yield pa.record_batch({"a": [1, 2]})
        raise IntegrityError("a file is damaged")

    pieces = []
    with pytest.raises(IntegrityError, match="damaged"):
        pieces.extend(CsvWriter().chunks(BatchStream(pa.schema({"a": pa.int64()}), broken())))
    assert b"".join(pieces) in (b"a\n", b"a\n1\n2\n")


def test_whoever_stops_reading_lets_go_of_the_source():
    closed = []

    def endless():
        try:
            while True:
                yield pa.record_batch({"a": [1]})
        finally:
            closed.append(True)

    chunks = CsvWriter().chunks(BatchStream(pa.schema({"a": pa.int64()}), endless()))
    next(chunks)
    next(chunks)
    chunks.close()
    assert closed == [True]


def test_memory_does_not_grow_with_the_table():
    batch = pa.record_batch({"a": ["x" * 100] * 1_000})

    def peak(count: int) -> int:
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        most = 0
        for _ in CsvWriter().chunks(BatchStream(batch.schema, iter([batch] * count))):
            most = max(most, pa.total_allocated_bytes() - before)
        traced = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most + traced

    assert peak(200) < 3 * peak(10)
