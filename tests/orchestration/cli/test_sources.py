"""The commands that look into connectors and datasources: what they show, how they fail, and what they never show."""

import json
import re
import sqlite3

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from tests.project import project

CANARY = "canary-5270"
YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.FolderConnector
attributes: {name: drop, root: drop}
---
type: resources.SqlConnector
attributes: {name: shop, dialect: sqlite, path: shop.sqlite}
---
type: resources.SqlConnector
attributes: {name: any, dialect: other, driver: sqlite+pysqlite, database: ANY_DATABASE}
---
type: resources.SqlConnector
attributes:
  name: vault
  dialect: postgresql
  host: 127.0.0.1
  port: 1
  database: dwh
  username: loader
  password: {env: TEST_VAULT_PASSWORD}
---
type: assets.Datasource
attributes: {name: landed, connector: lake, path: "orders/*.csv"}
---
type: assets.Datasource
attributes:
  name: recent
  connector: shop
  query: select id, amount from orders where id > :least order by id
  parameters: {least: 1}
  timeout_seconds: 30
  fingerprint: {max: id, rows: true}
---
type: assets.Datasource
attributes: {name: locked, connector: vault, table: orders}
---
type: assets.Dataset
attributes: {name: orders, datasource: landed, refresh: manual}
---
type: assets.Exporter
attributes: {name: out, dataset: orders, connector: shop, table: orders_out}
---
type: orchestration.Pipeline
attributes:
  name: nightly
  export: [out]
  on_new_objects: {connector: lake, path: 'orders/*.csv'}
---
type: assets.Dataset
attributes: {name: brought, upload: true, connectors: [drop]}
---
type: assets.ImageFolder
attributes: {name: signs, connectors: [drop]}
---
type: assets.Collection
attributes: {name: media, connectors: [drop], watch: {connector: drop, path: "in/**"}}
---
type: assets.ClassificationSet
attributes: {name: products, columns: [{name: Brand}], files: {connector: drop, path: "p/*.csv"}}
---
type: orchestration.RecurringImport
attributes:
  name: weekly
  target: {kind: dataset, name: brought}
  objects: {connector: drop, path: "in/*.csv"}
  schedule: {cron: "0 3 * * 1"}
"""


@pytest.fixture(scope="module")
def link(tmp_path_factory):
    """Leads to the database of the test that runs: a project's path is written in its definitions."""
    return tmp_path_factory.mktemp("any") / "any.sqlite"


@pytest.fixture(scope="module")
def definitions(link):
    """One project; each test has a home of its own."""
    with project(YAML.replace("ANY_DATABASE", str(link))) as loaded:
        yield loaded


@pytest.fixture
def home(tmp_path, monkeypatch, link):
    link.unlink(missing_ok=True)
    link.symlink_to(tmp_path / "shop.sqlite")
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("TEST_VAULT_PASSWORD", CANARY)
    folder = tmp_path / "lake" / "orders"
    folder.mkdir(parents=True)
    (folder / "1.csv").write_text("id,amount,note\n007,1.5,x\n008,2.5,\n")
    (folder / "2.csv").write_text("id,amount,note\n009,3.5,z\n")
    with sqlite3.connect(tmp_path / "shop.sqlite") as shop:
        shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, amount REAL)")
        shop.executemany("INSERT INTO orders VALUES (?, ?)", [(i, i / 2) for i in range(1, 501)])
    shop.close()
    return tmp_path


