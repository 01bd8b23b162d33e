"""SQL over datasets: what DuckDB finds, typed; what nobody may do; what takes too much."""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from orchestration.services.queries.limits import QueryLimits
from orchestration.services.queries.run import run_query
from orchestration.services.queries.session import opened_query
from resources.kernel.errors import InputError, NotFoundError
from tests.orchestration.services.rows.shelf import Shelf
from tests.resources.stores.test_tables import every_type

ROWS = 20_000
SMALL = QueryLimits(seconds=1, memory_mb=200, spill_mb=50, threads=2)


@pytest.fixture(scope="module")
def orders() -> pa.Table:
    return pa.table(
        {
            "id": range(ROWS),
            "amount": np.arange(ROWS) * 0.5,
            "note": [f"n{i % 7}" for i in range(ROWS)],
        }
    )


@pytest.fixture(scope="module")
def location(tmp_path_factory, orders):
    shelf = Shelf(tmp_path_factory.mktemp("queries"))
    shelf.put("orders", orders)
    shelf.put("types", every_type())
    return shelf.location


@pytest.mark.parametrize(
    "sql",
    [
        "select note, sum(id) as s, avg(amount) as a, count(*) as n from orders group by 1 order by 1",
        "with top as (select * from orders order by amount desc limit 5) select id, note from top order by id",
        "select a.id, b.id from orders a join orders b on a.id = b.id + 1 order by a.id limit 3",
        "select id, row_number() over (partition by note order by id) from orders order by id limit 20",
    ],
)
def test_a_query_finds_what_duckdb_finds_over_the_same_rows(location, orders, sql):
    expected = duckdb.connect().execute(sql).fetchall()
    found = run_query(location, sql)
    assert [tuple(row) for row in found.rows] == expected
    assert found.inputs == {"orders": 1}
    assert not found.has_more


def test_values_are_exact_and_typed(location):
    found = run_query(
        location,
        "select *, sum(int64) over () - 1 as wide, 'infinity'::timestamp as never, '-infinity'::date as gone,"
        " 1.10::decimal(9,2) as price, 'a'::enum('a') as e, [1, null] as l from types order by 1 nulls last",
    )
    types = {column.name: column.type for column in found.columns}
    second = dict(zip(types, found.rows[1], strict=True))
    assert (types["wide"], second["wide"]) == ("HUGEINT", 2**53 + 1 - 2**63 - 1)
    assert second["int64"] == 2**53 + 1
    assert (second["double"], second["float"], second["text"]) == ("nan", "inf", "00123")
    assert second["zoned"] == "2013-01-01 05:15:00.000000+0000"
    assert (second["never"], second["gone"], second["price"]) == ("infinity", "-infinity", "1.10")
    assert (second["blob"], second["list"], second["l"]) == ("0x00ff", [1, None], [1, None])
    assert found.rows[2][6] is None


def test_a_result_is_cut_at_its_limit_and_says_so(location):
    found = run_query(location, "select id, id as id from orders order by id", limit=10)
    assert (len(found.rows), found.has_more) == (10, True)
    assert [column.name for column in found.columns] == ["id", "id"]
    assert not run_query(location, "select id from orders limit 10", limit=10).has_more
    long = run_query(location, "select repeat(note, 1000) as r from orders limit 1")
    assert long.cut[0].length == 2_000
    with pytest.raises(InputError, match="1 to 1,000 rows"):
        run_query(location, "select id from orders", limit=1_001)


FORBIDDEN = [
    "copy orders to '{out}'", "copy (select * from orders) to '{out}'", "attach '{out}'", "export database '{out}'",
    "select * from read_csv('/etc/passwd')", "select * from '/etc/passwd'", "select * from read_text('/etc/passwd')",
    "select (select content from read_text('/etc/passwd')) from orders", "select * from orders, read_blob('/etc/passwd')",
    "select * from glob('/*'), orders", "select * from 'http://127.0.0.1/x.csv', orders", "select * from orders, query('select 1')",
    "select * from query_table('orders')", "pragma database_list", "pragma enable_profiling", "set memory_limit = '99GB'",
    "reset memory_limit", "install httpfs", "load httpfs", "call pragma_version()", "select 1 from orders; select 2 from orders",
    "select 1 from orders; drop view orders", "create table x as select * from orders", "create macro f() as 1",
    "insert into orders values (1)", "update orders set id = 1", "delete from orders", "drop view orders", "truncate orders",
    "select * from duckdb_settings(), orders", "select * from duckdb_secrets(), orders", "select * from pragma_table_info('orders')",
    "select current_setting('temp_directory') from orders", "select getenv('HOME') from orders", "select getvariable('x') from orders",
    "select * from information_schema.tables, orders", "select * from sqlite_master, orders", "explain select * from orders",
    "use memory", "begin transaction", "prepare p as select 1 from orders", "execute p", "checkpoint", "vacuum", "detach memory",
    "describe orders", "show tables", "summarize orders", "values (1)", "select 1", "", ";", "--", "select", "from", "\0",
    "select id into outfile '{out}' from orders",
]  # fmt: skip


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_nothing_but_a_select_over_datasets(location, tmp_path, sql):
    out = tmp_path / "out"
    with pytest.raises(InputError) as error:
        run_query(location, sql.format(out=out), limits=SMALL)
    assert str(error.value).startswith("query")
    assert not out.exists()


