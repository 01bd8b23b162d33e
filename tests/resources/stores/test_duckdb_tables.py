"""DuckDB writing into the store and reading from it: no value and no type changes on the way."""

from __future__ import annotations

import datetime as dt
import decimal

import duckdb
import pyarrow as pa
import pytest

from resources.kernel.errors import InputError
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore

KEY = ("datasets", "result")


@pytest.fixture
def store(tmp_path):
    return TableStore.open(str(tmp_path))


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(params=["query", "relation"])
def keep(request, store, connection):
    """Writes a query both ways."""

    def write(sql: str, run_id: str = "run-1"):
        with store.writer(KEY, run_id=run_id) as writer:
            if request.param == "query":
                writer.copy_query(connection, sql)
            else:
                writer.copy_relation(connection.sql(sql))
            writer.publish()
        return store.read(KEY)

    return write


KEPT = {
    "true": (pa.bool_(), True),
    "1::tinyint": (pa.int8(), 1),
    "18446744073709551615::ubigint": (pa.uint64(), 2**64 - 1),
    "sum(i)": (pa.int64(), 6),
    "(9223372036854775807::hugeint)": (pa.int64(), 2**63 - 1),
    "0.1::decimal(18,4)": (pa.decimal128(18, 4), decimal.Decimal("0.1000")),
    "99999999999999999999999999999999999999::decimal(38,0)": (
        pa.decimal128(38, 0),
        decimal.Decimal(10**38 - 1),
    ),
    "'nan'::double": (pa.float64(), "nan"),
    "1.5::float": (pa.float32(), 1.5),
    "'00123'": (pa.string(), "00123"),
    "'\\xFF'::blob": (pa.binary(), b"\xff"),
    "date '9999-12-31'": (pa.date32(), dt.date(9999, 12, 31)),
    "time '23:59:59.999999'": (pa.time64("us"), dt.time(23, 59, 59, 999999)),
    "timestamp '2013-01-01 00:00:00.000001'": (
        pa.timestamp("us"),
        dt.datetime.fromisoformat("2013-01-01T00:00:00.000001"),
    ),
    "timestamp_ns '2013-01-01'": (pa.timestamp("ns"), dt.datetime.fromisoformat("2013-01-01")),
    "timestamptz '2013-01-01 00:00:00+00'": (
        pa.timestamp("us", "UTC"),
        dt.datetime(2013, 1, 1, tzinfo=dt.UTC),
    ),
    "340282366920938463463374607431768211455::uhugeint": (pa.string(), str(2**128 - 1)),
    "'0101'::bit": (pa.string(), "0101"),
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid": (
        pa.string(),
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ),
    "'b'::enum('a', 'b')": (pa.string(), "b"),
    "interval '1 month 2 days'": (pa.string(), "1 month 2 days"),
    "timetz '10:00:00+02'": (pa.string(), "10:00:00+02"),
    "'{\"a\": 1}'::json": (pa.string(), '{"a": 1}'),
    "[1, null]": (pa.list_(pa.int32()), [1, None]),
    "[1::hugeint]": (pa.list_(pa.int64()), [1]),
    "[1.5, 2]::float[2]": (pa.list_(pa.float32()), [1.5, 2.0]),
    "{'a b': 1::hugeint, 'u': uuid()}.\"a b\"": (pa.int64(), 1),
    "null": (pa.int32(), None),
}


@pytest.mark.parametrize("expression", KEPT)
def test_types(keep, expression):
    kind, value = KEPT[expression]
    table = keep(
        f'select {expression} as "the column" from (values (1), (2), (3)) t(i) limit 1'
        if "sum(" in expression
        else f'select {expression} as "the column"'
    )
    assert _plain(table.schema.field(0).type) == kind
    (found,) = table.to_table()["the column"].to_pylist()
    assert (str(found) if value == "nan" else found) == value


def _plain(kind: pa.DataType) -> pa.DataType:
    """DuckDB calls the items of a list otherwise than Arrow does."""
    return pa.list_(kind.value_type) if pa.types.is_list(kind) else kind


def test_nested_types_are_converted_inside(keep):
    sql = "select {'a b': 1::hugeint, 'u': 'x'::enum('x')} as s, map {'k': [1::hugeint]} as m"
    table = keep(sql)
    (row,) = table.to_table().to_pylist()
    assert row == {"s": {"a b": 1, "u": "x"}, "m": [("k", [1])]}
    assert pa.types.is_int64(table.schema.field("s").type.field("a b").type)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("select 1 as a, 2 as a", "duplicate column names: 'a'.* alias in the query"),
        ("select 1::hugeint << 100 as total", "total.*DECIMAL"),
        ("select [1::hugeint << 100] as total", "total|INT128"),
        ("select union_value(a := 1) as u", "column 'u' has the type UNION"),
        ("select timestamp 'infinity' as t", "column 't' holds an infinite"),
        ("select date '-infinity' as t", "column 't' holds an infinite"),
        ("select {'t': [timestamp '-infinity']} as s", "column 's' holds an infinite"),
        (
            "select {'b': date '2024-01-01'} as a, date 'infinity' as \"a.b\"",
            "column 'a.b' holds an infinite",
        ),
        ("select * from nowhere", "nowhere does not exist"),
        ("select 'x'::int as n", "query.*'x'.*TRY_CAST"),
    ],
    ids=[
        "twins",
        "beyond-64-bits",
        "nested-beyond",
        "union",
        "infinity",
        "date",
        "nested-infinity",
        "a column called as a member",
        "no-table",
        "value",
    ],
)
def test_what_cannot_be_kept(keep, store, sql, text):
    with pytest.raises((InputError, duckdb.Error), match=text) as caught:
        keep(sql)
    assert len(str(caught.value)) <= 500
    assert store.keys() == []


