"""A pipeline seen from outside: what its job makes, when its schedule fires, what its sensor asks for."""

import os
import time
from datetime import UTC, datetime

import dagster as dg
import pytest

from tests.project import project

PROJECT = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.Datasource
attributes: {name: files, connector: lake, path: 'orders/*.csv'}
---
type: assets.Dataset
attributes: {name: orders, datasource: files, refresh: manual}
---
type: assets.Dataset
attributes: {name: unrelated, datasource: files, refresh: manual}
---
type: assets.Exporter
attributes: {name: out, dataset: orders, connector: warehouse, table: orders}
---
type: orchestration.Pipeline
attributes:
  name: nightly
  export: [out]
  schedule: {cron: "0 3 * * *", timezone: Europe/Paris, start: 2026-01-02, end: 2026-01-03}
  on_new_objects: {connector: lake, path: 'orders/*.csv', settle_seconds: 0}
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    (tmp_path / "lake" / "orders").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def definitions(home):
    with project(PROJECT) as loaded:
        yield loaded


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def tick(definitions, instance, cursor=None):
    sensor = definitions.resolve_sensor_def("nightly_new_objects")
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, definitions=definitions, resources=definitions.resources
    ) as context:
        return sensor.evaluate_tick(context)


def test_the_job_observes_sources_makes_what_is_upstream_and_delivers(definitions, instance, home):
    (home / "lake" / "orders" / "1.csv").write_text("id,amount\n1,2.50\n2,3.75\n")
    result = definitions.resolve_job_def("nightly").execute_in_process(instance=instance)
    seen = [
        (event.event_type_value, event.asset_key.to_user_string())
        for event in result.all_events
        if event.event_type_value in ("ASSET_OBSERVATION", "ASSET_MATERIALIZATION")
    ]
    assert seen[:3] == [
        ("ASSET_OBSERVATION", "datasources/files"),
        ("ASSET_MATERIALIZATION", "datasets/orders/profile"),
        ("ASSET_MATERIALIZATION", "datasets/orders"),
    ]
    assert seen[-1] == ("ASSET_MATERIALIZATION", "exports/out")
    assert "datasets/unrelated" not in dict(map(reversed, seen))


@pytest.mark.parametrize(
    ("moment", "fires"),
    [
        (datetime(2026, 1, 1, 22, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 1, 23, 1, tzinfo=UTC), True),
        (datetime(2026, 1, 3, 22, 59, tzinfo=UTC), True),
        (datetime(2026, 1, 3, 23, 1, tzinfo=UTC), False),
    ],
    ids=["before", "first minute in Paris", "last minute in Paris", "after"],
)
def test_the_schedule_fires_within_its_period_in_its_time_zone(
    definitions, instance, moment, fires
):
    schedule = definitions.resolve_schedule_def("nightly_schedule")
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=moment) as context:
        assert bool(schedule.evaluate_tick(context).run_requests) == fires


def test_the_sensor_asks_once_for_new_and_changed_objects(definitions, instance, home):
    orders = home / "lake" / "orders"
    (orders / "1.csv").write_text("id\n1\n")
    (orders / "2.csv").write_text("id\n2\n")
    (orders / "note.txt").write_text("not watched")
    first = tick(definitions, instance)
    assert [request.tags["waybill/new_objects"] for request in first.run_requests] == ["2"]

    again = tick(definitions, instance, first.cursor)
    assert [request.run_key for request in again.run_requests] == [first.run_requests[0].run_key]

    instance.create_run_for_job(
        definitions.resolve_job_def("nightly"),
        status=dg.DagsterRunStatus.SUCCESS,
        tags={
            "dagster/run_key": first.run_requests[0].run_key,
            "dagster/sensor_name": "nightly_new_objects",
        },
    )
    assert not tick(definitions, instance, again.cursor).run_requests
    (orders / "2.csv").write_text("id\n2\n3\n")
    changed = tick(definitions, instance, again.cursor)
    assert [request.tags["waybill/first_object"] for request in changed.run_requests] == [
        "orders/2.csv"
    ]


