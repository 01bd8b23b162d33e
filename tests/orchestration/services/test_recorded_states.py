"""Dagster's records read without Dagster say what Dagster says."""

from __future__ import annotations

import sqlite3

import dagster as dg
import pytest

from orchestration.services import record_files
from orchestration.services import recorded_states as module
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.datasets import instance_states
from orchestration.services.recorded_states import RecordedStates, recorded_states
from resources.kernel.errors import InputError

KEYS = [
    ("datasets", name) for name in ("made", "failed", "made_then_failed", "wiped", "never", "other")
]


@pytest.fixture
def instance(tmp_path):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


def run(instance, key, *, error: Exception | None = None):
    @dg.asset(key=key)
    def made():
        if error:
            raise error

    return dg.materialize([made], instance=instance, raise_on_error=False)


def test_states_are_those_that_dagster_tells(instance, tmp_path):
    assert recorded_states(tmp_path / "new", KEYS) is None
    run(instance, KEYS[0])
    run(instance, KEYS[1], error=InputError("no such column", hint="Name another"))
    run(instance, KEYS[2])
    run(instance, KEYS[2], error=ValueError("on purpose"))
    run(instance, KEYS[3])
    run(instance, KEYS[5])
    instance.wipe_assets([dg.AssetKey(KEYS[3])])
    entries = [DatasetEntry(key[1], "datasource", key) for key in KEYS]
    expected = instance_states(instance, entries)
    assert recorded_states(tmp_path, KEYS) == expected
    assert [expected[key].state if key in expected else None for key in KEYS] == [
        "ready", "failed", "failed", None, None, "ready",
    ]  # fmt: skip
    assert expected[KEYS[1]].error == "no such column. Name another"
    assert expected[KEYS[2]].error == "ValueError: on purpose"


def test_a_step_that_was_never_reached_tells_which_one_failed(instance, tmp_path):
    @dg.asset(key=KEYS[0])
    def first():
        raise dg.Failure("the disk is full")

    @dg.asset(key=KEYS[1], deps=[first])
    def second():
        pass

    dg.materialize([first, second], instance=instance, raise_on_error=False)
    found = recorded_states(tmp_path, KEYS)
    assert found[KEYS[0]].error == "the disk is full"
    assert found[KEYS[1]].error == "datasets/made: the disk is full"
    entries = [DatasetEntry(key[1], "datasource", key) for key in KEYS]
    assert instance_states(instance, entries) == found


def test_what_has_not_changed_is_not_read_again(instance, tmp_path, monkeypatch):
    for key in KEYS[:3]:
        run(instance, key)
    queries = []
    opening = module.open_records

    def watched(file):
        connection = opening(file)
        connection.set_trace_callback(queries.append)
        return connection

    monkeypatch.setattr(module, "open_records", watched)
    monkeypatch.setattr(
        record_files, "SETTLED_NS", 0
    )  # a file system that tells every change by its time
    records = RecordedStates(tmp_path)
    first = records.look()
    queries.clear()
    assert records.look() is first
    assert queries == []
    run(instance, KEYS[1], error=ValueError("now"))
    assert records.look()[KEYS[1]].state == "failed"
    assert len(queries) == 4, "rows of assets, one asset, one run, its events"
    assert sum("last_materialization from" in query for query in queries) == 1


def test_an_instance_that_keeps_its_records_elsewhere_is_left_to_dagster(tmp_path):
    (tmp_path / "dagster.yaml").write_text("storage:\n  postgres: {}\n")
    assert recorded_states(tmp_path, KEYS) is None
    (tmp_path / "dagster.yaml").write_text("- [\n")
    assert recorded_states(tmp_path, KEYS) is None


def test_records_of_another_release_are_left_to_dagster(instance, tmp_path):
    run(instance, KEYS[0])
    with sqlite3.connect(tmp_path / "history/runs/index.db") as connection:
        connection.execute("alter table asset_keys rename column last_run_id to last_run")
    assert recorded_states(tmp_path, KEYS) is None
