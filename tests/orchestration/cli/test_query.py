"""`waybill query`: results, files and the history, from a terminal."""

import json

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from tests.orchestration.services.rows.shelf import Shelf


@pytest.fixture
def waybill(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    monkeypatch.delenv("WAYBILL_CATALOG_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("LOGNAME", "ada")
    shelf = Shelf(tmp_path)
    shelf.put("orders", pa.table({"id": range(500), "note": ["=1+1", "b"] * 250}))
    with dg.DagsterInstance.ephemeral() as instance:
        context = CommandContext(shelf.location, instance)

        def run(*arguments, code=0, text=None):
            result = CliRunner().invoke(app, ("query", *arguments), obj=context, input=text)
            assert result.exit_code == code, (result.output, result.exception)
            return result

        yield run


def test_a_query_is_printed_and_written_down(waybill):
    found = json.loads(
        waybill("run", "select note, count(*) n from orders group by 1 order by 1", "--json").stdout
    )
    assert found["rows"] == [["=1+1", 250], ["b", 250]]
    shown = waybill("run", "-", text="select id from orders order by id\n")
    assert "100 rows in" in shown.stdout
    assert "there are more: raise --limit" in shown.stdout
    wrong = waybill("run", "select idd\nfrom orders", code=1)
    assert wrong.stderr.startswith(
        "error: query, line 1: there is no column 'idd' in orders. Did you mean 'id'?"
    )
    history = json.loads(waybill("history", "--json").stdout)
    assert [(q["state"], q["rows"], q["actor"]) for q in history] == [
        ("failed", None, "ada"),
        ("done", 100, "ada"),
        ("done", 2, "ada"),
    ]
    assert history[0]["statement"] == "select idd\nfrom orders"
    assert "select idd" in waybill("history", "-n", "1").stdout


def test_a_result_is_a_file_whole_or_not_at_all(waybill, tmp_path):
    waybill("download", "select * from orders order by id", "all.parquet")
    assert pq.read_table(tmp_path / "all.parquet")["id"].to_pylist() == list(range(500))
    waybill("download", "select * from orders order by id limit 1", "one.csv")
    assert (tmp_path / "one.csv").read_text() == 'id,note\n0,"\'=1+1"\n'
    waybill("download", "select * from orders order by id limit 1", "raw.csv", "--raw")
    assert (tmp_path / "raw.csv").read_text() == 'id,note\n0,"=1+1"\n'
    waybill("download", "select id, note::int as n from orders", "late.csv", code=1)
    waybill("download", "select id, note::int as n from orders", "late.parquet", code=1)
    wrong = waybill("download", "select id from orders", "x.xlsx", code=1)
    assert "there is no format 'xlsx' for a result. Known: csv, parquet" in wrong.stderr
    assert {p.name for p in tmp_path.iterdir()} == {
        "home",
        "store",
        "all.parquet",
        "one.csv",
        "raw.csv",
    }


def test_a_query_as_a_transform(waybill):
    found = waybill("transform", "select id\nfrom orders", "--name", "ids").stdout
    assert found == (
        "type: assets.SqlTransform\nattributes:\n  name: ids\n  sql: |\n    select id\n    from orders\n"
    )
    assert "'ids_1'" not in waybill("transform", "select 1", "--name", "Ids!", code=2).stderr
