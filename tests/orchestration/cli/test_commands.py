"""The commands about connectors and datasets, on a small project of their own."""

import json
from datetime import UTC, datetime

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.cli.output import to_cell, to_size, visible
from orchestration.location import Location
from tests.project import materialize, project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes:
  name: vault
  dialect: postgresql
  host: db.example.com
  database: dwh
  username: loader
  password: {env: TEST_VAULT_PASSWORD}
---
type: assets.Datasource
attributes: {name: orders_landing, connector: lake, path: "orders/*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders_landing, refresh: manual}
---
type: assets.SqlTransform
attributes: {name: totals, sql: "select sum(amount) as total from orders"}
"""
ORDERS = "id,amount,note\n007,1.5,plain\n008,2.5,\x1b[31mred [bold]x[/bold]\n"


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.delenv("TEST_VAULT_PASSWORD", raising=False)
    folder = tmp_path / "lake" / "orders"
    folder.mkdir(parents=True)
    (folder / "1.csv").write_text(ORDERS)
    return folder


@pytest.fixture
def waybill(lake):
    """Runs a command on the small project: `waybill("dataset", "list")`."""
    with project(YAML) as definitions, dg.DagsterInstance.ephemeral() as instance:
        context = CommandContext(Location(definitions), instance)

        def run(*arguments, code=0):
            result = CliRunner().invoke(app, arguments, obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result

        run.materialize = lambda *keys, **options: materialize(
            definitions, *keys, instance=instance, **options
        )
        yield run


def answer(result):
    return json.loads(result.stdout)


def test_connectors_are_listed_without_secrets(waybill, monkeypatch):
    monkeypatch.setenv("TEST_VAULT_PASSWORD", "canary-7391")
    result = waybill("connector", "list", "--json")
    found = {item["name"]: item for item in answer(result)}
    assert found["lake"] == {
        "name": "lake",
        "kind": "folder",
        "target": "lake",
        "environment": {},
        "used_by": ["datasource orders_landing"],
        "holds": "files",
    }
    assert (found["vault"]["kind"], found["vault"]["holds"]) == ("postgresql", "tables")
    assert found["vault"]["environment"] == {"TEST_VAULT_PASSWORD": True}
    assert "canary" not in result.stdout + waybill("connector", "list").stdout


def test_a_variable_that_is_not_set_is_named(waybill):
    assert "TEST_VAULT_PASSWORD (not set)" in waybill("connector", "list").stdout
    result = waybill("connector", "test", "vault", code=2)
    assert "TEST_VAULT_PASSWORD" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_connector_that_answers_is_ok(waybill):
    assert answer(waybill("connector", "test", "lake", "--json"))["ok"] is True
    assert "ok" in waybill("connector", "test", "lake").stdout


def test_a_connector_that_does_not_answer_fails(waybill, lake):
    (lake / "1.csv").unlink()
    lake.rmdir()
    lake.parent.rmdir()
    result = waybill("connector", "test", "lake", code=1)
    assert str(lake.parent) in result.stdout


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (("connector", "test", "lakes"), "lake, vault"),
        (("dataset", "show", "order"), "orders, totals"),
        (("dataset", "sample", "order"), "orders, totals"),
        (("dataset", "versions", "../x"), "orders, totals"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(waybill, arguments, known):
    result = waybill(*arguments, code=2)
    assert result.stderr.startswith("error: unknown ")
    assert f"Known: {known}" in result.stderr
    assert result.stdout == ""


def test_debug_shows_the_traceback(waybill, monkeypatch):
    monkeypatch.setenv("WAYBILL_DEBUG", "1")
    result = waybill("connector", "test", "lakes", code=1)
    assert type(result.exception).__name__ == "UnknownNameError"


def test_the_state_of_a_dataset_follows_its_last_run(waybill, lake):
    def states():
        return {
            item["name"]: item["status"] for item in answer(waybill("dataset", "list", "--json"))
        }

    assert states() == {"orders": "pending", "totals": "pending"}
    waybill.materialize("datasets/orders")
    assert states() == {"orders": "ready", "totals": "pending"}
    (lake / "1.csv").write_text("id,amount\n1\n")
    waybill.materialize("datasets/orders", raise_on_error=False)
    assert states()["orders"] == "failed"
    (lake / "1.csv").write_text(ORDERS)
    waybill.materialize("datasets/orders", "datasets/totals")
    assert states() == {"orders": "ready", "totals": "ready"}


def test_the_list_shows_origin_rows_and_version(waybill):
    waybill.materialize("datasets/orders", "datasets/totals")
    found = {item["name"]: item for item in answer(waybill("dataset", "list", "--json"))}
    orders = found["orders"]
    assert (orders["origin"], orders["rows"], orders["columns"], orders["version"]) == (
        "datasource",
        2,
        3,
        1,
    )
    assert datetime.fromisoformat(orders["updated_at"]).tzinfo is not None
    assert found["totals"]["origin"] == "pipeline output"
    assert "orders" in waybill("dataset", "list").stdout


def test_a_dataset_is_shown_with_its_place_in_lineage(waybill):
    assert "pending" in waybill("dataset", "show", "orders").stdout
    waybill.materialize("datasets/orders")
    found = answer(waybill("dataset", "show", "orders", "--json"))
    assert found["made_from"] == ["datasources/orders_landing"]
    assert found["used_by"] == ["datasets/totals"]
    assert [(c["name"], c["type"]) for c in found["columns"]] == [
        ("id", "string"),
        ("amount", "double"),
        ("note", "string"),
    ]
    assert "amount" in waybill("dataset", "show", "orders").stdout


def test_a_sample_shows_values_as_they_are(waybill):
    waybill.materialize("datasets/orders")
    rows = answer(waybill("dataset", "sample", "orders", "--json"))
    assert rows[0] == {"id": "007", "amount": 1.5, "note": "plain"}
    assert rows[1]["note"].startswith("\x1b[31m")
    shown = waybill("dataset", "sample", "orders", "-n", "2").stdout
    assert "007" in shown
    assert "\x1b" not in shown
    assert "[bold]x[/bold]" in shown


def test_an_older_version_can_be_sampled(waybill, lake):
    waybill.materialize("datasets/orders")
    (lake / "1.csv").write_text("id,amount,note\n9,9.5,new\n")
    waybill.materialize("datasets/orders")
    old = answer(waybill("dataset", "sample", "orders", "--version", "1", "--json"))
    assert [row["id"] for row in old] == ["007", "008"]
    versions = answer(waybill("dataset", "versions", "orders", "--json"))
    assert [version["version"] for version in versions] == [2, 1]
    assert "version 3" in waybill("dataset", "sample", "orders", "--version", "3", code=2).stderr


@pytest.mark.parametrize("rows", ["0", "-1", "10001"])
def test_a_sample_has_a_size(waybill, rows):
    waybill.materialize("datasets/orders")
    result = waybill("dataset", "sample", "orders", "-n", rows, code=1)
    assert "1 to 10000 rows" in result.stderr


def test_a_dataset_without_a_version_says_so(waybill):
    assert "no version" in waybill("dataset", "sample", "orders", code=2).stderr
    assert "no version" in waybill("dataset", "versions", "orders", code=2).stderr


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (1234567, "1,234,567"),
        (True, "yes"),
        ("a\x1b[2Jb\nc\u202ed", "a [2Jb c d"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02 03:04:05"),
        (("a", 2), "a, 2"),
        ("x" * 50, "x" * 39 + "…"),
    ],
)
def test_a_cell_is_one_short_harmless_line(value, shown):
    assert to_cell(value) == shown


def test_nothing_invisible_reaches_the_terminal():
    assert all(visible(chr(code)).isprintable() for code in range(0x3000))


@pytest.mark.parametrize(
    ("size", "shown"),
    [(None, "-"), (0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (10**15, "1000.0 TB")],
)
def test_sizes_are_for_people(size, shown):
    assert to_size(size) == shown