WALLS = [
    "select * from read_text('/etc/passwd')", "copy (select 1) to '{out}'", "attach '{out}' as x", "set threads = 1",
    "set allowed_directories = ['/']", "set enable_external_access = true", "install httpfs", "load httpfs",
    "select * from read_parquet('{store}/../**')", "copy (select 1) to '{scratch}/../x'",
]  # fmt: skip


@pytest.mark.parametrize("sql", WALLS)
def test_a_second_wall_stands_behind_the_parser(location, tmp_path, sql):
    """What the statement's check would let through meets DuckDB's own locks."""
    with opened_query(location, "select 1 from orders", SMALL) as session:
        given = sql.format(out=tmp_path / "out", store=tmp_path, scratch=session.scratch)
        with pytest.raises(duckdb.Error):
            session.connection.execute(given).fetchall()
    assert not (tmp_path / "out").exists()


BOMBS = [
    "select count(*) from orders a, orders b, orders c",
    "with recursive t as (select 1 as a from orders union all select a + 1 from t) select max(a) from t",
    "select * from orders a, orders b order by a.amount * b.amount",
    "select list(a.id) from orders a, orders b",
    "select list(repeat(note, 100000)) from orders",
    "select repeat('x', 4000000000) from orders",
    "select unnest(generate_series(1, 100000000000)) from orders",
    "select array_agg(i) from (select unnest(range(2000000000)) as i from orders)",
    "select string_agg(a.note || b.note, ',') from orders a, orders b",
    "select count(distinct (a.id, b.id)) from orders a, orders b",
]
DROP = """
import json, sys, time
from pathlib import Path
from orchestration.services.queries.run import run_query
from tests.orchestration.services.queries.test_run import BOMBS, SMALL
from tests.orchestration.services.rows.shelf import Shelf
from resources.kernel.errors import InputError
shelf = Shelf(Path(sys.argv[1])); shelf._names.append("orders")
location = shelf.location
for sql in BOMBS:
    started = time.monotonic()
    try:
        run_query(location, sql, limits=SMALL)
        said = ""
    except InputError as error:
        said = str(error)
    print(json.dumps([sql, said, time.monotonic() - started]), flush=True)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps(int(peak.split()[1]) / 1024))  # of this program: ru_maxrss counts what it was forked from
"""


def test_bombs_end_with_a_reason_in_little_memory(tmp_path, orders):
    """In a process of its own: one that dies instead of ending so fails the test, and nothing else."""
    Shelf(tmp_path).put("orders", orders)
    done = subprocess.run(
        [sys.executable, "-c", DROP, str(tmp_path)], capture_output=True, text=True, check=False
    )
    *told, peak_mb = map(json.loads, done.stdout.splitlines())
    assert [sql for sql, _, _ in told] == BOMBS, done.stderr[-2_000:]
    for sql, said, _ in told:
        reasons = ("limit of 1 seconds", "more memory or temporary disk", "2^32 elements")
        assert any(reason in said for reason in reasons), (sql, said)
    assert peak_mb < 1_500
    assert done.returncode == 0


def test_scratch_and_spill_are_gone_afterwards(location, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for sql in (
        "select id from orders",
        "select * from orders a, orders b order by a.amount * b.amount",
    ):
        with contextlib.suppress(InputError):
            run_query(location, sql, limits=SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("\n\nselect id,\n  amuont\nfrom orders", "query, line 4: there is no column 'amuont' in orders. Did you mean 'amount'?"),
        ("select id from ordres", "query: unknown dataset 'ordres'"),
        ("select id from ordres", "Did you mean 'orders'?"),
        ("select uper(note) from orders", "uper"),
        ("select note::int from orders", "Could not convert string 'n0' to INT32"),
        ("select id from orders where", "query: the SQL cannot be read"),
        ("select error('<script>') from orders", "<script>"),
        ("select 1 from orders" + " " * 100_000, "a query has at most 100,000 characters"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_was_meant(location, sql, text):
    with pytest.raises(InputError) as error:
        run_query(location, sql)
    assert text in str(error.value)
    assert "{" not in str(error.value)


def test_a_column_that_sql_cannot_name_says_so(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put("odd", pa.table({"a\0b": [1]}))
    with pytest.raises(InputError, match="holds a NUL character"):
        run_query(shelf.location, "select * from odd")


def test_a_dataset_without_a_version_says_so(tmp_path):
    shelf = Shelf(tmp_path)
    shelf._names.append("empty")
    with pytest.raises(NotFoundError, match="datasets/empty has no version"):
        run_query(shelf.location, "select * from empty")


def test_the_newest_version_is_read_and_told(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put("t", pa.table({"a": [1]}))
    shelf.put("t", pa.table({"a": [2]}))
    found = run_query(shelf.location, "select a from t")
    assert (found.rows, found.inputs) == (((2,),), {"t": 2})


def test_the_process_that_asks_has_its_limits_back(location):
    kinds = (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE)
    before = [resource.getrlimit(kind) for kind in kinds]
    with opened_query(location, "select 1 from orders", SMALL):
        assert [resource.getrlimit(kind) for kind in kinds] != before
    assert [resource.getrlimit(kind) for kind in kinds] == before
    assert Path("/proc/self/status").exists()
