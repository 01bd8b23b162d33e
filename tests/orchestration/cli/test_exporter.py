"""Exporters from the command line: what would happen, what happened, and what the history says of it."""

import json
import sqlite3

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from tests.project import materialize, project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes: {name: shop, dialect: sqlite, path: shop.sqlite}
---
type: assets.Datasource
attributes: {name: orders, connector: lake, path: "orders/*.csv", observe: "0 3 * * *"}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders}
---
type: assets.SqlTransform
attributes: {name: big, sql: select * from orders where amount > 1}
---
type: assets.SqlTransform
attributes: {name: broken, sql: "select cast(note as integer) as n from orders"}
---
type: assets.Exporter
attributes: {name: out, dataset: orders, connector: shop, table: orders_out, description: To the shop}
---
type: assets.Exporter
attributes: {name: broken_out, dataset: broken, connector: shop, table: broken_out}
---
type: assets.Exporter
attributes: {name: dated, dataset: orders, connector: shop, table: dated, mode: timestamp, refresh: "0 4 * * *"}
---
type: orchestration.Pipeline
attributes: {name: nightly, export: [out], schedule: {cron: "0 3 * * *", start: 2026-01-01}}
---
type: orchestration.Pipeline
attributes: {name: over, export: [broken_out], schedule: {cron: "0 3 * * *", end: 2020-01-01}}
"""


@pytest.fixture(scope="module")
def definitions():
    with project(YAML) as loaded:
        yield loaded


@pytest.fixture
def waybill(tmp_path, monkeypatch, definitions):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    folder = tmp_path / "lake" / "orders"
    folder.mkdir(parents=True)
    (folder / "1.csv").write_text("id,amount,note\n1,0.5,x\n2,2.5,y\n")
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def command(*arguments, code=0):
            context = CommandContext(Location(definitions), instance)
            result = CliRunner().invoke(app, arguments, obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result.stdout

        command.instance, command.home = instance, tmp_path
        materialize(definitions, "datasets/orders", "datasets/big", instance=instance)
        yield command


def answer(text):
    return json.loads(text)


def rows(waybill, query):
    database = sqlite3.connect(waybill.home / "shop.sqlite")
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_a_test_says_what_would_happen_and_makes_nothing(waybill):
    found = answer(waybill("exporter", "test", "out", "--json"))
    assert found["ok"]
    assert [step["name"] for step in found["steps"]] == [
        "source",
        "columns",
        "table",
        "right to write",
        "effect",
    ]
    assert found["detail"] == "makes table orders_out and writes 2 rows"
    assert not (waybill.home / "shop.sqlite").exists()
    shown = waybill("exporter", "test", "out", "--dataset", "big")
    assert "dataset big, version 1: 1 row" in shown


def test_a_test_names_the_columns_that_do_not_fit(waybill):
    with sqlite3.connect(waybill.home / "shop.sqlite") as shop:
        shop.execute("CREATE TABLE orders_out (id INTEGER, gone TEXT)")
    shop.close()
    found = answer(waybill("exporter", "test", "out", "--json", code=1))
    assert found["steps"][-1] == {"name": "fit", "ok": False, "detail": found["detail"]}
    assert "lacks 'gone'" in found["detail"]
    assert rows(waybill, "select name from sqlite_master") == [("orders_out",)]


def test_a_dataset_without_a_version_cannot_be_tried(waybill):
    found = answer(waybill("exporter", "test", "broken_out", "--json", code=1))
    assert "dataset broken has no version yet" in found["detail"]


def test_an_export_by_the_row_menu_lands_once_and_the_history_names_it(waybill):
    """F019, F051: another dataset than the declared one; who asked; how many rows."""
    run = answer(waybill("dataset", "export", "big", "--with", "out", "--json"))
    assert run["ok"]
    assert rows(waybill, "select id, amount from orders_out") == [(2, 2.5)]
    (export,) = answer(waybill("exporter", "history", "--json"))["items"]
    assert (export["exporter"], export["source"], export["version"]) == ("out", "dataset big", 1)
    assert (export["status"], export["rows"], export["table"]) == ("done", 1, "orders_out")
    assert export["run_id"] == run["run_id"]
    assert export["asked_by"]
    assert export["size_bytes"] > 0
    waybill("exporter", "run", "out")
    assert rows(waybill, "select count(*) from orders_out") == [(2,)]
    newest = answer(waybill("exporter", "history", "out", "-n", "1", "--json"))
    assert newest["items"][0]["source"] == "dataset orders"
    older = answer(waybill("exporter", "history", "out", "--cursor", newest["next"], "--json"))
    assert [e["run_id"] for e in older["items"]] == [run["run_id"]]
    assert older["next"] is None


def test_what_failed_is_in_the_history_with_its_reason(waybill):
    with sqlite3.connect(waybill.home / "shop.sqlite") as shop:
        shop.execute("CREATE TABLE orders_out (id INTEGER, gone TEXT)")
    shop.close()
    waybill("exporter", "run", "out", code=1)
    waybill("run", "over", code=1)  # its transform fails: the export is never reached
    found = {e["exporter"]: e for e in answer(waybill("exporter", "history", "--json"))["items"]}
    assert (found["out"]["status"], found["out"]["version"]) == ("failed", 1)
    assert "lacks 'gone'" in found["out"]["error"]
    assert found["broken_out"]["status"] == "not reached"
    assert "broken" in found["broken_out"]["error"]
    failed = answer(waybill("exporter", "history", "--status", "failed", "--json"))["items"]
    assert [e["exporter"] for e in failed] == ["out"]
    assert "lacks 'gone'" in waybill("exporter", "history")


def test_the_list_says_when_each_was_and_will_be_exported(waybill):
    waybill("exporter", "run", "dated")
    found = {e["name"]: e for e in answer(waybill("exporter", "list", "--json"))}
    assert found["out"]["last"] is None
    assert found["out"]["next_at"][11:16] == "03:00"
    assert found["out"]["pipelines"] == ["nightly"]
    assert found["broken_out"]["next_at"] is None  # its schedule has ended
    assert found["dated"]["next_at"][11:16] == "04:00"
    assert found["dated"]["last"]["status"] == "done"
    assert found["dated"]["last"]["table"].startswith("dated_2")
    assert "To the shop" in waybill("exporter", "show", "out")
    assert [
        e["name"] for e in answer(waybill("exporter", "list", "--status", "done", "--json"))
    ] == ["dated"]
    assert waybill("exporter", "show", "dated").count("dated") > 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("exporter", "show", "nothing"), 2),
        (("exporter", "test", "nothing"), 2),
        (("exporter", "run", "nothing"), 2),
        (("exporter", "history", "nothing"), 2),
        (("exporter", "history", "--status", "odd"), 1),
        (("exporter", "history", "--cursor", "odd"), 1),
        (("exporter", "history", "-n", "0"), 1),
        (("dataset", "export", "nothing", "--with", "out"), 2),
        (("dataset", "export", "big", "--with", "out", "--version", "7"), 2),
        (("dataset", "export", "broken", "--with", "out"), 2),
        (("datasource", "observe", "nothing"), 2),
        (("datasource", "observations", "nothing"), 2),
        (("exporter", "run", "out", "--no-wait"), 2),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else str(given),
)
def test_wrong_usage_starts_nothing(waybill, arguments, code):
    before = len(waybill.instance.get_runs())
    waybill(*arguments, code=code)
    assert len(waybill.instance.get_runs()) == before


def test_a_look_now_says_whether_a_source_changed(waybill):
    assert "first look" in waybill("datasource", "observe", "orders")
    waybill("datasource", "observe", "orders", "--json")
    (waybill.home / "lake" / "orders" / "2.csv").write_text("id,amount,note\n3,1,z\n")
    waybill("datasource", "observe", "orders", "--json")
    found = answer(waybill("datasource", "observations", "orders", "--json"))
    assert [o["has_changed"] for o in found["items"]] == [True, False, None]
    assert found["items"][0]["facts"]["objects"] == "2"
    assert found["items"][0]["asked_by"]
    page = answer(waybill("datasource", "observations", "orders", "-n", "2", "--json"))
    assert [o["has_changed"] for o in page["items"]] == [True, False]
    rest = answer(
        waybill("datasource", "observations", "orders", "--cursor", page["next"], "--json")
    )
    assert [o["has_changed"] for o in rest["items"]] == [None]


def test_a_look_that_failed_is_told(waybill):
    for file in (waybill.home / "lake" / "orders").iterdir():
        file.unlink()
    (waybill.home / "lake" / "orders").rmdir()
    (waybill.home / "lake").rmdir()
    waybill("datasource", "observe", "orders", "--json", code=1)
    failure = answer(waybill("datasource", "observations", "orders", "--json"))["failure"]
    assert "lake" in failure["error"]


def test_the_columns_of_a_table(waybill):
    with sqlite3.connect(waybill.home / "shop.sqlite") as shop:
        shop.execute("CREATE TABLE notes (id INTEGER, note TEXT)")
    shop.close()
    found = answer(waybill("connector", "describe", "shop", "notes", "--json"))
    assert found["columns"] == [["id", "int64"], ["note", "string"]]
    waybill("connector", "describe", "shop", "note", code=2)
    waybill("connector", "describe", "lake", "orders", code=1)
    page = answer(
        waybill("connector", "browse", "lake", "orders", "--after", "orders/1.csv", "--json")
    )
    assert page["entries"] == []
