"""`waybill check`: what SQL and checks name, against the columns that there are; nothing is run."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import duckdb
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from orchestration.cli.main import app
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore
from tests.own_project import own_project

SOURCES = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: files, connector: lake, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: files}
---
type: assets.Dataset
attributes: {name: wide, datasource: files}
---
type: assets.Dataset
attributes: {name: never, datasource: files}
"""
ORDERS = pa.schema(
    [
        ("id", pa.int64()),
        ("name", pa.string()),
        ("amount", pa.decimal128(12, 2)),
        ("Straße 1", pa.string()),
        ("address", pa.struct([("city", pa.string()), ("zip", pa.string())])),
        ("tags", pa.list_(pa.string())),
        ("took", pa.duration("us")),
        ("at", pa.timestamp("us", tz="UTC")),
    ]
)
WIDE = pa.schema([(f"column_{n}", pa.int32()) for n in range(1000)])


class Waybill:
    """The command on a project of its own."""

    def __init__(self, monkeypatch, folder):
        self._monkeypatch, self.folder = monkeypatch, folder
        self._store = TableStore.open(str(folder / "home" / "store"))

    def stored(self, name, schema, **properties):
        with self._store.writer(("datasets", name), run_id=f"run-{uuid4()}") as writer:
            writer.write(BatchStream(schema, iter([])))
            writer.publish(properties)

    def imported(self, name, schema):
        """A version that was made from what `files` declares now."""
        declaration = self._digest()
        self.stored(name, schema, source={"declaration": declaration})

    def _digest(self):
        from resources.sources.spec import SourceSpec

        return SourceSpec(name="files", connector="lake", path="*.csv").digest()

    def check(self, files, *, code=1):
        """What is told, by the first line of each file: `sql/defs.yaml:5: ...`."""
        own_project(self._monkeypatch, self.folder, {"sources/defs.yaml": SOURCES, **files})
        result = CliRunner().invoke(app, ["check", "--json"])
        assert result.exit_code == code, result.output
        found = json.loads(result.output)
        for problem in found:
            problem["place"] = f"{problem['file'].partition('/defs/')[2]}:{problem['line']}"
        return found


def _waybill(monkeypatch, folder):
    (folder / "home").mkdir()
    found = Waybill(monkeypatch, folder)
    found.imported("orders", ORDERS)
    found.imported("wide", WIDE)
    return found


@pytest.fixture
def waybill(tmp_path, monkeypatch):
    return _waybill(monkeypatch, tmp_path)


def sql(text, name="t"):
    """A transform with its SQL as a literal block: the first line of it is line 5."""
    indented = "\n".join(f"    {line}" for line in text.splitlines())
    return f"type: assets.SqlTransform\nattributes:\n  name: {name}\n  sql: |\n{indented}\n"


LISTED = "Columns of orders: id, name, amount, Straße 1, address, tags, took, at"
WRONG = {
    "plain": ("select id,\n  nmae\nfrom orders", 6,
              "there is no column 'nmae' in orders (orders: stored version 1)", f"Did you mean 'name'? {LISTED}"),
    "alias": ("select o.nmae from orders o", 5, "no column 'nmae' in orders", "Did you mean 'name'?"),
    "alias that is the name of another dataset": (
        "select wide.nmae\nfrom orders wide", 5, "no column 'nmae' in orders", "Did you mean 'name'?"),
    "alias that stands for two": (
        "select x.name from orders x\nunion all select x.column_x from wide x", 6, "no column 'column_x' in 'x'", ""),
    "column of the input that a CTE leaves out": (
        "with x as (select id from orders)\nselect amount from x", 6, "no column 'amount' that could be used here",
        "Did you mean 'id'?"),
    "column of a CTE": ("with orders_x as (select * from orders)\nselect o.idd from orders_x o", 6, "'idd'", ""),
    "quoted and not ASCII": ('select \'ä\', "straße 2"\nfrom orders', 5, "no column 'straße 2' in orders", "Did you mean 'Straße 1'?"),
    "quote in the name": ('select "a""b" from orders', 5, "no column 'a", LISTED),
    "where": ("select id from orders\nwhere\n  amuont > 1", 7, "no column 'amuont'", "Did you mean 'amount'?"),
    "star without": ("select * exclude (nmae) from orders", 4, "no column 'nmae' in orders", "Did you mean 'name'?"),
    "using": ("select 1 as a from orders join wide using (idd)", 4, "no column 'idd' in orders or wide", "Did you mean 'id'?"),
    "field of a struct": ("select address.ctiy from orders", 4, 'Could not find key "ctiy" in struct', ""),
    "1,000 columns": ("select column_1000 from wide", 5, "no column 'column_1000' in wide", "and 970 more"),
    "types": ("select id\n , upper(id) from orders", 6, "No function matches the given name and argument types 'upper(BIGINT)'", ""),
    "function": ("select summ(id) from orders", 5, "Scalar Function with name summ does not exist", ""),
    "no group": ("select name, sum(id) as s from orders", 5, "must appear in the GROUP BY", ""),
    "columns of one name": ("select id, id from orders", 4, "duplicate column names: 'id'", "Give it a name of its own"),
    "what DuckDB alone cannot read": ("select id,\n at::date from orders", 6, 'syntax error at or near "::"', ""),
    "a parameter": ("select id from orders where id = $1", 4, "parameter", ""),
    "a subquery in brackets": ("(select id from orders) union all\n(select nmae from orders)", 6, "no column 'nmae'", ""),
}  # fmt: skip


