"""What a task that waits says of it: which task or run is in its way, and nothing where none is."""

from types import SimpleNamespace

import dagster as dg
import pytest

from orchestration.services.import_tasks.listing import TaskFilter, list_tasks, show_task
from orchestration.services.import_tasks.starting import start_task

STARTED = dg.DagsterRunStatus.STARTED


@pytest.fixture
def two(bench):
    """Two tasks into one collection, of which the server has begun with the first."""
    made = [start_task(bench.place, bench.make("*").id) for _ in range(2)]
    begin(bench, made[0])
    return made


def begin(bench, task):
    instance, storage = bench.place.instance, bench.place.instance.run_storage
    run = instance.get_run_by_id(task.run_id)
    instance.delete_run(run.run_id)
    storage.add_run(run._replace(status=STARTED))
    bench.records.tasks.begin(task.id, run.run_id, "ada")


def test_it_says_which_task_works_on_the_same_target(bench, two):
    first, second = (show_task(bench.records, one.id) for one in two)
    assert (first.queued, first.waits_for) == (False, "")
    assert second.queued
    assert second.waits_for == f"import task {first.id}, which works on the same"
    listed = list_tasks(bench.records, TaskFilter()).items
    assert [one.waits_for for one in listed] == [second.waits_for, ""]


def test_another_target_is_in_nobodys_way_until_all_places_are_taken(bench, two, monkeypatch):
    other = start_task(bench.place, bench.make("*", into="photos").id)
    assert show_task(bench.records, other.id).waits_for == ""
    instance = bench.place.instance
    few = instance.get_concurrency_config().run_queue_config._replace(max_concurrent_runs=1)
    full = SimpleNamespace(run_queue_config=few)
    monkeypatch.setattr(instance, "get_concurrency_config", lambda: full)
    assert show_task(bench.records, other.id).waits_for.startswith("one of the 1 runs")
