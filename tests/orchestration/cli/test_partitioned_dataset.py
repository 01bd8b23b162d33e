"""A user's Python asset with partitions, before every face: commands, SQL, checks, exporters, pipelines, automation."""

from __future__ import annotations

import json
import sqlite3
import threading

import dagster as dg
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from orchestration.pipelines.unattended import unattended_problems
from orchestration.services.home import open_home
from orchestration.services.locks import hold
from tests.faults import wait_until
from tests.project import project

YAML = """
type: resources.SqlConnector
attributes: {name: mart, dialect: sqlite, path: mart.sqlite}
---
type: assets.SqlTransform
attributes: {name: totals, sql: "SELECT region, sum(n) AS n FROM sales GROUP BY region", refresh: on_change}
---
type: assets.Exporter
attributes: {name: to_mart, dataset: totals, connector: mart, table: totals, mode: overwrite, refresh: on_change}
---
type: orchestration.Pipeline
attributes:
  name: nightly
  assets: [datasets/totals]
  schedule: {cron: "0 3 * * *"}
"""
PYTHON = """
import os

import dagster as dg
import pyarrow as pa

REGIONS = dg.StaticPartitionsDefinition(["north", "south", "west"])
DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03")
BOTH = dg.MultiPartitionsDefinition({"day": DAYS, "region": REGIONS})


@dg.asset(key_prefix="datasets", partitions_def=REGIONS)
def sales(context) -> pa.Table:
    return pa.table({"region": [context.partition_key], "n": [int(os.environ.get("SOLD", "1"))]})


@dg.asset_check(asset=dg.AssetKey(["datasets", "sales"]), blocking=True)
def is_whole(sales: pa.Table) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=min(sales["n"].to_pylist()) > 0, metadata={"rows": sales.num_rows})


@dg.asset(key_prefix="datasets", partitions_def=BOTH)
def visits(context) -> pa.Table:
    return pa.table({"key": [str(context.partition_key)]})
"""
SALES, TOTALS = (dg.AssetKey(["datasets", name]) for name in ("sales", "totals"))


@pytest.fixture(scope="module")
def definitions():
    with project(YAML, python=PYTHON) as found:
        yield found


@pytest.fixture
def waybill(tmp_path, monkeypatch, definitions):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def command(*arguments, code=0):
            context = CommandContext(Location(definitions), instance)
            result = CliRunner().invoke(app, arguments, obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return " ".join(result.output.split())

        command.instance, command.home = instance, tmp_path
        yield command


def rows(waybill, name: str) -> dict[str, int]:
    return {r["region"]: r["n"] for r in json.loads(waybill("dataset", "sample", name, "--json"))}


def test_a_partition_is_made_and_the_whole_is_seen(waybill, monkeypatch):
    for region, sold in (("north", "1"), ("south", "2"), ("north", "3")):
        monkeypatch.setenv("SOLD", sold)
        waybill("refresh", "sales", "--partition", region)
    assert rows(waybill, "sales") == {"north": 3, "south": 2}
    shown = json.loads(waybill("dataset", "show", "sales", "--json"))
    assert (shown["summary"]["rows"], shown["summary"]["version"]) == (2, 3)
    assert shown["properties"]["partitions"] == ["north", "south"]
    assert [v["rows"] for v in json.loads(waybill("dataset", "versions", "sales", "--json"))] == [
        2,
        2,
        1,
    ]
    checked = waybill.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(SALES, "is_whole"), limit=1
    )
    assert checked[0].event.asset_check_evaluation.metadata["rows"].value == 2, (
        "it sees the whole table"
    )


