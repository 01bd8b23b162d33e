"""`waybill runs` and `waybill pipeline`: what the pages show, at a terminal."""

import json

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from orchestration.services.home import open_home
from orchestration.services.locks import hold
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: orders, connector: lake, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders}
---
type: assets.SqlTransform
attributes: {name: totals, sql: "select count(*) as n from orders"}
---
type: orchestration.Pipeline
attributes:
  name: nightly
  assets: [datasets/totals]
  schedule: {cron: "0 3 * * *", timezone: Asia/Tokyo, end: "2099-12-31"}
---
type: orchestration.Pipeline
attributes: {name: by_hand, assets: [datasets/orders]}
"""
OWN = """
import dagster as dg

@dg.op
def greet(): ...

@dg.job
def greeting():
    greet()
"""


@pytest.fixture(scope="module")
def definitions():
    with project(YAML, python=OWN) as found:
        yield found


@pytest.fixture
def waybill(definitions, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "1.csv").write_text("id\n1\n2\n")
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def command(*arguments, code=0):
            context = CommandContext(Location(definitions), instance)
            result = CliRunner().invoke(app, arguments, obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result.output

        command.instance = instance
        yield command


def test_a_run_is_listed_shown_and_told_from_any_event_on(waybill):
    run_id = json.loads(waybill("pipeline", "run", "nightly", "--json"))["run_id"]
    (run,) = json.loads(waybill("runs", "list", "--pipeline", "nightly", "--json"))["items"]
    assert (run["run_id"], run["state"], run["title"]) == (run_id, "done", "pipeline nightly")
    assert "[]" in waybill("runs", "list", "--state", "failed", "--json")
    shown = json.loads(waybill("runs", "show", run_id, "--json"))
    assert [step["name"] for step in shown["steps"]][-2:] == ["datasets/orders", "datasets/totals"]
    assert "3 of 3 steps done" in waybill("runs", "show", run_id)
    told = [json.loads(line) for line in waybill("runs", "watch", run_id, "--json").splitlines()]
    assert {"started", "made", "done"} <= {event["kind"] for event in told}
    rest = waybill("runs", "watch", run_id, "--json", "--after", str(told[2]["number"]))
    assert [json.loads(line) for line in rest.splitlines()] == told[3:]


def test_a_stopped_run_is_tried_again_by_the_server_alone(waybill):
    with hold(open_home().locks / "up.lock"):
        run_id = json.loads(waybill("run", "nightly", "--no-wait", "--json"))["run_id"]
        assert "has not ended yet" in waybill("runs", "retry", run_id, code=1)
        waybill("runs", "cancel", run_id)
        again = json.loads(waybill("runs", "retry", run_id, "--json"))["run_id"]
    assert waybill.instance.get_run_by_id(again).parent_run_id == run_id
    assert "no server runs" in waybill("runs", "retry", run_id, code=2)
    waybill("runs", "watch", run_id, code=1)


def test_unknown_runs_states_and_cursors_end_the_command(waybill):
    waybill("runs", "show", "x", code=2)
    waybill("runs", "watch", "../x", code=2)
    waybill("runs", "list", "--state", "asleep", code=2)
    waybill("runs", "list", "--cursor", "x", code=1)


def test_pipelines_say_what_starts_them_and_their_steps_in_order(waybill):
    found = {one["name"]: one for one in json.loads(waybill("pipeline", "list", "--json"))}
    assert list(found) == ["by_hand", "greeting", "nightly"]
    nightly = found["nightly"]
    assert nightly["triggers"][0]["words"] == "every day at 03:00 (Asia/Tokyo), until 2099-12-31"
    assert (nightly["state"], found["by_hand"]["state"]) == ("on", "by hand")
    assert nightly["next_at"].endswith("03:00:00+09:00")
    shown = json.loads(waybill("pipeline", "show", "nightly", "--json"))
    assert [step["name"] for step in shown["steps"]] == ["orders", "orders", "totals"]
    assert shown["steps"][-1]["after"] == ["datasets/orders"]
    assert "Asia/Tokyo" in waybill("pipeline", "show", "nightly")
    waybill("pipeline", "show", "nightli", code=2)


def test_a_paused_pipeline_is_stopped_for_dagster_and_says_so_until_it_is_resumed(waybill):
    def states():
        return [state.status for state in waybill.instance.all_instigator_state()]

    assert "paused" in waybill("pipeline", "pause", "nightly")
    waybill("pipeline", "pause", "nightly")
    assert states() == [InstigatorStatus.STOPPED]
    (one,) = json.loads(waybill("pipeline", "list", "--search", "NIGHT", "--json"))
    assert (one["state"], one["next_at"]) == ("paused", None)
    assert "on" in waybill("pipeline", "resume", "nightly")
    assert states() == [InstigatorStatus.RUNNING]
    assert "by hand alone" in waybill("pipeline", "pause", "by_hand", code=1)
