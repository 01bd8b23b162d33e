"""Looks at data sources read from SQLite are those that Dagster tells, first and after each new one."""

import sqlite3

import dagster as dg
import pytest

from orchestration.services.observations import InstanceLooks, last_observations
from orchestration.services.recorded_observations import RecordedObservations

A, B, NEVER = (("datasources", name) for name in ("a", "b", "never"))
ALL = (A, B, NEVER)


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as found:
        yield found


def look(instance, key, version):
    tags = {"dagster/data_version": version} if version else {}
    instance.report_runless_asset_event(dg.AssetObservation(dg.AssetKey(key), tags=tags))


def test_they_are_dagsters_own(instance, tmp_path):
    records = RecordedObservations(tmp_path)
    for key, version in ((A, "1"), (B, "1"), (A, "2"), (A, "")):
        look(instance, key, version)
    asked = InstanceLooks(instance)
    assert {key: seen.fingerprint for key, seen in records.look(ALL).items()} == {B: "1"}
    assert records.look(ALL) == asked.look(ALL)
    look(instance, B, "2")
    look(instance, A, "3")
    assert {key: seen.fingerprint for key, seen in records.look(ALL).items()} == {A: "3", B: "2"}
    assert records.look(ALL) == asked.look(ALL) == InstanceLooks(instance).look(ALL)
    assert records.look([B]) == asked.look([B])
    assert set(last_observations(instance, ["a", "b", "never"])) == {"a", "b"}


def test_another_file_is_read_from_the_start(instance, tmp_path):
    records = RecordedObservations(tmp_path)
    for version in ("1", "2", "3"):
        look(instance, A, version)
    records.look([A])
    with sqlite3.connect(tmp_path / "history/runs/index.db") as connection:
        connection.execute("delete from event_logs where id > 1")
    assert records.look([A])[A].fingerprint == "1"


def test_what_is_no_database_tells_nothing(tmp_path):
    assert RecordedObservations(tmp_path).look(ALL) is None
    file = tmp_path / "history/runs/index.db"
    file.parent.mkdir(parents=True)
    file.write_text("none")
    assert RecordedObservations(tmp_path).look(ALL) is None
