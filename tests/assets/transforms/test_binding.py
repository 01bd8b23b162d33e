"""What is bound over no rows is what a run over the same columns publishes or refuses."""

import resource

import pyarrow as pa
import pytest

from assets.transforms.binding import StatementBinder, StatementMisfitError
from assets.transforms.run import run_statement
from assets.transforms.statement import Statement, parse_statement
from resources.kernel.errors import InputError
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore

SCHEMA = pa.schema(
    [
        ("id", pa.int64()), ("tiny", pa.uint8()), ("f", pa.float32()), ("d", pa.decimal128(38, 10)),
        ("t", pa.string()), ("b", pa.binary()), ("day", pa.date32()), ("seen", pa.timestamp("us", tz="UTC")),
        ("local", pa.timestamp("ns")), ("time", pa.time64("us")), ("took", pa.duration("ms")), ("yes", pa.bool_()),
        ("l", pa.list_(pa.int32())), ("s", pa.struct([("a", pa.int16()), ("b.c", pa.list_(pa.string()))])),
        ("m", pa.map_(pa.string(), pa.int64())), ("Ünï \"q\"", pa.string()), ("nothing", pa.null()),
    ]
)  # fmt: skip
SAME = [
    "select * from odd",
    'select "Ünï ""q""", s.a, m[\'x\'] as mx, l[1] as first from odd',
    "select sum(id) as total, avg(f) as mean, count(*) as n, sum(d) as d from odd",
    "select seen - seen as gap, took * 2 as twice, day + 1 as next, date_trunc('hour', seen) as hour from odd",
    "select {'x': id, 'y': l} as st, [took] as took, map([t], [id]) as mp from odd",
    "select uuid() as u, '{}'::json as j, t::enum('a', 'b') as e, '1'::bit as bits, 1::hugeint as h from odd",
    "select case when yes then 1 else 2.5 end as c, coalesce(t, 'x') as t, nothing from odd",
]
REFUSED = [
    "select missing from odd",
    "select id, ID from odd",
    "select upper(id) as u from odd",
    "select union_value(num := id) as u from odd",
    "select id from odd where id = $1",
]


@pytest.fixture
def store(tmp_path):
    tables = TableStore.open(str(tmp_path / "store"))
    with tables.writer(("datasets", "odd"), run_id="run-0") as writer:
        writer.write(BatchStream(SCHEMA, iter([])))
        writer.publish({})
    return tables


@pytest.fixture
def binder(store):
    with StatementBinder() as opened:
        opened.add_table("odd", store.read(("datasets", "odd")).schema)
        yield opened


def run(store, sql, number=1):
    statement = parse_statement(sql, name="result")
    run_statement(statement, store, key=("datasets", "result"), run_id=f"run-{number}")
    return store.read(("datasets", "result")).schema


def bind(binder, sql):
    return binder.bind(Statement(sql, ("odd",)), {"odd": SCHEMA})


def test_columns_and_types_are_those_that_a_run_publishes(store, binder):
    for number, sql in enumerate(SAME):
        assert bind(binder, sql).equals(run(store, sql, number)), sql


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_refused_a_run_refuses_too(store, binder, sql):
    with pytest.raises(StatementMisfitError):
        bind(binder, sql)
    with pytest.raises(InputError):
        run(store, sql)


def test_constants_that_would_fill_the_memory_are_no_verdict_and_the_limit_is_lifted_again(binder):
    before = resource.getrlimit(resource.RLIMIT_AS)
    endless = "select (select count(*) from unnest(range(3000000000))) as n from odd"
    assert bind(binder, endless) is None
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert bind(binder, "select id from odd").names == ["id"]


@pytest.mark.parametrize(
    "sql",
    ["select * from read_text('{file}')", "select * from '{file}'", "select * from glob('{file}')"],
)
def test_a_file_is_neither_opened_nor_looked_for(binder, tmp_path, sql):
    """Behind the statement's own check, which would refuse these already."""
    outside = tmp_path / "outside.csv"
    outside.write_text("canary\n1\n")
    told = []
    for file in (outside, tmp_path / "nowhere.csv"):
        with pytest.raises(StatementMisfitError) as caught:
            bind(binder, sql.format(file=file))
        told.append(str(caught.value).replace(file.name, "FILE"))
    assert told[0] == told[1]
    assert "canary" not in told[0]
