import duckdb
import pyarrow as pa
import pytest

from assets.transforms.run import run_statement
from assets.transforms.statement import Statement, parse_statement
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
    assert store.read(KEY).version.properties["inputs"] == {"orders": 1}


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
