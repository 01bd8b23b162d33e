"""Pages of a dataset: the rows that DuckDB and pandas find, their values as they are, at the price of a page."""

from __future__ import annotations

import datetime as dt
import decimal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.services.rows.conditions import Condition, Operator
from orchestration.services.rows.page import RowsWanted, dataset_rows
from resources.formats import parquet_write
from resources.kernel.errors import InputError
from resources.stores import table_writer
from tests.orchestration.services.rows.shelf import Shelf
from tests.resources.stores.test_tables import every_type

ROWS = 2_000


def people(rows: int = ROWS) -> pa.Table:
    random = np.random.default_rng(11)
    floats = random.normal(size=rows).round(1)
    floats[::50] = np.nan
    floats[1::200] = np.inf
    words = ["", "ann", "Ann", "bob", 'q"uote', "ünïcode", "null", None]
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "n": pa.array(
                [None if i % 7 == 0 else int(v) for i, v in enumerate(random.integers(-9, 9, rows))]
            ),
            "f": pa.array(floats),
            "w": pa.array([words[i] for i in random.integers(0, len(words), rows)]),
            "d": pa.array(
                [decimal.Decimal(int(v)).scaleb(-2) for v in random.integers(-500, 500, rows)],
                pa.decimal128(9, 2),
            ),
            "day": pa.array(
                [dt.date(2020, 1, 1) + dt.timedelta(int(v)) for v in random.integers(0, 40, rows)]
            ),
            "at": pa.array(
                [
                    dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=int(v))
                    for v in random.integers(0, 500, rows)
                ],
                pa.timestamp("us", "Europe/Berlin"),
            ),
            "ok": pa.array(
                [None if i % 5 == 0 else bool(v) for i, v in enumerate(random.integers(0, 2, rows))]
            ),
        }
    )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    found = Shelf(tmp_path_factory.mktemp("shelf"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_writer, "PART_ROWS", 900)
        patch.setattr(parquet_write, "ROW_GROUP_ROWS", 300)
        found.put("people", people(), 300)
    found.put("types", every_type())
    return found


@pytest.fixture(scope="module")
def location(shelf):
    return shelf.location


def ids(location, *where, **more):
    wanted = RowsWanted(where=where, limit=1_000, columns=("id",), **more)
    page = dataset_rows(location, "people", wanted)
    assert page.matching_rows <= ROWS
    return [row[0] for row in page.rows]


def test_pages_follow_each_other_without_a_gap(location):
    seen = []
    for offset in range(0, ROWS, 170):
        page = dataset_rows(location, "people", RowsWanted(offset=offset, limit=170))
        assert page.numbers == tuple(row[0] + 1 for row in page.rows)
        assert page.has_more == (offset + 170 < ROWS)
        seen += [row[0] for row in page.rows]
    assert seen == list(range(ROWS))
    assert dataset_rows(location, "people", RowsWanted(offset=ROWS + 5)).rows == ()


# What pandas and Arrow find on the same rows, for each type and operator.
FOUND = {
    "n = 3": lambda t: pc.equal(t["n"], 3),
    "n != 3": lambda t: pc.not_equal(t["n"], 3),
    "n<-2": lambda t: pc.less(t["n"], -2),
    "n >= 7": lambda t: pc.greater_equal(t["n"], 7),
    "n in 1, 2,3": lambda t: pc.is_in(t["n"], pa.array([1, 2, 3])),
    "n is null": lambda t: pc.is_null(t["n"]),
    "n IS NOT NULL": lambda t: pc.is_valid(t["n"]),
    "f <= -1.5": lambda t: pc.less_equal(t["f"], -1.5),
    "f = 0.3": lambda t: pc.equal(t["f"], 0.3),
    "f = nan": lambda t: pc.is_nan(t["f"]),
    "f != nan": lambda t: pc.invert(pc.is_nan(t["f"])),
    "f > 1.5": lambda t: pc.greater(t["f"], 1.5),
    "f != 0.3": lambda t: pc.not_equal(t["f"], 0.3),
    "f in nan,0.3": lambda t: pc.or_(pc.is_nan(t["f"]), pc.equal(t["f"], 0.3)),
    "f = inf": lambda t: pc.is_inf(t["f"]),
    "w = Ann": lambda t: pc.equal(t["w"], "Ann"),
    "w =": lambda t: pc.equal(t["w"], ""),
    "w = null": lambda t: pc.equal(t["w"], "null"),
    "w contains nn": lambda t: pc.match_substring(t["w"], "nn"),
    "w starts with A": lambda t: pc.starts_with(t["w"], "A"),
    'w in ["bob","q\\"uote"]': lambda t: pc.is_in(t["w"], pa.array(["bob", 'q"uote'])),
    "d = 1.50": lambda t: pc.equal(t["d"], decimal.Decimal("1.50")),
    "d > 4.9": lambda t: pc.greater(t["d"], decimal.Decimal("4.90")),
    "day < 2020-01-03": lambda t: pc.less(t["day"], dt.date(2020, 1, 3)),
    "at >= 2020-01-20 12:00:00Z": lambda t: pc.greater_equal(
        t["at"], pa.scalar(dt.datetime(2020, 1, 20, 12, tzinfo=dt.UTC), t["at"].type)
    ),
    "at = 2020-01-05 06:00": lambda t: pc.equal(
        t["at"], pa.scalar(dt.datetime(2020, 1, 5, 5, tzinfo=dt.UTC), t["at"].type)
    ),
    "ok = true": lambda t: t["ok"],
    "ok != True": lambda t: pc.invert(t["ok"]),
}


@pytest.mark.parametrize("condition", FOUND)
def test_a_condition_finds_the_rows_that_arrow_finds(location, condition):
    table = people()
    expected = table.filter(FOUND[condition](table))["id"].to_pylist()
    page = dataset_rows(location, "people", RowsWanted(where=(condition,), limit=1_000))
    assert [row[0] for row in page.rows] == expected[:1_000]
    assert page.matching_rows == len(expected)


def test_conditions_hold_together_and_a_text_is_searched_in_any_case(location):
    table = people()
    both = pc.and_(pc.greater(table["n"], 0), pc.starts_with(table["w"], "b"))
    assert ids(location, "n > 0", "w starts with b") == table.filter(both)["id"].to_pylist()
    any_case = pc.match_substring(table["w"], "ANN", ignore_case=True)
    assert ids(location, search="ANN") == table.filter(any_case)["id"].to_pylist()
    assert (
        ids(location, search="ÜNÏ")
        == table.filter(pc.equal(table["w"], "ünïcode"))["id"].to_pylist()
    )


@pytest.mark.parametrize("column", ["n", "f", "w", "d", "day", "at", "ok"])
@pytest.mark.parametrize("descending", [False, True])
def test_sorted_pages_hold_every_row_once_nulls_last(location, column, descending):
    sort = {"sort": column, "descending": descending}
    found = ids(location, **sort) + ids(location, offset=1_000, **sort)
    values = people()[column].to_pylist()
    present = [i for i in range(ROWS) if values[i] is not None]
    # NaN is larger than every number; rows of one value stay in their order.
    key = lambda i: (values[i] != values[i], 0 if values[i] != values[i] else values[i])  # noqa: E731
    expected = sorted(present, key=key)
    if descending:
        expected = sorted(present, key=key, reverse=True)
        expected = [i for _, group in _runs(expected, key) for i in sorted(group)]
    assert found == expected + [i for i in range(ROWS) if values[i] is None]


def _runs(numbers, key):
    from itertools import groupby

    return groupby(numbers, key)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_asked_duckdb_would_say_the_same(location, data):
    """Conditions drawn at random, against plain Python over the same rows."""
    table = people()
    column, values = data.draw(
        st.sampled_from(
            [
                ("n", st.integers(-10, 10)),
                (
                    "w",
                    st.sampled_from(["", "a", "Ann", "ann", 'q"', "ï", "' OR 1=1 --", "%", "\0"]),
                ),
                ("d", st.decimals(-6, 6, places=2)),
                ("day", st.dates(dt.date(2019, 12, 30), dt.date(2020, 2, 12))),
            ]
        )
    )
    compare = {
        Operator.EQUAL: lambda a, b: a == b,
        Operator.NOT_EQUAL: lambda a, b: a != b,
        Operator.LESS: lambda a, b: a < b,
        Operator.AT_MOST: lambda a, b: a <= b,
        Operator.GREATER: lambda a, b: a > b,
        Operator.AT_LEAST: lambda a, b: a >= b,
    }
    if column == "w":
        compare[Operator.CONTAINS] = lambda a, b: b in a
        compare[Operator.STARTS_WITH] = lambda a, b: a.startswith(b)
    operator = data.draw(st.sampled_from(sorted(compare)))
    value = data.draw(values)
    condition = Condition(column, operator, str(value))
    page = dataset_rows(
        location, "people", RowsWanted(conditions=(condition,), columns=("id",), limit=1_000)
    )
    expected = [
        i
        for i, found in enumerate(table[column].to_pylist())
        if found is not None and compare[operator](found, value)
    ]
    assert page.matching_rows == len(expected)
    assert [row[0] for row in page.rows] == expected[:1_000]


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (
            "n = 1.5",
            "column 'n' is of type int64, and '1.5' is no value of it. Give a whole number",
        ),
        (
            "n > 9223372036854775808",
            "whole numbers from -9223372036854775808 to 9223372036854775807",
        ),
        ("f = 1,5", "Give a number with a decimal point"),
        ("f > nan", "NaN is neither smaller nor larger than a number"),
        ("d = 1.005", "It holds 2 decimal places"),
        ("d > 12345678.9", "It holds 7 digits before the point"),
        ("day = 31.12.2020", "Give a date as 2013-01-31"),
        ("at > yesterday", "Give a time as 2013-01-31 17:30:00"),
        ("ok = 1", "Give true or false"),
        ("n contains 1", "which knows no `contains`. It knows `=`, `!="),
        ("N = 1", "there is no column 'N'. Did you mean 'n'? Columns: id, n, f"),
        ("n", "'n' is no condition. Write COLUMN OPERATOR VALUE"),
        ("n like 3", "'n like 3' is no condition"),
        ("n is null 3", "no value stands behind `is null`"),
        ("w in " + ",".join("x" * 1_001), "a list has 1 to 1,000 values, not 1,001"),
        ("w in []", "a list has 1 to 1,000 values, not 0"),
        ("; drop table t = 1", "there is no column"),
    ],
)
def test_a_condition_that_does_not_fit_says_why(location, condition, text):
    with pytest.raises(InputError) as error:
        dataset_rows(location, "people", RowsWanted(where=(condition,)))
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (RowsWanted(limit=0), "a page has 1 to 1,000 rows, not 0"),
        (RowsWanted(limit=1_001), "a page has 1 to 1,000 rows, not 1,001"),
        (RowsWanted(offset=-1), "begins at row 0 or later"),
        (RowsWanted(sort="nn"), "there is no column 'nn'. Did you mean 'n'?"),
        (RowsWanted(columns=("id", "x")), "there is no column 'x'"),
        (RowsWanted(where=("n = 1",) * 51), "at most 50 conditions"),
    ],
)
def test_a_page_that_cannot_be_says_why(location, wanted, text):
    with pytest.raises(InputError, match=text.replace("?", r"\?")):
        dataset_rows(location, "people", wanted)