RIGHT = [
    'select ID, "STRAßE 1" as a, address.city, address[\'zip\'], tags[1], took, "at"::date as day from orders',
    "from orders select columns('i.*')",
    "with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select n, id from r, orders",
    "select o.* replace (name || '!' as name), row_number() over (partition by name order by id) as r from orders o",
    "select * from orders o, lateral (select o.id + 1 as next) qualify row_number() over () = 1",
    "select * from orders pivot (sum(amount) for name in ('a', 'b') group by id)",
    "select id from never, orders where never.whatever = 1",
    "select error('boom') as e, 1 / 0 as z, cast('x' as int) as c from orders",
    "select (select count(*) from unnest(range(2000000000))) as n from orders",
    "select unnest(tags) as tag, id from orders -- nmae",
    "select name from orders where name = 'select nmae'; ",
    "(select id from orders) union all (select column_1 from wide)",
]


def test_right_sql_is_told_nothing_about_and_none_of_it_is_run(waybill):
    """One would fail, two would fill the memory of the machine, one reads what was never imported."""
    documents = "---\n".join(sql(text, f"t{n}") for n, text in enumerate(RIGHT))
    assert waybill.check({"sql/defs.yaml": documents}, code=0) == []
    assert sorted(p.name for p in (waybill.folder / "home" / "store" / "datasets").iterdir()) == [
        "orders",
        "wide",
    ]


@pytest.mark.parametrize("text", ["select * from '{file}'", "select * from read_text('{file}')"])
def test_a_statement_that_reads_a_file_gets_nothing_of_it(waybill, text):
    secret = waybill.folder / "secret.csv"
    secret.write_text("canary_7391\n1\n")
    (problem,) = waybill.check({"sql/defs.yaml": sql(text.format(file=secret))})
    assert "is not a dataset" in problem["text"]
    assert "canary_7391" not in json.dumps(problem)


