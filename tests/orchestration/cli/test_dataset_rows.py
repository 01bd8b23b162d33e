"""`waybill dataset rows`, `facets` and `cell`: the same rows as the service, printed for people and for programs."""

import json

import dagster as dg
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from tests.orchestration.services.rows.shelf import Shelf

LONG = "x" * 5_000


@pytest.fixture
def waybill(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    shelf = Shelf(tmp_path)
    notes = ["plain", None, "", "\x1b[31mred", LONG]
    shelf.put("orders", pa.table({"id": range(1, 6), "a,b": [5, 4, 3, 2, 1], "note": notes}))
    shelf.put("orders", pa.table({"id": [9], "a,b": [9], "note": ["new"]}))
    with dg.DagsterInstance.ephemeral() as instance:
        context = CommandContext(shelf.location, instance)

        def run(*arguments, code=0):
            result = CliRunner().invoke(app, arguments, obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result

        yield run


def rows(waybill, *options):
    found = json.loads(
        waybill("dataset", "rows", "orders", "--version", "1", "--json", *options).stdout
    )
    return [row[0] for row in found["rows"]]


def test_rows_are_filtered_sorted_and_paged(waybill):
    assert rows(waybill) == [1, 2, 3, 4, 5]
    assert rows(waybill, "--where", "id > 1", "-w", "note is not null") == [3, 4, 5]
    assert rows(waybill, "--search", "RED") == [4]
    assert rows(waybill, "--sort", "a,b") == [5, 4, 3, 2, 1]
    assert rows(waybill, "--sort", "id", "--descending", "--offset", "1", "-n", "2") == [4, 3]
    assert rows(waybill, "--columns", "a,b", "--columns", "id") == [5, 4, 3, 2, 1]
    assert rows(waybill, "--columns", "id,note") == [1, 2, 3, 4, 5]


def test_the_newest_version_by_default_and_a_line_that_says_what_is_shown(waybill):
    assert "rows 1 to 1 of 1, version 2" in waybill("dataset", "rows", "orders").stdout
    shown = waybill("dataset", "rows", "orders", "--version", "1", "-w", "id < 5").stdout
    assert "rows 1 to 4 of 4 that match, 5 in all, version 1" in shown
    assert "\x1b" not in shown
    assert "null" in shown


def test_long_values_are_cut_unless_asked_for(waybill):
    cut = json.loads(
        waybill("dataset", "rows", "orders", "--version", "1", "-w", "id = 5", "--json").stdout
    )
    assert cut["cut"] == [{"row": 0, "column": 2, "length": 5000, "unit": "characters"}]
    assert cut["rows"][0][2] == "x" * 300 + "…"
    whole = waybill(
        "dataset", "rows", "orders", "--version", "1", "-w", "id = 5", "--json", "--whole"
    )
    assert json.loads(whole.stdout)["rows"][0][2] == LONG
    cell = waybill("dataset", "cell", "orders", "5", "note", "--version", "1")
    assert cell.stdout == LONG
    assert waybill("dataset", "cell", "orders", "2", "note", "--version", "1").stdout == ""


def test_what_is_in_a_column(waybill):
    found = json.loads(
        waybill(
            "dataset", "facets", "orders", "id", "--version", "1", "-w", "id > 2", "--json"
        ).stdout
    )
    assert (found["rows"], found["nulls"], found["minimum"], found["maximum"]) == (3, 0, 3, 5)
    shown = waybill("dataset", "facets", "orders", "note", "--version", "1").stdout
    assert "distinct  4" in shown


def test_a_mistake_is_one_line(waybill):
    wrong = waybill("dataset", "rows", "orders", "-w", "idd = 1", code=1)
    assert wrong.stderr == (
        "error: there is no column 'idd'. Did you mean 'id'? Columns: id, a,b, note\n"
    )
    assert "Known: orders" in waybill("dataset", "rows", "order", code=2).stderr
    assert (
        "versions 1 to 2" in waybill("dataset", "rows", "orders", "--version", "7", code=2).stderr
    )
