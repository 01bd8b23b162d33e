import duckdb
import pyarrow as pa
import pytest

from assets.transforms.run import run_statement
from assets.transforms.statement import Statement, parse_statement
from assets.transforms.time_limit import time_limit
from resources.kernel.errors import InputError, NotFoundError
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore

KEY = ("datasets", "result")


@pytest.fixture
def store(tmp_path):
    tables = TableStore.open(str(tmp_path / "store"))
    orders = pa.table({"id": [1, 2, 3], "amount": [2.5, None, 10.0], "a b": ["x", "ü", None]})
    stream = BatchStream(orders.schema, iter(orders.to_batches()))
    with tables.writer(("datasets", "orders"), run_id="run-0") as writer:
        writer.write(stream)
        writer.publish({})
    return tables


def run(store: TableStore, sql: str, run_id: str = "run-1"):
    return run_statement(parse_statement(sql, name="result"), store, key=KEY, run_id=run_id)


def test_the_rows_are_published_with_inputs_and_lineage(store):
    done = run(store, 'select id * 2 as twice, "a b" from orders order by id desc')
    assert store.read(KEY).to_table().to_pylist() == [
        {"twice": 6, "a b": None},
        {"twice": 4, "a b": "ü"},
        {"twice": 2, "a b": "x"},
    ]
    assert done.inputs == {"orders": 1}
    assert done.lineage == {"twice": [("orders", "id")], "a b": [("orders", "a b")]}
    properties = store.read(KEY).version.properties
    assert properties["inputs"] == {"orders": 1}
    assert properties["lineage"]["twice"] == [["datasets", "orders", "id"]]


def test_the_same_run_publishes_once(store):
    assert [run(store, "select id from orders").version.number for _ in range(2)] == [1, 1]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select no_such from orders", "no_such"),
        ("select id / 'x' from orders", "x"),
        ("select id, id from orders", "id"),
        ("select error('boom') from orders", "boom"),
    ],
    ids=["unknown column", "conversion", "twins", "error"],
)
def test_sql_that_fails_publishes_nothing_and_says_why(store, sql, message):
    with pytest.raises(InputError, match=message):
        run(store, sql)
    assert store.item(KEY).latest() is None


def test_columns_that_sql_cannot_tell_apart_are_refused_e23(store):
    rows = pa.table({"Brand": ["Cedar"], "brand": ["Oak"]})
    with store.writer(("datasets", "odd"), run_id="run-0") as writer:
        writer.write(BatchStream(rows.schema, iter(rows.to_batches())))
        writer.publish({})
    with pytest.raises(InputError, match="cannot tell the columns 'Brand' and 'brand' apart"):
        run(store, "select * from odd")
    assert store.item(KEY).latest() is None


def test_an_input_without_a_version_is_named(store):
    with pytest.raises(NotFoundError, match="nothing_yet"):
        run(store, "select * from nothing_yet")


@pytest.mark.parametrize(
    "sql",
    ["select * from read_text('{file}')", "select * from '{file}'", "select * from glob('{file}')"],
    ids=["function", "path", "glob"],
)
def test_duckdb_itself_opens_nothing_but_its_inputs(store, sql, tmp_path):
    """Behind the statement's own check, which would refuse these already."""
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    statement = Statement(sql=sql.format(file=outside), inputs=("orders",))
    with pytest.raises((InputError, duckdb.Error)):
        run_statement(statement, store, key=KEY, run_id="run-2")
    assert store.item(KEY).latest() is None


# 3 rows 22 times over: 31 billion.
CROWD = ", ".join(f"orders o{n}" for n in range(22))
SUM = " + ".join(f"o{n}.id" for n in range(22))
ENDLESS = f"select count(*) as n from {CROWD} where {SUM} < 0"
STREAMED = f"select o1.id from {CROWD}"


@pytest.mark.parametrize("sql", [ENDLESS, STREAMED], ids=["counting", "streaming into the file"])
def test_a_query_beyond_its_limit_is_stopped_by_name_and_the_old_version_stays(store, sql):
    run(store, "select id from orders")
    statement = parse_statement(sql, name="result")
    message = r"transform result: the query was stopped after its limit of 0\.3 seconds"
    with pytest.raises(InputError, match=message) as stopped:
        run_statement(statement, store, key=KEY, run_id="run-2", max_seconds=0.3)
    assert "max_runtime_seconds" in stopped.value.hint
    assert store.item(KEY).latest().number == 1
    assert run(store, "select id from orders", "run-3").version.number == 2


def test_what_an_interrupted_stream_raises_is_told_as_the_limit():
    with duckdb.connect() as connection:
        stream = connection.sql("select i from range(10000000000) t(i)").to_arrow_reader(1000)
        with (
            pytest.raises(InputError, match="transform wide: the query was stopped"),
            time_limit(connection, 0.1, name="wide"),
        ):
            for _ in stream:
                pass


def test_an_error_before_the_limit_is_its_own():
    with (
        duckdb.connect() as connection,
        pytest.raises(duckdb.BinderException),
        time_limit(connection, 60, name="x"),
    ):
        connection.execute("select no_such")