STYLES = {
    "literal": ("  sql: |\n\n    select id,\n\n      nmae\n    from orders\n", 8),
    "folded": ("  sql: >-  # why\n    select id,\n      nmae\n\n    from orders\n", 6),
    "plain": ("  sql: select id,\n    nmae\n    from orders\n", 5),
    "single quotes": ("  sql: 'select id,\n\n    nmae from orders'\n", 6),
    "double quotes": ('  sql: "select id,\n    nmae from orders"\n', 5),
    "escapes": ('  sql: "select id,\\n\n    nmae from orders"\n', 4),
    "quoted quotes": ("  sql: 'select ''a'',\n    nmae from orders'\n", 4),
    "one line": ("  sql: select nmae from orders\n", 4),
    "template": ("  sql: >-\n    select {{ env('NO_SUCH', 'id') }},\n      nmae from orders\n", 4),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The problem of each of `WRONG` and `STYLES`, all told by one command."""
    files = {f"wrong/{n}/defs.yaml": sql(w[0], f"w{n}") for n, w in enumerate(WRONG.values())}
    for number, (text, _) in enumerate(STYLES.values()):
        head = f"type: assets.SqlTransform\nattributes:\n  name: s{number}\n"
        files[f"style/{number}/defs.yaml"] = head + text
    with pytest.MonkeyPatch.context() as monkeypatch:
        problems = _waybill(monkeypatch, tmp_path_factory.mktemp("wrong")).check(files)
    assert len(problems) == len(files)
    return {problem["place"].rpartition("/defs.yaml")[0]: problem for problem in problems}


@pytest.mark.parametrize("case", WRONG)
def test_sql_that_its_inputs_do_not_fit_is_told_with_its_line(told, case):
    _, line, text, hint = WRONG[case]
    number = list(WRONG).index(case)
    problem = told[f"wrong/{number}"]
    assert problem["text"].startswith(f"transform 'w{number}': ")
    assert text in problem["text"], problem["text"]
    assert hint in problem["hint"], problem["hint"]
    assert (problem["line"], problem["is_warning"]) == (line, False)


@pytest.mark.parametrize("case", STYLES)
def test_the_line_is_found_however_yaml_has_the_text(told, case):
    problem = told[f"style/{list(STYLES).index(case)}"]
    assert "'nmae'" in problem["text"]
    assert problem["line"] == STYLES[case][1]


def test_in_a_file_of_its_own_with_a_byte_order_mark_the_line_is_the_files(waybill):
    document = "type: assets.SqlTransform\nattributes: {name: t, file: t.sql}\n"
    files = {
        "sql/defs.yaml": document,
        "sql/t.sql": "\ufeff\n-- ü\nselect id,\n  nmae\nfrom orders\n",
    }
    (problem,) = waybill.check(files)
    assert problem["place"] == "sql/t.sql:4"


def test_a_file_that_is_not_utf_8_is_named(waybill):
    folder = waybill.folder / "defs" / "sql"
    folder.mkdir(parents=True)
    (folder / "t.sql").write_bytes(b"select id, 'L\xfctt' as city from orders")
    document = "type: assets.SqlTransform\nattributes: {name: t, file: t.sql}\n"
    (problem,) = waybill.check({"sql/defs.yaml": document})
    assert (problem["place"], problem["text"]) == (
        "sql/defs.yaml:2",
        "transform 't': t.sql is not UTF-8",
    )


def test_what_dagster_itself_reads_is_looked_at_too(waybill):
    files = {
        "group/defs.yaml": "type: dagster.DefsFolderComponent\n",
        "group/a/defs.yaml": sql("select nmae from orders", "a"),
        "group/b/defs.yaml": "type: assets.SqlTransform\nattributes: {name: b, file: b.sql}\n",
        "group/b/b.sql": "select id,\nidd from orders",
        "group/c/defs.yaml": sql("select id from b", "c"),
    }
    found = waybill.check(files)
    assert [("'nmae'" in p["text"], "'idd'" in p["text"]) for p in found] == [
        (True, False),
        (False, True),
    ]
    assert found[0]["file"].endswith("group/a")
    assert found[1]["place"] == "group/b/b.sql:2"


def test_columns_of_transforms_follow_from_their_sql(waybill):
    """Not from what was stored of an older SQL; and of one that is wrong nothing is told further down."""
    waybill.stored("daily", pa.schema([("day", pa.string())]), sql="select 1 as day from orders")
    files = {
        "a/defs.yaml": sql("select * exclude (id), sum(id) over () as total from orders", "daily"),
        "b/defs.yaml": sql("select day from daily", "second"),
        "c/defs.yaml": sql("select total + length(name) as n from daily", "third"),
        "d/defs.yaml": sql("select n, totl from third, daily", "fourth"),
        "e/defs.yaml": sql("select x from second", "fifth"),
    }
    found = waybill.check(files)
    assert [(p["place"], p["is_warning"]) for p in found] == [
        ("b/defs.yaml:5", False),
        ("d/defs.yaml:5", False),
    ]
    assert "'day' in daily (daily: as its SQL makes it)" in found[0]["text"]
    assert "(daily: as its SQL makes it; third: as its SQL makes it)" in found[1]["text"]
    assert "Did you mean 'total'?" in found[1]["hint"]


def test_where_the_next_import_may_bring_the_column_it_is_a_warning(waybill):
    waybill.stored("orders", ORDERS, source={"declaration": "another one"})
    checks = (
        "type: assets.Dataset\nattributes:\n  name: more\n  datasource: files\n  checks:\n"
        "    - expect_column_to_exist: {column: nothing}\n"
        "    - expect_column_values_to_not_be_null:\n        mostly: 0.5\n        column: idd\n"
    )
    waybill.imported("more", ORDERS)
    found = waybill.check({"sql/defs.yaml": sql("select new from orders"), "d/defs.yaml": checks})
    assert [(p["place"], p["is_warning"]) for p in found] == [
        ("d/defs.yaml:9", False),
        ("sql/defs.yaml:5", True),
    ]
    assert (
        "checks: expect_column_values_to_not_be_null: there is no column 'idd' in more"
        in found[0]["text"]
    )
    assert "Did you mean 'id'?" in found[0]["hint"]
    assert "(orders: stored version 2)" in found[1]["text"]
    assert "The next run of orders may change that" in found[1]["hint"]


def test_checks_and_keys_of_transforms_and_predictions_are_looked_at_too(waybill):
    """Against what the SQL makes, whatever is stored of an older one; those of a prediction against the stored rows."""
    waybill.imported("orders", ORDERS)
    waybill.stored("daily", pa.schema([("day", pa.string())]), sql="select 1 as day from orders")
    waybill.stored("guesses", pa.schema([("id", pa.int64()), ("prediction", pa.float64())]))
    check = "expect_column_values_to_not_be_null: {column: %s}"
    transform = (
        "type: assets.SqlTransform\nattributes:\n  name: daily\n  sql: select id, amount from orders\n"
        f"  key: [id, day]\n  checks:\n    - {check % 'amount'}\n    - {check % 'amuont'}\n"
    )
    prediction = (
        "type: assets.Model\nattributes: {name: m, dataset: orders, target: amount}\n---\n"
        "type: assets.Prediction\nattributes:\n  name: guesses\n  dataset: orders\n  model: m\n"
        f"  checks:\n    - {check % 'prediction'}\n    - {check % 'predictoin'}\n"
    )
    found = waybill.check({"a/defs.yaml": transform, "b/defs.yaml": prediction})
    assert [(p["place"], p["is_warning"]) for p in found] == [
        ("a/defs.yaml:5", False),
        ("a/defs.yaml:8", False),
        ("b/defs.yaml:11", True),
    ]
    assert "key: there is no column 'day' in daily (daily: as its SQL makes it)" in found[0]["text"]
    assert "Did you mean 'amount'?" in found[1]["hint"]
    assert "Did you mean 'prediction'?" in found[2]["hint"]


def test_columns_that_sql_cannot_tell_apart_and_a_damaged_manifest_are_told(waybill):
    waybill.imported("wide", pa.schema([("a", pa.int32()), ("A", pa.int32())]))
    (manifest,) = (waybill.folder / "home" / "store" / "datasets" / "orders" / "v").iterdir()
    manifest.write_text("{")
    found = waybill.check(
        {
            "a/defs.yaml": sql("select a from wide", "a"),
            "b/defs.yaml": sql("select x from orders", "b"),
        }
    )
    assert [(p["place"], p["is_warning"]) for p in found] == [
        ("a/defs.yaml:4", False),
        ("sources/defs.yaml:9", True),
    ]
    assert "cannot tell the columns 'a' and 'A' apart" in found[0]["text"]
    assert "columns were not compared with what is stored" in found[1]["text"]


def test_a_store_that_cannot_be_read_is_told_once(waybill):
    datasets = waybill.folder / "home" / "store" / "datasets"
    datasets.rename(datasets.with_name("elsewhere"))
    datasets.symlink_to(datasets)  # endless: whoever follows it fails, whatever rights they have
    (problem,) = waybill.check(
        {"a/defs.yaml": sql("select x from orders", "a") + "---\n" + sql("select x from wide", "b")}
    )
    assert problem["is_warning"]
    assert "columns were not compared with what is stored" in problem["text"]


def test_without_sql_over_known_columns_duckdb_is_not_opened(waybill, monkeypatch):
    monkeypatch.delattr(duckdb, "connect")
    files = {
        "a/defs.yaml": sql("select x from never", "a"),
        "b/defs.yaml": sql("select y from a", "b"),
    }
    assert waybill.check(files, code=0) == []


def test_the_columns_of_a_classification_set_are_the_declared_ones_before_any_file_came(waybill):
    declared = (
        "type: assets.ClassificationSet\nattributes:\n  name: products\n"
        "  columns: [{name: Brand}, {name: Weight, type: float}, {name: Tags, type: 'list[string]'}]\n"
    )
    good = 'select p."Key", upper(brand) as b, weight + 1 as w, tags[1] as tag from products p'
    files = {"s/defs.yaml": declared, "a/defs.yaml": sql(good, "a")}
    assert waybill.check(files, code=0) == []
    (problem,) = waybill.check({**files, "b/defs.yaml": sql("select colour from products", "b")})
    assert "no column 'colour' in products (products: as declared)" in problem["text"]
    assert "Columns of products: Key, Brand, Weight, Tags" in problem["hint"]


WRONG_CHECKS = """type: assets.Dataset
attributes:
  name: more
  datasource: files
  checks:
    - expect_column_values_to_be_between: {column: id, min: 1}
    - expect_column_values_to_be_in_set:
        column: name
        value_set: a
    - expect_column_values_to_be_uniqe: {column: id}
    - expect_column_values_to_match_regex: {regex: "^a"}
"""


def test_wrong_arguments_of_checks_are_told_all_at_once(waybill):
    found = waybill.check({"d/defs.yaml": WRONG_CHECKS})
    assert [(p["place"], p["text"]) for p in found] == [
        ("d/defs.yaml:6", "checks: expect_column_values_to_be_between takes no 'min'"),
        ("d/defs.yaml:9", "checks: expect_column_values_to_be_in_set: value_set has to be a list of values"),
        ("d/defs.yaml:10", "checks: unknown expectation 'expect_column_values_to_be_uniqe'"),
        ("d/defs.yaml:11", "checks: expect_column_values_to_match_regex lacks 'column': the name of a column"),
    ]  # fmt: skip
    assert re.match(r"Did you mean 'min_value'\? It takes column, min_value, ", found[0]["hint"])
