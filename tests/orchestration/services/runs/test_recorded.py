"""Runs read without what lists do not show are as Dagster reads them: in each state, by each filter, of each release."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration.services.runs import recorded
from orchestration.services.runs.recorded import read_runs, recorded_of
from orchestration.services.runs.start import ACTOR_TAG, Asked, start_run

STATUS = dg.DagsterRunStatus
ANY = dg.RunsFilter()


def same(instance, wanted=ANY, **options):
    """What is read, after it was compared with Dagster's own reading."""
    found = read_runs(instance, wanted, **options)
    theirs = [recorded_of(run) for run in instance.get_run_records(wanted, **options)]
    assert found == theirs
    assert [run.config for run in found] == [run.config for run in theirs]
    return found


@pytest.fixture
def start(home, instance, shop):
    def started(*names, actor="ada", job="", config=None, **tags):
        keys = [dg.AssetKey(["datasets", name]) for name in names]
        asked = shop.location.job(job) if job else shop.location.asset_job()
        return start_run(home, instance, asked, Asked(actor), assets=keys, tags=tags, config=config)

    return started


def test_a_run_in_each_state(instance, shop, start):
    run_id = start("orders", "totals")
    assert [run.status for run in same(instance)] == [STATUS.QUEUED]
    seen = []
    shop.made = type("Seen", (list,), {"append": lambda _, name: seen.extend(same(instance))})()
    shop.execute(instance, run_id)
    assert [run.status for run in seen] == [STATUS.STARTED, STATUS.STARTED]
    (done,) = same(instance)
    assert (done.status, done.targets) == (STATUS.SUCCESS, ("datasets/orders", "datasets/totals"))
    assert done.created_at <= done.started_at <= done.ended_at
    shop.broken = "orders"
    shop.execute(instance, start(job="nightly"))
    assert (same(instance)[0].status, same(instance)[0].targets) == (STATUS.FAILURE, ())
    stopped = instance.get_run_by_id(start("orders"))
    instance.report_run_canceling(stopped)
    assert same(instance)[0].status is STATUS.CANCELING
    instance.report_run_canceled(stopped)
    assert same(instance)[0].status is STATUS.CANCELED
    instance.delete_run(run_id)
    assert [run.status for run in same(instance)] == [STATUS.CANCELED, STATUS.FAILURE]


def test_what_a_run_was_told(instance, start):
    config = {"loggers": {"console": {"config": {"log_level": "ERROR", "name": 'a "b" é \u2028'}}}}
    odd = {"n": "'; drop table runs", "<b>": "\U0001f600 \\ \n", "dagster/backfill": "b1"}
    first = start("orders", config=config, **odd)
    repeats = {"dagster/parent_run_id": first, "dagster/root_run_id": first}
    start("top", **repeats, **{"dagster/partition": "mon"})
    instance.add_run_tags(first, {"added": "later", "n": "changed"})
    again, found = same(instance)
    assert found.config == config
    told = {**odd, ACTOR_TAG: "ada", "added": "later", "n": "changed"}
    assert {**found.tags, **told} == found.tags
    assert again.tags["dagster/parent_run_id"] == first
    assert found.location == "waybill"


def test_runs_of_dagster_alone(instance):
    """No code location, no tags, every asset; and one that is made and not queued yet."""
    dg.materialize([dg.asset(name="x")(lambda: None)], instance=instance, tags={})
    instance.create_run_for_job(
        dg.Definitions(
            assets=[dg.asset(name="y")(lambda: None)]
        ).resolve_implicit_global_asset_job_def()
    )
    waiting, done = same(instance)
    assert (waiting.status, waiting.started_at, waiting.config) == (STATUS.NOT_STARTED, None, {})
    assert (done.location, done.status) == ("", STATUS.SUCCESS)


def test_each_filter(instance, shop, start):
    runs = [start("orders"), start("top", actor="bob", n="1"), start(job="nightly", n="2")]
    instance.report_run_canceled(instance.get_run_by_id(runs[0]))
    soon, ago = (datetime.now(UTC) + timedelta(days=days) for days in (1, -1))
    for wanted, found in [
        (ANY, [2, 1, 0]),
        (dg.RunsFilter(run_ids=[runs[0], runs[2], "none"]), [2, 0]),
        (dg.RunsFilter(job_name="nightly"), [2]),
        (dg.RunsFilter(statuses=[STATUS.CANCELED, STATUS.FAILURE]), [0]),
        (dg.RunsFilter(tags={"n": ["1", "2"], ACTOR_TAG: "ada"}), [2]),
        (dg.RunsFilter(created_after=soon), []),
        (dg.RunsFilter(created_after=ago, created_before=soon), [2, 1, 0]),
    ]:  # fmt: skip
        assert [run.run_id for run in same(instance, wanted)] == [runs[n] for n in found]
    assert [run.run_id for run in same(instance, limit=1, cursor=runs[2])] == [runs[1]]


def test_rows_of_other_releases_are_left_to_dagster(home, instance, start, monkeypatch):
    first, second = start("orders"), start("top")
    file = home.dagster / "history/runs.db"
    with sqlite3.connect(file) as runs:
        (text,) = runs.execute("select run_body from runs where run_id = ?", [first]).fetchone()
        body = json.loads(text)
        body["environment_dict"] = body.pop("run_config")
        del body["tags"]
        runs.execute("update runs set run_body = ? where run_id = ?", [json.dumps(body), first])
    assert [run.run_id for run in same(instance)] == [second, first]
    monkeypatch.setattr(recorded, "_COLUMNS", ("id", "run_body", "status", "mode"))
    with sqlite3.connect(file) as runs:
        runs.execute("alter table runs drop column mode")
    assert [run.run_id for run in same(instance)] == [second, first]


def test_another_kind_of_storage_is_asked_itself(instance, start):
    first, second = start("orders"), start("top")

    class Elsewhere:
        run_storage = None
        get_run_records = instance.get_run_records

    assert [run.run_id for run in read_runs(Elsewhere(), ANY)] == [second, first]
    assert read_runs(Elsewhere(), ANY, limit=1, cursor=second)[0].run_id == first
