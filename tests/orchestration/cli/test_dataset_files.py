"""`waybill dataset` beyond the list: checks and runs of one, downloads, titles, removal. Effects, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from orchestration.services.home import open_home
from resources.stores.tables import StoredTable
from tests.faults import count_steps, kill_at
from tests.project import materialize, project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: orders_files, connector: lake, path: "orders/*.csv"}
---
type: assets.Dataset
attributes:
  name: orders
  datasource: orders_files
  refresh: manual
  column_descriptions: {note: What the customer wrote}
  checks:
    - expect_column_values_to_be_in_set: {column: note, value_set: [plain], severity: warn}
    - expect_table_row_count_to_be_between: {min_value: 1}
---
type: assets.SqlTransform
attributes: {name: totals, sql: "select sum(amount) as total from orders", refresh: "0 3 * * *"}
---
type: orchestration.Pipeline
attributes: {name: nightly, assets: [datasets/totals]}
"""
ORDERS = "id,amount,note\n007,-1.5,plain\n008,2.5,=HYPERLINK(1)\n"


class Waybill:
    """Runs commands on a small project, in a home and a folder of their own."""

    def __init__(self, definitions, instance, folder):
        self.location, self.instance, self.folder = Location(definitions), instance, folder
        self.store = self.location.store()
        self._definitions = definitions

    def __call__(self, *arguments, code=0):
        context = CommandContext(self.location, self.instance)
        result = CliRunner().invoke(app, ("dataset", *arguments), obj=context)
        assert result.exit_code == code, (result.output, result.stderr, result.exception)
        return result

    def json(self, *arguments, code=0):
        return json.loads(self(*arguments, "--json", code=code).stdout)

    def make(self, *names, **given):
        keys = [f"datasets/{name}" for name in names]
        return materialize(self._definitions, *keys, instance=self.instance, **given)

    def line(self, name):
        return next(d for d in self.json("list") if d["name"] == name)


@pytest.fixture(scope="module")
def definitions():
    """One project; each test has a home of its own."""
    with project(YAML) as loaded:
        yield loaded


@pytest.fixture
def waybill(definitions, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "home"))
    for name in ("WAYBILL_STORE", "DAGSTER_HOME", "WAYBILL_CATALOG_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home/lake/orders").mkdir(parents=True)
    (tmp_path / "home/lake/orders/1.csv").write_text(ORDERS)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    open_home()
    with dg.DagsterInstance.ephemeral() as instance:
        yield Waybill(definitions, instance, tmp_path)


def test_what_is_declared_and_recorded_of_a_dataset(waybill):
    waybill.make("orders", "totals")
    shown = waybill.json("show", "orders")
    assert (shown["refresh"], shown["used_by"], shown["jobs"]) == (
        "manual",
        ["datasets/totals"],
        ["nightly"],
    )
    assert shown["path"] == "/assets/datasets/orders"
    assert [(c["name"], c["type"], c["description"]) for c in waybill.json("columns", "orders")] == [
        ("id", "string", ""), ("amount", "double", ""), ("note", "string", "What the customer wrote"),
    ]  # fmt: skip
    assert waybill.json("columns", "totals")[0]["made_from"] == "orders.amount"
    assert waybill.json("show", "totals")["refresh"] == "0 3 * * *"
    assert "What the customer wrote" in waybill("show", "orders").stdout
    assert waybill.json("summary")["origins"] == {
        "upload": 0, "datasource": 1, "pipeline output": 1, "pipeline intermediate": 0,
    }  # fmt: skip


def test_checks_show_their_newest_result_with_values_that_fail(waybill):
    assert {c["outcome"] for c in waybill.json("checks", "orders")} == {"never run"}
    waybill.make("orders")
    found = {one["name"]: one for one in waybill.json("checks", "orders")}
    assert len(found) == 3  # the one of the schema beside those that are declared
    in_set = found["expect_column_values_to_be_in_set_note"]
    count = found["expect_table_row_count_to_be_between"]
    assert (in_set["outcome"], in_set["severity"], in_set["failing"]) == ("failed", "warning", 1)
    assert in_set["examples"] == ["=HYPERLINK(1)"]
    assert in_set["description"].startswith("Expect column values to be in set")
    assert (count["outcome"], count["observed"], count["blocking"], count["version"]) == (
        "passed",
        "2",
        True,
        1,
    )
    assert "HYPERLINK" in waybill("checks", "orders").stdout


