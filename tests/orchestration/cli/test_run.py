"""What a person runs by name is recorded where the web UI looks, under its job."""

from __future__ import annotations

import getpass
import json

import dagster as dg
import pytest
import yaml
from dagster._core.events import DagsterEvent
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, USAGE
from orchestration.cli.main import app
from orchestration.location import Location
from orchestration.services.home import open_home
from orchestration.services.locks import hold
from orchestration.services.runs.origin import code_origin, remote_origin
from resources.project import find_project
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: orders, connector: lake, path: "*.csv"}
---
type: assets.Dataset
attributes:
  name: orders
  datasource: orders
  checks: [{expect_column_values_to_not_be_null: {column: id}}]
---
type: orchestration.Pipeline
attributes: {name: nightly, assets: [datasets/orders]}
"""


@pytest.fixture
def waybill(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "1.csv").write_text("id\n1\n2\n")
    with project(YAML) as definitions, dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def command(*arguments, code=0):
            context = CommandContext(Location(definitions), instance)
            result = CliRunner().invoke(app, arguments, obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result.output

        command.instance, command.home, command.definitions = instance, tmp_path, definitions
        yield command


def test_a_pipeline_runs_here_and_stands_under_its_job(waybill):
    answer = json.loads(waybill("run", "nightly", "--json"))
    assert answer["ok"]
    (run,) = waybill.instance.get_runs()
    assert (run.job_name, run.status) == ("nightly", dg.DagsterRunStatus.SUCCESS)
    assert run.tags_for_storage()[".dagster/repository"] == "__repository__@waybill"
    assert run.remote_job_origin.location_name == find_project().location


@pytest.mark.parametrize("command", [("refresh", "orders"), ("dataset", "refresh", "orders")])
def test_a_dataset_is_made_anew_and_checked(waybill, command):
    shown = waybill(*command)
    assert "datasets/orders" in shown
    (run,) = waybill.instance.get_runs()
    assert run.asset_selection == {dg.AssetKey(["datasets", "orders"])}
    kinds = [log.dagster_event_type for log in waybill.instance.all_logs(run.run_id)]
    assert dg.DagsterEventType.ASSET_CHECK_EVALUATION in kinds


@pytest.mark.parametrize(
    ("command", "job"),
    [(("run", "nightly"), "nightly"), (("refresh", "orders"), "__ASSET_JOB")],
)
def test_work_is_left_to_the_server_and_the_command_ends_with_its_id(waybill, command, job):
    waybill(*command, "--no-wait", code=USAGE)
    assert waybill.instance.get_runs() == []
    with hold(open_home().locks / "up.lock"):
        answer = json.loads(waybill(*command, "--no-wait", "--json"))
    (run,) = waybill.instance.get_runs()
    assert (run.run_id, run.job_name, run.status.value) == (answer["run_id"], job, "QUEUED")
    assert run.tags["waybill/actor"] == getpass.getuser()


def test_unknown_names_are_usage_errors(waybill):
    waybill("run", "nightli", code=2)
    waybill("refresh", "nothing", code=2)
    assert waybill.instance.get_runs() == []


def test_a_failed_run_ends_with_1(waybill):
    (waybill.home / "lake" / "1.csv").unlink()
    assert not json.loads(waybill("run", "nightly", "--json", code=1).split("\nerror: ")[0])["ok"]


def test_the_names_are_those_of_the_workspace():
    own = find_project()
    (entry,) = yaml.safe_load((own.root / "workspace.yaml").read_text())["load_from"]
    assert entry["python_module"] == {
        "module_name": own.target_module,
        "location_name": own.location,
    }


def test_a_run_in_the_queue_is_canceled_and_no_other(waybill):
    job = Location(waybill.definitions).job("nightly")
    origin = {
        "remote_job_origin": remote_origin("nightly"),
        "job_code_origin": code_origin("nightly"),
    }
    queued, other = (waybill.instance.create_run_for_job(job, **origin) for _ in range(2))
    for run in (queued, other):
        event = DagsterEvent.job_enqueue(run)
        waybill.instance.report_dagster_event(event, run_id=run.run_id)
    assert json.loads(waybill("cancel", queued.run_id, "--json"))["run_id"] == queued.run_id
    states = {run.run_id: run.status for run in waybill.instance.get_runs()}
    assert states[queued.run_id] == dg.DagsterRunStatus.CANCELED
    assert states[other.run_id] == dg.DagsterRunStatus.QUEUED
    assert "ended already: stopped" in waybill("cancel", queued.run_id, code=FAILED)
    assert "there is no run 'x'" in waybill("cancel", "x", code=USAGE)