def test_a_young_file_of_a_folder_waits_unless_the_pipeline_says_otherwise(instance, home):
    """S1: a folder shows a file from its first byte on."""
    orders = home / "lake" / "orders"
    (orders / "whole.csv").write_text("id\n1\n")
    os.utime(orders / "whole.csv", (time.time() - 60,) * 2)
    (orders / "young.csv").write_text("id\n1\n")
    (orders / "._whole.csv").write_text("macOS")
    with project(PROJECT.replace(", settle_seconds: 0", "")) as definitions:
        first = tick(definitions, instance)
        (request,) = first.run_requests
        assert request.tags["waybill/first_object"] == "orders/whole.csv"
        assert (request.tags["waybill/new_objects"], "waybill/settle" in request.tags) == (
            "1",
            False,
        )
    with project(PROJECT.replace("name: nightly", "name: other")) as definitions:
        sensor = definitions.resolve_sensor_def("other_new_objects")
        with dg.build_sensor_context(
            instance=instance, definitions=definitions, resources=definitions.resources
        ) as context:
            (request,) = sensor.evaluate_tick(context).run_requests
    assert request.tags["waybill/new_objects"] == "2"
    assert request.tags["waybill/settle"] == "lake 0"


def test_an_import_started_by_a_sensor_leaves_unsettled_files_out(instance, home):
    """S2: a.csv settled and started the run, b.csv is half there."""
    orders = home / "lake" / "orders"
    for name, age in (("a", 600), ("b", -3600)):
        (orders / f"{name}.csv").write_text("id\n1\n")
        os.utime(orders / f"{name}.csv", (time.time() - age,) * 2)
    watched = PROJECT.replace(
        "path: 'orders/*.csv'}", "path: 'orders/*.csv', settle_seconds: 99}", 1
    )
    with project(watched) as definitions:
        job = definitions.resolve_job_def("nightly")
        tags = {"dagster/sensor_name": "nightly_new_objects"}
        result = job.execute_in_process(instance=instance, tags=tags)
        _profile, made = result.asset_materializations_for_node(
            "datasets__orders"
        )  # after its profile
        assert made.metadata["dagster/row_count"].value == 1
        assert "orders/b.csv: left out" in made.metadata["warnings"].value
        (seen,) = result.asset_observations_for_node("datasources__files")
        assert "orders/b.csv: left out" in seen.metadata["left out"].value
        by_hand = job.execute_in_process(instance=instance)
        _profile, made = by_hand.asset_materializations_for_node(
            "datasets__orders"
        )  # after its profile
        assert made.metadata["dagster/row_count"].value == 2


def test_a_folder_that_is_not_there_yet_is_skipped_with_the_reason(definitions, instance, home):
    (home / "lake" / "orders").rmdir()
    (home / "lake").rmdir()
    skipped = tick(definitions, instance)
    assert not skipped.run_requests
    assert "No such file or directory" in skipped.skip_message


@pytest.mark.parametrize("path", ["orders/", "orders"])
def test_a_folder_is_watched_as_datasources_read_it(instance, home, path):
    (home / "lake" / "orders" / "1.csv").write_text("id\n1\n")
    (home / "lake" / "orders" / ".part").write_text("not yet")
    with project(PROJECT.replace("path: 'orders/*.csv'", f"path: {path}")) as loaded:
        asked = tick(loaded, instance)
        assert [r.tags["waybill/first_object"] for r in asked.run_requests] == ["orders/1.csv"]
        assert asked.run_requests[0].tags["waybill/new_objects"] == "1"


@pytest.mark.parametrize(
    ("watched", "said"),
    [
        ("path: /orders/*.csv", "it is absolute"),
        ("path: ../orders/", "'..'"),
        ("path: orders/*.csv, settle_seconds: -1", "0 or more"),
        ("path: orders/*.csv, every_seconds: 0", "1 or more"),
    ],
)
def test_what_cannot_be_watched_is_refused_at_load_with_its_line(home, watched, said):
    yaml = PROJECT.replace(
        "on_new_objects: {connector: lake, path: 'orders/*.csv', settle_seconds: 0}",
        f"on_new_objects: {{connector: lake, {watched}}}",
    )
    loading = project(yaml)
    with pytest.raises(Exception) as caught, loading:  # noqa: PT011 - whatever Dagster wraps it in
        pass
    assert said in str(caught.value)
    assert "defs.yaml:25" in str(caught.value)