def test_runs_show_what_they_made_and_why_they_failed(waybill):
    assert waybill.json("runs", "orders") == []
    waybill.make("orders")
    (waybill.folder / "home/lake/orders/1.csv").write_text("id,amount\n1\n")
    waybill.make("orders", raise_on_error=False)
    failed, made = waybill.json("runs", "orders")
    assert (failed["state"], made["state"]) == ("failed", "ready")
    assert "1.csv, line 2" in failed["error"]
    assert failed["path"] == f"/runs/{failed['run_id']}"
    assert len(waybill.json("runs", "orders", "-n", "1")) == 1
    line = waybill.line("orders")
    assert (line["status"], line["version"], line["reason"]) == ("failed", 1, failed["error"])
    assert "1.csv, line 2" in waybill("list").stdout


def test_a_version_as_csv_zip_and_parquet(waybill):
    waybill.make("orders")
    said = waybill("download", "orders").stderr
    text = Path("orders-v1.csv").read_text()
    assert text == 'id,amount,note\n"007",-1.5,"plain"\n"008",2.5,"\'=HYPERLINK(1)"\n'
    assert "1 values were changed" in said
    waybill("download", "orders", "--format", "zip", "-o", "packed.zip")
    with zipfile.ZipFile("packed.zip") as archive:
        assert archive.read("orders-v1.csv").decode() == text
    waybill("download", "orders", "--format", "parquet", "--version", "1")
    stored = waybill.store.read(("datasets", "orders"))
    with waybill.store.item(("datasets", "orders")).local_files(stored.version) as (path,):
        assert Path("orders-v1.parquet").read_bytes() == path.read_bytes()
    raw = waybill("download", "orders", "--raw", "-o", "-")
    assert list(csv.reader(io.StringIO(raw.stdout)))[2][2] == "=HYPERLINK(1)"
    assert raw.stderr == ""
    assert sorted(p.name for p in Path().iterdir()) == [
        "orders-v1.csv",
        "orders-v1.parquet",
        "packed.zip",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("download", "order"), 2, "Did you mean 'orders'?"),
        (("download", "../orders"), 2, "unknown dataset"),
        (("download", "totals"), 2, "has no version"),
        (("download", "orders", "--version", "7"), 2, "no version 7"),
        (("download", "orders", "--format", "xlsx"), 1, "Known: csv, zip, parquet"),
        (("download", "orders", "-o", "nowhere/a.csv"), 1, "cannot be written"),
        (("download", "orders", "-o", "/dev/null"), 2, "it is no file"),
        (("rename", "orders"), 1, "nothing to change"),
        (("rename", "orders", "--title", "x" * 201), 1, "201 characters"),
        (("rename", "orders", "--title", "a\nb"), 1, "U+000A"),
        (("rename", "orders", "--title", "ab\u202ecd"), 1, "U+202E"),
        (("rename", "orders", "--description", "a\x1b[31m"), 1, "U+001B"),
        (("remove", "orders", "--yes"), 2, "used by datasets/totals"),
        (("remove", "totals"), 2, "--yes"),
        (("list", "--origin", "transform"), 1, "Known: upload, datasource"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why_and_changes_nothing(waybill, arguments, code, said):
    waybill.make("orders")
    result = waybill(*arguments, code=code)
    assert result.stderr.startswith("error: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(Path().iterdir()) == []
    assert waybill.store.item(("datasets", "orders")).numbers() == [1]


def test_a_download_that_fails_midway_leaves_no_file_and_is_no_success(waybill, monkeypatch):
    waybill.make("orders")
    Path("kept.csv").write_text("before")
    reading = StoredTable._read

    def cut(self, *given):
        rows = reading(self, *given)
        yield next(rows)
        yield next(rows)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(StoredTable, "_read", cut)
    result = waybill("download", "orders", "-o", "kept.csv", code=1)
    assert "Input/output error" in result.stderr
    assert [p.name for p in Path().iterdir()] == ["kept.csv"]
    assert Path("kept.csv").read_text() == "before"


def test_a_title_is_shown_and_taken_back_and_the_name_stays(waybill):
    waybill(
        "rename",
        "orders",
        "--title",
        " Orders <b>of</b> the shop 🙂 ",
        "--description",
        "One *line*\nand two",
    )
    line = waybill.line("orders")
    assert (line["name"], line["title"]) == ("orders", "Orders <b>of</b> the shop 🙂")
    assert waybill.json("show", "orders")["description"] == "One *line*\nand two"
    assert "Orders <b>of</b>" in waybill("list").stdout
    assert [d["name"] for d in waybill.json("list", "--search", "OF</B>")] == ["orders"]
    waybill("rename", "orders", "--title", "Ours")
    assert waybill.json("show", "orders")["description"] == "One *line*\nand two"
    waybill("rename", "orders", "--title", "", "--description", "")
    assert waybill.line("orders")["title"] == "orders"
    assert waybill.json("show", "orders")["description"].startswith("Imported from")


def test_removed_is_gone_here_and_untouched_at_the_source(waybill):
    waybill.make("orders", "totals")
    pinned = waybill.store.read(("datasets", "orders"), 1)
    answer = waybill.json("remove", "orders", "--yes", "--force")
    assert (answer["versions"], answer["users"]) == ([1], ["datasets/totals"])
    assert answer["freed_bytes"] > 0
    assert not any(
        path.is_file() for path in Path(waybill.store.url, "datasets/orders/data").rglob("*")
    )
    assert (waybill.folder / "home/lake/orders/1.csv").read_text() == ORDERS
    line = waybill.line("orders")
    assert (line["status"], line["version"]) == ("pending", None)
    assert "versions up to 1 were removed" in line["reason"]
    assert "has been removed" in waybill("sample", "orders", "--version", "1", code=2).stderr
    with pytest.raises(LookupError, match="has been removed"):
        pinned.to_table()
    assert waybill.line("totals")["status"] == "ready"
    observed = waybill.instance.fetch_observations(
        dg.AssetKey(["datasets", "orders"]), limit=1
    ).records[0]
    assert observed.asset_observation.metadata["removed versions"].value == "1"
    waybill.make("orders")
    assert (waybill.line("orders")["status"], waybill.line("orders")["version"]) == ("ready", 2)


def test_removing_twice_removes_nothing_more(waybill):
    waybill.make("orders", "totals")
    waybill("remove", "totals", "--yes")
    assert waybill.json("remove", "totals", "--yes")["versions"] == []


def test_nothing_starts_by_itself_because_of_a_removal(waybill):
    """A removal tells Dagster by an observation; no automation takes it for news."""
    waybill.make("orders", "totals")
    location, instance = waybill.location, waybill.instance
    before = dg.evaluate_automation_conditions(location.definitions, instance)
    waybill("remove", "orders", "--yes", "--force")
    after = dg.evaluate_automation_conditions(location.definitions, instance, cursor=before.cursor)
    assert after.total_requested == 0


def test_a_dataset_that_a_run_is_making_is_not_removed(waybill):
    job = waybill.location.asset_job()
    run = waybill.instance.create_run_for_job(
        job,
        asset_selection=frozenset([dg.AssetKey(["datasets", "totals"])]),
        status=dg.DagsterRunStatus.STARTED,
    )
    assert waybill.line("totals")["status"] == "running"
    assert run.run_id in waybill("remove", "totals", "--yes", code=2).stderr
    waybill("remove", "totals", "--yes", "--force")


@pytest.mark.kill
def test_a_removal_killed_at_every_step_is_finished_by_the_next(waybill):
    waybill.make("orders")
    key = ("datasets", "orders")
    home, kept = waybill.folder / "home", waybill.folder / "kept"
    shutil.copytree(home, kept)
    steps = [(Path, "unlink"), (os, "link"), (os, "scandir")]

    def body():
        waybill("remove", "orders", "--yes", "--force")

    for step, name in enumerate(count_steps(body, steps)):
        if waybill.store.item(key).latest() is None:  # its files as the import left them
            shutil.rmtree(home)
            shutil.copytree(kept, home)
        assert waybill.line("orders")["version"] == 1
        kill_at(body, steps, step)
        line = waybill.line("orders")
        assert line["status"] in ("ready", "pending"), f"killed {name}"
        if line["version"]:
            assert waybill.store.read(key).to_table().num_rows == 2
        waybill("remove", "orders", "--yes", "--force")
        assert waybill.line("orders")["status"] == "pending"