@pytest.fixture
def waybill(home, definitions):
    with dg.DagsterInstance.ephemeral() as instance:
        context = CommandContext(Location(definitions), instance)

        def run(*arguments, code=0):
            result = CliRunner().invoke(app, arguments, obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            assert CANARY not in result.output
            return result

        yield run


def answer(result):
    return json.loads(result.stdout)


class TestConnectors:
    def test_the_list_says_who_uses_each(self, waybill):
        """F037: what would break without it."""
        found = {c["name"]: c["used_by"] for c in answer(waybill("connector", "list", "--json"))}
        assert found == {
            "any": [],
            "drop": [
                "classification set products",
                "collection media",
                "dataset brought",
                "image folder signs",
                "pipeline weekly",
            ],
            "lake": ["datasource landed", "pipeline nightly"],
            "shop": ["datasource recent", "exporter out"],
            "vault": ["datasource locked"],
        }
        assert "exporter out" in waybill("connector", "list").stdout
        assert "image folder signs" in waybill("connector", "show", "drop").stdout

    def test_the_test_shows_each_step(self, waybill):
        found = answer(waybill("connector", "test", "lake", "--json"))
        assert [(step["name"], step["ok"]) for step in found["steps"]] == [
            ("folder", True),
            ("rights", True),
        ]
        assert "rights     ok: " in waybill("connector", "test", "lake").stdout

    def test_the_step_that_failed_is_the_last_with_its_reason(self, waybill):
        found = answer(waybill("connector", "test", "vault", "--json", code=1))
        assert found["ok"] is False
        assert "127.0.0.1" in found["detail"]
        assert [step["ok"] for step in found["steps"]].count(False) <= 1
        waybill("connector", "test", "vault", code=1)

    def test_browse_shows_folders_and_files_with_sizes(self, waybill):
        assert [
            e["path"] for e in answer(waybill("connector", "browse", "lake", "--json"))["entries"]
        ] == ["orders/"]
        found = answer(waybill("connector", "browse", "lake", "orders/", "--json"))
        assert [(e["name"], e["kind"], e["size_bytes"]) for e in found["entries"]] == [
            ("1.csv", "object", 34),
            ("2.csv", "object", 25),
        ]
        assert found["is_cut"] is False
        assert "34 B" in waybill("connector", "browse", "lake", "orders").stdout

    def test_a_list_that_was_cut_says_so(self, waybill):
        found = answer(waybill("connector", "browse", "lake", "orders", "-n", "1", "--json"))
        assert ([e["path"] for e in found["entries"]], found["is_cut"]) == (["orders/1.csv"], True)
        assert "was cut at 1" in waybill("connector", "browse", "lake", "orders", "-n", "1").stdout
        assert "cut" not in waybill("connector", "browse", "lake", "orders", "-n", "2").stdout

    def test_a_place_that_is_not_there(self, waybill):
        assert "'nothing'" in waybill("connector", "browse", "lake", "nothing", code=2).stderr

    @pytest.mark.parametrize("limit", ["0", "10001"])
    def test_a_list_has_a_size(self, waybill, limit):
        assert "1 to 10000" in waybill("connector", "browse", "lake", "-n", limit, code=1).stderr


class TestDatasources:
    def test_the_list_says_how_changes_are_seen(self, waybill):
        found = {d["name"]: d for d in answer(waybill("datasource", "list", "--json"))}
        assert found["landed"]["used_by"] == ["datasets/orders"]
        assert found["recent"]["fingerprint"] == "max of id and number of rows"
        assert found["recent"]["can_miss"].startswith("changed values")
        assert "max of id" in waybill("datasource", "list").stdout

    def test_a_preview_shows_typed_rows_and_imports_nothing(self, waybill, home):
        """F043, E12."""
        found = answer(waybill("datasource", "test", "landed", "--json"))
        assert found["ok"] is True
        assert found["columns"] == [["id", "string"], ["amount", "double"], ["note", "string"]]
        assert found["rows"] == [["007", 1.5, "x"], ["008", 2.5, None], ["009", 3.5, "z"]]
        assert found["is_whole"] is True
        assert (found["facts"]["objects"], found["facts"]["size_bytes"]) == (2, 59)
        assert len(found["fingerprint"]) == 32
        assert "separator" in [guess["subject"] for guess in found["guesses"]]
        assert not (home / "store").exists()
        assert "007" in waybill("datasource", "test", "landed").stdout

    def test_only_the_first_objects_are_opened(self, waybill, home):
        (home / "lake" / "orders" / "3.csv").write_text("this,is\nno,good,table\n")
        found = answer(waybill("datasource", "test", "landed", "-n", "1", "--json"))
        assert found["rows"] == [["007", 1.5, "x"]]
        assert (found["facts"]["objects"], found["facts"]["objects read"]) == (3, 1)
        assert found["is_whole"] is False
        failed = answer(waybill("datasource", "test", "landed", "--json", code=1))
        assert "3.csv" in failed["detail"]

    def test_values_are_shown_as_they_are(self, waybill, home):
        (home / "lake" / "orders" / "1.csv").write_text("id;amount;note\n007;2013;\n")
        shown = waybill("datasource", "test", "landed", "-n", "1").stdout
        assert re.search(r"007\s+2013\s+null", shown), shown

    def test_a_query_with_its_parameters(self, waybill):
        """F042."""
        found = answer(
            waybill("datasource", "test", "recent", "-n", "2", "--fingerprint", "--json")
        )
        assert found["rows"] == [[2, 1.0], [3, 1.5]]
        assert found["facts"] == {"source": "query", "max of id": "500", "rows": 499}

    @pytest.mark.parametrize("connector", ["shop", "any"])
    def test_a_look_at_a_table_reads_no_more_than_it_shows(self, waybill, home, connector):
        """No fingerprint unless it is asked for, and types of the rows that are shown: the rest is not looked at."""
        with sqlite3.connect(home / "shop.sqlite") as shop:
            shop.execute("INSERT INTO orders VALUES (1000, 'not a number')")
        shop.close()
        look = ("datasource", "test", "--connector", connector, "--table", "orders", "--json")
        found = answer(waybill(*look, "-n", "3"))
        assert (found["fingerprint"], found["facts"], found["is_whole"]) == ("", {}, False)
        assert found["columns"] == [["id", "int64"], ["amount", "double"]]
        whole = answer(waybill(*look, "-n", "1000", "--fingerprint"))
        assert whole["columns"] == [["id", "int64"], ["amount", "string"]]
        assert whole["fingerprint"]
        assert whole["is_whole"] is True

    @pytest.mark.parametrize(
        ("arguments", "near"),
        [
            (("--connector", "shop", "--table", "order"), "orders"),
            (("--connector", "lake", "--path", "order/1.csv"), "'orders/'"),
            (("--connector", "lake", "--path", "orders/4.csv"), "'orders/1.csv'"),
            (("--connector", "lake", "--path", "orders/*.parquet"), "'orders/1.csv'"),
            (
                (
                    *("--connector", "shop", "--table", "orders"),
                    *("--set", "fingerprint={max: ident}", "--fingerprint"),
                ),
                "id",
            ),
            (("--connector", "shop", "--query", "select nothing from orders"), "nothing"),
            (("--connector", "vault", "--table", "orders"), "127.0.0.1"),
        ],
        ids=" ".join,
    )
    def test_what_is_wrong_is_said_before_it_is_saved(self, waybill, arguments, near):
        """F044: with the names that are there."""
        result = waybill("datasource", "test", *arguments, "--json", code=1)
        detail = answer(result)["detail"]
        assert near in detail
        assert len(detail) <= 500
        waybill("datasource", "test", *arguments, code=1)

    def test_a_table_before_it_is_saved(self, waybill):
        """F041."""
        found = answer(
            waybill(
                "datasource",
                "test",
                "--connector",
                "shop",
                "--table",
                "orders",
                "-n",
                "1",
                "--json",
            )
        )
        assert found["columns"] == [["id", "int64"], ["amount", "double"]]
        assert found["rows"] == [[1, 0.5]]

    def test_options_and_parameters_before_it_is_saved(self, waybill, home):
        (home / "lake" / "semi.txt").write_text("a;b\n1,5;x\n")
        common = ("datasource", "test", "--json", "--connector")
        found = answer(
            waybill(
                *common,
                "lake",
                "--path",
                "semi.txt",
                "--option",
                "separator=;",
                "--option",
                "decimal_mark=','",
            )
        )
        assert found["rows"] == [[1.5, "x"]]
        query = "select count(*) as n from orders where id between :low and :high"
        given = ("--set", "parameters.low=1", "--set", "parameters.high=10", "--no-fingerprint")
        found = answer(waybill(*common, "shop", "--query", query, *given))
        assert (found["rows"], found["fingerprint"]) == ([[10]], "")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "NAME"),
            (("landed", "--table", "x"), "not both"),
            (("--table", "x"), "--connector"),
            (("nothing",), "landed, locked, recent"),
            (("--connector", "nothing", "--table", "x"), "lake, shop, vault"),
            (("--connector", "shop", "--path", "x.csv"), "table, query"),
            (("--connector", "shop"), "no target"),
            (("--connector", "shop", "--table", "x", "--set", "nonsense=1"), "Known: format"),
            (("--connector", "shop", "--table", "x", "--set", "parameters.a=1"), "parameters"),
            (
                ("--connector", "shop", "--query", "select 1", "--set", "parameters.a=[1"),
                "not YAML",
            ),
            (
                ("--connector", "shop", "--query", "delete from orders"),
                "only read",
            ),
            (
                ("--connector", "shop", "--query", "select 1", "--set", "fingerprint=often"),
                "{max: COLUMN}",
            ),
            (
                ("--connector", "lake", "--path", "x.csv", "--set", "fingerprint=rows"),
                "tables and queries",
            ),
            (("--connector", "lake", "--path", "x.csv", "--option", "colour=red"), "colour"),
        ],
    )
    def test_wrong_usage(self, waybill, arguments, said):
        assert said in waybill("datasource", "test", *arguments, code=2).stderr

    @pytest.mark.parametrize("rows", ["0", "1001"])
    def test_a_preview_has_a_size(self, waybill, rows):
        assert "1 to 1000" in waybill("datasource", "test", "landed", "-n", rows, code=1).stderr

    def test_a_variable_that_is_not_set_is_named(self, waybill, monkeypatch):
        monkeypatch.delenv("TEST_VAULT_PASSWORD")
        assert "TEST_VAULT_PASSWORD" in waybill("datasource", "test", "locked", code=2).stderr