@pytest.mark.parametrize(
    "condition",
    ["double = nan", "float = inf", "blob = 0x00ff", "time >= 23:59", "uint64 = 18446744073709551615",
     "nanos > 1970-01-01 00:00:00", "zoned = 2013-01-01T06:15:00+01:00", "decimal > 0.1",
     "stamp = 2013-01-01 05:15", "date = 9999-12-31"],
)  # fmt: skip
def test_conditions_know_every_type(location, condition):
    assert 1 in dataset_rows(location, "types", RowsWanted(where=(condition,))).numbers


@pytest.mark.parametrize("column", ["span", "list", "vector", "struct"])
def test_types_that_know_nulls_alone(location, column):
    with pytest.raises(InputError, match="It knows `is null` and `is not null`"):
        dataset_rows(location, "types", RowsWanted(where=(f"{column} = 1",)))
    assert dataset_rows(location, "types", RowsWanted(where=(f"{column} is null",))).numbers == (2,)


HOSTILE = {
    "A": [1, 2], "a": [3, 4], 'we"ird': [5, 6], "<script>alert(1)</script>": [7, 8], "c0": [9, 10],
    "n": [11, 12], "= 1 or true": [13, 14], "x; drop table t": [15, 16], "in": [17, 18], "'": [19, 20],
    "\u202egnp.exe": [21, 22], " ": [23, 24],
}  # fmt: skip