def test_files_of_several_runs_are_downloaded_as_they_lie(waybill, tmp_path):
    for region in ("north", "south"):
        waybill("refresh", "sales", "--partition", region)
    parts = sorted((tmp_path / "store/datasets/sales/data").rglob("*.parquet"))
    assert len(parts) == 2
    waybill("dataset", "download", "sales", "--format", "parquet", "-o", str(tmp_path / "all"))
    assert pq.read_table(tmp_path / "all")["region"].to_pylist() == ["north", "south"]
    whole = (tmp_path / "all").read_bytes()
    for part in parts:
        groups = pq.ParquetFile(part).metadata
        end = max(
            groups.row_group(0).column(n).data_page_offset
            + groups.row_group(0).column(n).total_compressed_size
            for n in range(groups.num_columns)
        )
        assert part.read_bytes()[4 : end // 2] in whole


def test_a_check_that_fails_fails_the_run(waybill, monkeypatch):
    monkeypatch.setenv("SOLD", "0")
    assert "is_whole" in waybill("refresh", "sales", "--partition", "north", code=1)


def test_several_dimensions_are_one_key(waybill):
    waybill("refresh", "visits", "--partition", "2024-01-02|west")
    (row,) = json.loads(waybill("dataset", "sample", "visits", "--json"))
    assert row == {"key": "2024-01-02|west"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(
            ("refresh", "sales"),
            1,
            "dataset sales has partitions, and a run makes one of them. Choose one: `--partition KEY`, or in the UI"
            " where the run is launched. There are 3, the last ones: north, south, west",
            id="none chosen",
        ),
        pytest.param(("refresh", "sales", "--partition", "east"), 2, "Did you mean 'west'?", id="unknown"),
        pytest.param(
            ("refresh", "visits", "--partition", "west"), 2, "unknown partition of dataset visits", id="half a key"
        ),
        pytest.param(
            ("refresh", "totals", "--partition", "west"), 1, "dataset totals has no partitions", id="has none"
        ),
        pytest.param(("run", "nightly"), 1, "pipeline nightly has partitions", id="pipeline"),
    ],
)  # fmt: skip
def test_what_no_run_can_be_started_for(waybill, arguments, code, message):
    assert message in waybill(*arguments, code=code)
    assert waybill.instance.get_runs() == []


def test_a_pipeline_makes_a_partition_and_what_is_made_of_all(waybill):
    waybill("run", "nightly", "--partition", "south")
    waybill("run", "nightly", "--partition", "west")
    assert rows(waybill, "totals") == {"south": 1, "west": 1}


def test_what_reads_the_whole_is_made_after_each_partition(waybill, monkeypatch, definitions):
    """`refresh: on_change`, from the first partition on, down to the rows of the target table."""
    cursor = None
    job = definitions.resolve_implicit_global_asset_job_def()

    def tick() -> None:
        nonlocal cursor
        found = dg.evaluate_automation_conditions(
            defs=definitions, instance=waybill.instance, cursor=cursor
        )
        cursor = found.cursor
        keys = [
            key
            for key in (TOTALS, dg.AssetKey(["exports", "to_mart"]))
            if found.get_num_requested(key)
        ]
        if keys:
            assert job.execute_in_process(instance=waybill.instance, asset_selection=keys).success

    def delivered() -> dict[str, int]:
        with sqlite3.connect(waybill.home / "mart.sqlite") as line:
            answer = dict(line.execute("SELECT region, n FROM totals"))
        line.close()
        return answer

    tick()
    for region, sold, expected in (
        ("north", "1", {"north": 1}),
        ("south", "2", {"north": 1, "south": 2}),
        ("north", "3", {"north": 3, "south": 2}),
    ):
        monkeypatch.setenv("SOLD", sold)
        waybill("refresh", "sales", "--partition", region)
        tick()
        assert delivered() == expected
        tick()  # sees that they were made, and asks for nothing


def test_a_run_of_the_server_is_of_the_partition_too(waybill):
    home, queued = open_home(), dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    with hold(home.locks / "up.lock"):
        thread = threading.Thread(
            target=waybill, args=("refresh", "sales", "--partition", "north"), kwargs={"code": 1}
        )
        thread.start()
        wait_until(lambda: bool(waybill.instance.get_runs(queued)))
        (run,) = waybill.instance.get_runs()
        waybill.instance.report_run_failed(run)
        thread.join()
    assert run.tags["dagster/partition"] == "north"
    assert run.asset_selection == {SALES}


def test_a_schedule_that_knows_no_partition_is_told(definitions):
    (problem,) = unattended_problems(Location(definitions))
    assert (
        "pipeline 'nightly' starts by itself and makes datasets/sales, which has partitions"
        in problem.text
    )
    assert problem.is_warning
    assert problem.file.endswith("defs.yaml")
