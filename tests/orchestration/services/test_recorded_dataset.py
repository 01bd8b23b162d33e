"""One dataset read from Dagster's files is as Dagster tells it, right after each event."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import dagster as dg
import pytest

from orchestration.services.dataset_checks import list_checks
from orchestration.services.dataset_detail import list_runs
from orchestration.services.dataset_list import DatasetEntry, DeclaredCheck
from orchestration.services.datasets import instance_states
from orchestration.services.observations import last_observations
from orchestration.services.record_files import RecordFiles
from orchestration.services.recorded_dataset import RecordedDataset
from resources.kernel.errors import InputError

ENTRY = DatasetEntry(
    "orders",
    "datasource",
    ("datasets", "orders"),
    checks=(DeclaredCheck("ids", "no id twice", blocking=True), DeclaredCheck("never_run")),
)
KEY = dg.AssetKey(ENTRY.key)
WORSE = {"observed_value": 7, "partial_unexpected_list": [1, "x"], "unexpected_count": 2}


@pytest.fixture
def instance(tmp_path):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def recorded(instance, tmp_path):
    return RecordedDataset(RecordFiles(tmp_path))


def run(instance, *, error=None, passed=True, facts=None, partitions=None, **options):
    @dg.asset(key=KEY, check_specs=[dg.AssetCheckSpec("ids", asset=KEY)], partitions_def=partitions)
    def orders():
        if error:
            raise error
        severity = dg.AssetCheckSeverity.WARN
        result = dg.AssetCheckResult(
            check_name="ids",
            passed=passed,
            severity=severity,
            metadata=facts or {},
            description="x",
        )
        yield dg.MaterializeResult(check_results=[result])

    return dg.materialize([orders], instance=instance, raise_on_error=False, **options)


def assert_same(instance, recorded):
    """Everything that is asked is as Dagster answers it; the states, newest first."""
    assert recorded.tried(ENTRY.key) == (instance_states(instance, [ENTRY]).get(ENTRY.key),)
    runs = recorded.runs(ENTRY, 15)
    assert runs == list_runs(ENTRY, instance, limit=15)
    assert recorded.runs(ENTRY, 1) == list_runs(ENTRY, instance, limit=1)
    assert recorded.checks(ENTRY) == list_checks(ENTRY, instance)
    return [run.state for run in runs]


def test_each_event_shows_at_once(instance, recorded):
    assert assert_same(instance, recorded) == []
    run(instance)
    assert assert_same(instance, recorded) == ["ready"]
    assert [check.outcome for check in recorded.checks(ENTRY)] == ["passed", "never run"]
    run(instance, passed=False, facts={"result": WORSE, "dataset version": 4})
    assert assert_same(instance, recorded) == ["ready", "ready"]
    (worse, _) = recorded.checks(ENTRY)
    assert (worse.outcome, worse.severity, worse.version) == ("failed", "warning", 4)
    assert (worse.observed, worse.examples, worse.failing) == ("7", ("1", "x"), 2)
    run(instance, error=InputError("no such column", hint="Name another"))
    assert assert_same(instance, recorded) == ["failed", "ready", "ready"]
    assert recorded.runs(ENTRY, 1)[0].error == "no such column. Name another"
    assert recorded.tried(ENTRY.key)[0].state == "failed"
    assert recorded.checks(ENTRY)[0].outcome == "failed to run"


def test_a_run_that_has_not_ended_shows_as_what_it_does(instance, recorded):
    run(instance)
    seen = []

    @dg.asset(key=KEY, check_specs=[dg.AssetCheckSpec("ids", asset=KEY)])
    def orders():
        seen.append((assert_same(instance, recorded), recorded.checks(ENTRY)[0].outcome))
        yield dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(check_name="ids", passed=True)]
        )

    dg.materialize([orders], instance=instance)
    assert seen == [(["running", "ready"], "running")]
    assert assert_same(instance, recorded) == ["ready", "ready"]


def test_partitions_and_a_run_that_somebody_deleted(instance, recorded):
    days = dg.StaticPartitionsDefinition(["mon", "tue"])
    run(instance, partitions=days, partition_key="mon")
    gone = run(instance, partitions=days, partition_key="tue", error=ValueError("on purpose"))
    assert assert_same(instance, recorded) == ["failed", "ready"]
    instance.delete_run(gone.run_id)
    assert_same(instance, recorded)


def test_the_last_look_at_each_datasource(instance, recorded):
    names = ["a", "b", "never"]
    keys = [("datasources", name) for name in names]
    assert recorded.observed(keys) == {}
    for name in ("a", "b", "a"):
        instance.report_runless_asset_event(dg.AssetObservation(["datasources", name]))
        seen = recorded.observed(keys)
        assert seen == {
            ("datasources", found): at for found, at in last_observations(instance, names).items()
        }
        assert max(seen, key=lambda key: seen[key]) == ("datasources", name)
    assert len(recorded.observed(keys)) == 2
    instance.wipe_assets([dg.AssetKey(["datasources", "a"])])
    assert recorded.observed(keys) is None


def test_what_only_dagster_can_tell_is_left_to_it(instance, recorded, tmp_path):
    run(instance)
    other = replace(ENTRY, key=("datasets", "other"))
    assert (recorded.tried(other.key), recorded.runs(other, 5)) == ((None,), [])
    instance.wipe_assets([KEY])
    assert (recorded.tried(ENTRY.key), recorded.runs(ENTRY, 5)) == (None, None)
    run(instance)
    assert recorded.runs(ENTRY, 5) is None
    with sqlite3.connect(tmp_path / "history/runs.db") as connection:
        connection.execute("alter table runs rename column end_time to ended")
    assert recorded.tried(other.key) == (None,)
    (tmp_path / "dagster.yaml").write_text("storage:\n  postgres: {}\n")
    assert (recorded.tried(other.key), recorded.runs(other, 5), recorded.checks(other)) == (
        None, None, None,
    )  # fmt: skip
