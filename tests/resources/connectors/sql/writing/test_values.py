"""Every Arrow type into every database: what is stored, what is refused, and that nothing changes in silence."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from resources.kernel.errors import InputError, SchemaMismatchError
from resources.kernel.records import TableName
from tests.contract.table_connector import read_table
from tests.resources.connectors.sql.writing.databases import ExportDatabase, sales

D = Decimal
UTC_MOMENT = datetime(2024, 2, 29, 12, 30, 5, 250_000, tzinfo=UTC)
MOMENT = UTC_MOMENT.replace(tzinfo=None)
JSON = '{"a": 1, "b": ["x", null]}'

# Arrow array, and what PostgreSQL, SQLite and DuckDB hold for its first value.
CASES: dict[str, tuple[pa.Array, Any, Any, Any]] = {
    "null": (pa.nulls(2), None, None, None),
    "bool": (pa.array([True, None]), True, 1, True),
    "int8": (pa.array([-128, None], pa.int8()), -128, -128, -128),
    "uint8": (pa.array([255, None], pa.uint8()), 255, 255, 255),
    "uint16": (pa.array([65_535, None], pa.uint16()), 65_535, 65_535, 65_535),
    "uint32": (pa.array([2**32 - 1, None], pa.uint32()), *[2**32 - 1] * 3),
    "int64": (pa.array([2**53 + 1, None]), *[2**53 + 1] * 3),
    "int64 least": (pa.array([-(2**63), None]), *[-(2**63)] * 3),
    "uint64": (pa.array([2**63 - 1, None], pa.uint64()), D(2**63 - 1), 2**63 - 1, 2**63 - 1),
    "float16": (pa.array([np.float16(1.5), None], pa.float16()), 1.5, 1.5, 1.5),
    "float32": (pa.array([0.1, None], pa.float32()), 0.1, 0.10000000149011612, 0.10000000149011612),
    "float64": (pa.array([0.1, None]), 0.1, 0.1, 0.1),
    "infinity": (pa.array([-math.inf, None]), *[-math.inf] * 3),
    "decimal": (
        pa.array([D("-12345678901234567890.10"), None], pa.decimal128(22, 2)),
        *(D("-12345678901234567890.10"), "-12345678901234567890.10", D("-12345678901234567890.10")),
    ),
    "decimal32": (pa.array([D("1.10"), None], pa.decimal32(4, 2)), D("1.10"), "1.10", D("1.10")),
    "decimal of hundreds": (
        pa.array([D("1200"), None], pa.decimal128(5, -2)),
        *(D(1200), "1200", D(1200)),
    ),
    "decimal near zero": (
        pa.array([D("0E-8"), None], pa.decimal128(12, 8)),
        *(D("0E-8"), "0.00000000", D("0E-8")),
    ),
    "decimal256": (
        pa.array([D("1.5"), None], pa.decimal256(38, 1)),
        *(D("1.5"), "1.5", D("1.5")),
    ),
    "string": (pa.array(["00123", None]), *["00123"] * 3),
    "empty string": (pa.array(["", None]), "", "", ""),
    "large string": (pa.array(["NA é", None], pa.large_string()), *["NA é"] * 3),
    "string view": (pa.array(["x" * 40, None], pa.string_view()), *["x" * 40] * 3),
    "dictionary": (pa.array(["a", None]).dictionary_encode(), "a", "a", "a"),
    "run ends": (pa.RunEndEncodedArray.from_arrays([1, 2], ["a", None]), "a", "a", "a"),
    "binary": (pa.array([b"\x00\xff", None]), *[b"\x00\xff"] * 3),
    "fixed binary": (pa.array([b"ab", None], pa.binary(2)), *[b"ab"] * 3),
    "binary view": (pa.array([b"ab", None], pa.binary_view()), *[b"ab"] * 3),
    "uuid": (pa.array([b"\x01" * 16, None], pa.uuid()), *[b"\x01" * 16] * 3),
    "date": (pa.array([date(1, 1, 1), None]), date(1, 1, 1), "0001-01-01", date(1, 1, 1)),
    "date64": (
        pa.array([date(9999, 12, 31), None], pa.date64()),
        *(date(9999, 12, 31), "9999-12-31", date(9999, 12, 31)),
    ),
    "time": (
        pa.array([time(23, 59, 59, 5), None]),
        time(23, 59, 59, 5),
        "23:59:59.000005",
        time(23, 59, 59, 5),
    ),
    "time in ns": (
        pa.array([1_000_000, None], pa.time64("ns")),
        *(time(0, 0, 0, 1000), "00:00:00.001000", time(0, 0, 0, 1000)),
    ),
    "timestamp": (
        pa.array([MOMENT, None], pa.timestamp("us")),
        *(MOMENT, "2024-02-29 12:30:05.250000", MOMENT),
    ),
    "timestamp in s": (
        pa.array([MOMENT.replace(microsecond=0), None], pa.timestamp("s")),
        *(MOMENT.replace(microsecond=0), "2024-02-29 12:30:05", MOMENT.replace(microsecond=0)),
    ),
    "timestamp in ns": (
        pa.array([MOMENT, None], pa.timestamp("ns")),
        *(MOMENT, "2024-02-29 12:30:05.250000", MOMENT),
    ),
    "zoned": (
        pa.array([UTC_MOMENT, None], pa.timestamp("us", "Europe/Paris")),
        *(UTC_MOMENT, "2024-02-29 12:30:05.250000+00:00", UTC_MOMENT),
    ),
    "duration": (
        pa.array([timedelta(days=1, microseconds=3), None], pa.duration("us")),
        *(timedelta(days=1, microseconds=3), 86_400_000_003, timedelta(days=1, microseconds=3)),
    ),
    "vector": (
        pa.array([[1.5, -2.0], None], pa.list_(pa.float32(), 2)),
        *([1.5, -2.0], "[1.5,-2]", (1.5, -2.0)),
    ),
    "list": (pa.array([[1, None], None]), [1, None], "[1,null]", [1, None]),
    "list view": (
        pa.array([[1, None], None], pa.list_view(pa.int64())),
        [1, None],
        "[1,null]",
        [1, None],
    ),
    "texts": (pa.array([["a", ""], None]), ["a", ""], '["a", ""]', ["a", ""]),
    "list of dictionary": (
        pa.array([["a"], None], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
        *(["a"], '["a"]', ["a"]),
    ),
    "list of lists": (pa.array([[[1], []], None]), [[1], []], "[[1], []]", [[1], []]),
    "struct": (
        pa.array([{"a": 1, "b": ["x", None]}, None]),
        *({"a": 1, "b": ["x", None]}, JSON, {"a": 1, "b": ["x", None]}),
    ),
    "map": (
        pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        *({"k": 1}, '{"k": 1}', {"k": 1}),
    ),
}

AS_TEXT = (
    "duration",
    "vector",
    "list",
    "list view",
    "texts",
    "list of dictionary",
    "list of lists",
)
AS_TEXT += ("struct", "map")
MARIADB = {  # as its driver shows what it holds; the rest is as in PostgreSQL, nested values as JSON
    "time": timedelta(hours=23, minutes=59, seconds=59, microseconds=5),
    "time in ns": timedelta(microseconds=1000),
    "zoned": MOMENT,
}


@pytest.mark.parametrize("swap", [False, True], ids=["new", "existing"])
def test_every_type_arrives(database: ExportDatabase, swap: bool) -> None:
    is_mariadb = database.dialect == "mariadb"
    place = ["postgresql", "sqlite", "duckdb", "mariadb"].index(database.dialect) % 3 + 1
    cases = {n: case for n, case in CASES.items() if n != "infinity" or not is_mariadb}
    table = pa.table({"id": [1, 2], **{name: case[0] for name, case in cases.items()}})
    database.export(table)
    if swap:
        assert database.export(table, run_id="run-2").swap == "delete+insert"
    first, second = database.table()
    expected = {name: case[place] for name, case in cases.items()}
    if (
        database.is_generic or is_mariadb
    ):  # nested values as JSON, durations as microseconds, as SQLite has them
        expected |= {name: CASES[name][2] for name in AS_TEXT}
    if is_mariadb:
        expected |= MARIADB
    wrong = {
        name: (found, wanted)
        for (name, wanted), found in zip(expected.items(), first[1:], strict=True)
        if _plain(found) != wanted and not _is_close(name, found, wanted)
    }
    assert not wrong
    assert second[1:] == (None,) * len(cases)


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _is_close(name: str, found: Any, expected: Any) -> bool:
    return name == "float32" and math.isclose(found, expected, rel_tol=1e-7)


def test_what_was_exported_reads_back(database: ExportDatabase) -> None:
    names = [
        "bool",
        "int64",
        "float64",
        "decimal",
        "string",
        "binary",
        "date",
        "timestamp",
        "zoned",
    ]
    table = pa.table({"id": [1, 2], **{name: CASES[name][0] for name in names}})
    database.export(table)
    found = read_table(database.connector, TableName("sales")).sort_by("id")
    if database.is_generic and database.dialect == "sqlite":  # by values: dates are texts there
        texts = ("decimal", "date", "timestamp", "zoned")
        stored = [
            {**row, **{name: row[name] and CASES[name][2] for name in texts}}
            for row in table.to_pylist()
        ]
        assert found.to_pylist() == stored
        return
    assert found.to_pylist() == table.to_pylist()


def test_nan_is_kept_where_the_database_can(database: ExportDatabase) -> None:
    """E35."""
    table = pa.table({"id": [1, 2, 3], "x": [math.nan, None, 2.5], "v": [[math.nan], None, [1.0]]})
    if database.dialect == "sqlite":
        with pytest.raises(InputError, match="row 1, column 'v' holds NaN or an infinite number"):
            database.export(table)
        receipt = database.export(table.drop_columns("v"))
        assert receipt.warnings == ("column 'x': 1 NaN became NULL, the database has no NaN",)
        assert database.table() == [(1, None), (2, None), (3, 2.5)]
        return
    if database.dialect == "mariadb":
        with pytest.raises(InputError, match="row 1, column 'v' holds NaN or an infinite number"):
            database.export(table.drop_columns("x"))
        with pytest.raises(InputError, match="row 1, column 'x' is NaN or infinite"):
            database.export(table.drop_columns("v"))
        assert database.names() == set()
        return
    if database.is_generic:
        assert database.export(table.drop_columns("v")).warnings == ()
        assert math.isnan(database.table()[0][1])
        return
    assert database.export(table).warnings == ()
    rows = database.table()
    assert math.isnan(rows[0][1])
    assert math.isnan(rows[0][2][0])
    assert rows[1:] == [(2, None, None), (3, 2.5, [1.0])]


@pytest.mark.parametrize(
    ("array", "words", "dialects"),
    [
        pytest.param(
            pa.array([0, 1], pa.timestamp("ns")),
            "row 2, column 'x'",
            {"postgresql", "sqlite", "mariadb"},
            id="nanoseconds",
        ),
        pytest.param(pa.array([0, 1], pa.time64("ns")), "row 2, column 'x'", None, id="time in ns"),
        pytest.param(
            pa.array([0, 1], pa.duration("ns")), "row 2, column 'x'", None, id="duration in ns"
        ),
        pytest.param(
            pa.array([1, 2**63], pa.uint64()), "row 2, column 'x'", {"sqlite"}, id="unsigned"
        ),
        pytest.param(
            pa.array([0, -(2**62)], pa.timestamp("us")),
            "row 2, column 'x' is",
            {"postgresql", "sqlite", "mariadb"},
            id="timestamp BC",
        ),
        pytest.param(
            pa.array([0, -(2**31)], pa.date32()),
            "row 2, column 'x' is",
            {"postgresql", "sqlite", "mariadb"},
            id="date BC",
        ),
        pytest.param(
            pa.array(["a", "\0"]), "row 2, column 'x' holds a NUL", {"postgresql"}, id="NUL"
        ),
        pytest.param(
            pa.array([["a"], ["b", "\0"]]),
            "row 2, column 'x' holds a NUL",
            {"postgresql"},
            id="NUL in a list",
        ),
        pytest.param(
            pa.array([{"a": "\\u0000"}, {"a": "\0"}]),
            "row 2, column 'x' holds a NUL",
            {"postgresql"},
            id="NUL in JSON",
        ),
        pytest.param(
            pa.array([{"a": 1.0}, {"a": math.inf}]),
            "row 2, column 'x'",
            {"postgresql", "sqlite", "mariadb"},
            id="infinity in JSON",
        ),
    ],
)
def test_a_value_that_cannot_be_held_is_named(
    database: ExportDatabase, array: pa.Array, words: str, dialects: set[str] | None
) -> None:
    if "NUL" in words and not pa.types.is_string(array.type) and database.is_generic:
        dialects = set()  # JSON as text keeps it, escaped
    if dialects is not None and database.dialect not in dialects:
        assert database.export(pa.table({"x": array})).rows == 2
        return
    database.export(sales(1))
    with pytest.raises(InputError, match=words) as raised:
        database.export(pa.table({"x": array}), table=TableName("other"))
    assert raised.value.facts["row"] == 2
    assert len(str(raised.value)) <= 500
    assert database.names() == {"sales"}


def test_a_map_with_twins_is_refused(database: ExportDatabase) -> None:
    twins = pa.array([[], [(1, "a"), (1, "b")]], pa.map_(pa.int64(), pa.string()))
    with pytest.raises(InputError, match=r"duplicate key|row 2, column 'x' holds a map"):
        database.export(pa.table({"x": twins}))
    assert database.names() == set()


def test_types_without_a_form_are_refused(database: ExportDatabase) -> None:
    table = pa.table({"id": [1], "x": pa.nulls(1, pa.month_day_nano_interval())})
    with pytest.raises(SchemaMismatchError, match="has no type for column 'x' "):
        database.export(table)
    assert database.names() == set()


def test_wide_and_long_batches_are_cut_into_pieces(database: ExportDatabase) -> None:
    rows = 150_000
    table = pa.table({"id": pa.array(range(rows)), "version": pa.array([1] * rows)})
    assert database.export(table).rows == rows
    assert database.versions() == [(1, rows)]