def test_a_moment_that_counts_like_an_infinite_date_is_kept(keep):
    """Microseconds of a timestamp may have the number that stands for an infinite date."""
    table = keep("select timestamp '1970-01-01 00:35:47.483647' as t, {'b': 1} as a, 2 as \"a.b\"")
    assert table.to_table()["t"].to_pylist() == [dt.datetime(1970, 1, 1, 0, 35, 47, 483647)]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("sql", "beyond"),
    [
        ("select (1::hugeint << 100) as n from range(2)", True),
        ("select 9223372036854775807::bigint * i as n from range(1, 3) t(i)", True),
        ("select sum((1::hugeint << 126)) as n from range(4)", True),
        ("select cast('x' || i as int) as n from range(2) t(i)", False),
        ("select (300 + i)::tinyint as n from range(2) t(i)", False),
        ("select ln(i) as n from range(1) t(i)", False),
        ("select 1 as n, 2 as n", False),
    ],
    ids=["hugeint", "bigint", "sum", "text", "tinyint", "logarithm", "twins"],
)
def test_hints_fit_the_error(keep, sql, beyond):
    with pytest.raises(InputError) as caught:
        keep(sql)
    assert ("beyond 64 bits" in caught.value.hint) is beyond
    assert "column_names" not in caught.value.hint


@pytest.mark.parametrize(
    "sql",
    ["select 1; select 2", "drop table t", "", "-- nothing", "copy (select 1) to 'x'", "selec 1"],
    ids=["two", "drop", "empty", "comment", "copy", "typo"],
)
def test_a_query_is_one_select(store, connection, sql):
    connection.execute("create table t as select 1 as a")
    with pytest.raises(InputError), store.writer(KEY, run_id="run-1") as writer:
        writer.copy_query(connection, sql)
    assert connection.execute("select a from t").fetchall() == [(1,)]
    assert store.keys() == []


@pytest.mark.parametrize(
    "sql",
    ["select 1 as a;", "select 1 as a -- why", "with w as (select 1 as a) from w", "values (1)"],
    ids=["semicolon", "comment", "from-first", "values"],
)
def test_forms_of_one_select(keep, sql):
    assert keep(sql).to_table().column(0).to_pylist() == [1]


@pytest.mark.parametrize("setting", ["true", "false"])
def test_rows_keep_their_order(store, connection, setting):
    connection.execute(f"set preserve_insertion_order = {setting}; set threads = 4")
    connection.execute("create table t as select i, 'x' || i as s from range(400000) r(i)")
    with store.writer(KEY, run_id="run-1") as writer:
        writer.copy_query(connection, "select * from t order by i desc")
        writer.publish()
    table = store.read(KEY)
    assert table.rows == 400_000
    assert table.to_table()["i"].to_pylist() == list(range(399_999, -1, -1))


def test_awkward_column_names(keep):
    table = keep(
        """select 1::hugeint as "a ""quoted"" one", 2 as "select", 3 as "t.x", 4 as "ä|<b>" """
    )
    assert table.schema.names == ['a "quoted" one', "select", "t.x", "ä|<b>"]
    assert table.relation(duckdb.connect()).fetchall() == [(1, 2, 3, 4)]


def test_no_rows(keep):
    table = keep("select 1::hugeint as a, 'x' as b where false")
    assert table.rows == 0
    assert table.schema == pa.schema([("a", pa.int64()), ("b", pa.string())])


def test_relations_show_spans_as_intervals(store, connection):
    spans = [dt.timedelta(days=1, microseconds=1), None]
    for unit, expected in (
        ("us", spans),
        ("ms", [dt.timedelta(milliseconds=1), None]),
        ("s", spans[1:]),
    ):
        array = pa.array(expected, pa.duration(unit))
        batch = pa.record_batch({"d": array})
        store.write_stream(
            KEY, lambda b=batch: BatchStream(b.schema, iter([b])), run_id=f"run-{unit}"
        )
        assert store.read(KEY).relation(connection).fetchall() == [(span,) for span in expected]


def test_relations_refuse_decimals_that_duckdb_would_round(store, connection):
    batch = pa.record_batch({"d": pa.array([decimal.Decimal(10**50)], pa.decimal256(60, 0))})
    store.write_stream(KEY, lambda: BatchStream(batch.schema, iter([batch])), run_id="run-1")
    assert store.read(KEY).to_table()["d"].to_pylist() == [decimal.Decimal(10**50)]
    with pytest.raises(InputError, match="column 'd' has 60 digits"):
        store.read(KEY).relation(connection)