def test_hostile_names_of_columns_are_columns(tmp_path):
    shelf = Shelf(tmp_path)
    names = {name: values for name, values in HOSTILE.items() if name.strip()}
    shelf.put("odd", pa.table(names))
    for name, values in names.items():
        for operator in (Operator.EQUAL, Operator.AT_LEAST):
            condition = Condition(name, operator, str(values[1]))
            both = (condition,), (str(condition),)
            for conditions, where in ((both[0], ()), ((), both[1])):
                wanted = RowsWanted(conditions=conditions, where=where, sort=name)
                page = dataset_rows(shelf.location, "odd", wanted)
                assert page.numbers == (2,), (name, where)
                assert (
                    dict(zip([c.name for c in page.columns], page.rows[0], strict=True))[name]
                    == values[1]
                )


def test_an_older_version_and_one_without_rows(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put("t", pa.table({"a": [1, 2]}))
    shelf.put("t", pa.table({"a": pa.array([], pa.int64())}))
    newest = dataset_rows(shelf.location, "t", RowsWanted(where=("a > 1",), sort="a"))
    assert (newest.version, newest.matching_rows, newest.rows) == (2, 0, ())
    old = dataset_rows(shelf.location, "t", RowsWanted(where=("a > 1",), version=1))
    assert (old.version, old.rows) == (1, ((2,),))


def test_wide_decimals_are_exact_and_not_searched(tmp_path):
    shelf = Shelf(tmp_path)
    wide = decimal.Decimal("1234567890123456789012345678901234567890.55")
    shelf.put("t", pa.table({"d": pa.array([wide, None], pa.decimal256(50, 2)), "k": [1, 2]}))
    page = dataset_rows(shelf.location, "t", RowsWanted(where=("d is not null",)))
    assert page.rows[0][0] == str(wide)
    with pytest.raises(InputError, match="has no order here"):
        dataset_rows(shelf.location, "t", RowsWanted(sort="d"))
    with pytest.raises(InputError, match="It knows `is null`"):
        dataset_rows(shelf.location, "t", RowsWanted(where=("d = 1",)))


PEAK = """
import resource, sys
from tests.orchestration.services.rows.shelf import Shelf
from orchestration.services.rows.page import RowsWanted, dataset_rows
from pathlib import Path
shelf = Shelf(Path(sys.argv[1])); shelf._names.append("big")
location = shelf.location
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
dataset_rows(location, "big", RowsWanted(columns=("id",), limit=1))
before = peak()
page = dataset_rows(location, "big", RowsWanted(offset=999_950))
assert page.numbers[-1] == 1_000_000 and "duckdb" not in sys.modules
print(peak() - before)
"""


def test_a_late_page_of_a_large_table_takes_little_memory_and_no_duckdb(tmp_path):
    rows = 1_000_000
    shelf = Shelf(tmp_path)
    text = pa.array([f"{i:0100d}" for i in range(10_000)]).take(pa.array(np.arange(rows) % 10_000))
    shelf.put("big", pa.table({"id": pa.array(range(rows)), "t": text, "u": text}))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 60  # MB; the columns hold 216
