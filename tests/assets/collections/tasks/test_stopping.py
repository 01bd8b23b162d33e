"""A task stopped, resumed, killed at every step and gone on with: nothing is lost, nothing is there twice."""

import os
import signal
import threading
import time
from functools import partial

import pytest

from assets.collections.tasks import keeping_task, working
from assets.collections.tasks.carrying_out import TaskMeans
from orchestration.services.import_tasks.steering import delete_task, stop_task
from resources.kernel.errors import NotFoundError, StorageError
from resources.sources.connector_items import ConnectorItems
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.collecting import TaskCollecting
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from tests.faults import Child, kill_at

COUNT = 40


@pytest.fixture
def filled(bench, monkeypatch):
    monkeypatch.setattr(working, "_LOT_ITEMS", 5)
    monkeypatch.setattr(working, "_AHEAD", 4)
    for number in range(COUNT):
        bench.put(f"{number:03}.txt", f"Text {number}.")
    bench.put("bad.txt", "")
    return bench


def is_whole(bench, task_id: int) -> bool:
    """Whether each item is there once, with one outcome, and all counts say the same."""
    found = bench.show(task_id)
    items = bench.items(task_id)
    assert (found.total, found.failed, found.done) == (COUNT + 1, 1, COUNT)
    assert sum(item.state == "done" for item in items) == COUNT
    titles = sorted(item.title for item in bench.in_collection())
    assert titles == [f"{number:03}.txt" for number in range(COUNT)]
    assert sorted(row["title"] for row in bench.rows()) == titles
    return True


def test_stop_keeps_what_is_done_and_start_goes_on(filled, monkeypatch):
    made = filled.make("*.txt")
    settle = TaskCollecting.settle

    def stopping(collecting, *given):
        settled = settle(collecting, *given)
        if filled.show(made.id).done >= 10 and filled.show(made.id).state == "importing":
            stop_task(filled.records, made.id, "bob")
        return settled

    monkeypatch.setattr(TaskCollecting, "settle", stopping)
    monkeypatch.setattr(working, "LOOK_SECONDS", 0.01)
    stopped = filled.start(made.id)
    assert stopped.state == "stopped"
    assert 10 <= stopped.done < COUNT
    assert len(filled.rows()) == len(filled.in_collection()) == stopped.done
    assert [(e.actor, e.action, e.state) for e in stopped.events][-2:] == [
        ("bob", "stop", "stopping"),
        ("waybill", "halt", "stopped"),
    ]
    monkeypatch.setattr(TaskCollecting, "settle", settle)
    done = filled.start(made.id)
    assert (done.state, done.can) == ("completed", ("retry", "delete"))
    assert is_whole(filled, made.id)


def test_an_item_that_hangs_does_not_hold_the_stop_up(filled, monkeypatch):
    made = filled.make("*.txt")
    free = threading.Event()
    hung: list[bool] = []
    fetch = ConnectorItems.fetch

    def hang(source, item, known):
        if item.name == "007.txt":
            stop_task(filled.records, made.id, "bob")
            hung.append(False)
            hung[0] = not free.wait(120)
        return fetch(source, item, known)

    monkeypatch.setattr(ConnectorItems, "fetch", hang)
    try:
        stopped = filled.start(made.id)
        assert stopped.state == "stopped"
        assert hung == [False]  # it was not waited for
    finally:
        free.set()
    monkeypatch.setattr(ConnectorItems, "fetch", fetch)
    assert filled.start(made.id).state == "completed"
    assert is_whole(filled, made.id)


def test_delete_while_it_works_ends_it_and_keeps_what_is_there(filled, monkeypatch):
    made = filled.make("*.txt")
    settle = TaskCollecting.settle

    def deleting(collecting, *given):
        settled = settle(collecting, *given)
        delete_task(filled.records, made.id, "bob")
        return settled

    monkeypatch.setattr(TaskCollecting, "settle", deleting)
    monkeypatch.setattr(working, "LOOK_SECONDS", 0.01)
    with pytest.raises(NotFoundError):
        filled.start(made.id)
    assert 0 < len(filled.rows()) < COUNT
    assert filled.records.items.page(made.id) == []


STEPS = [
    (TaskItemCatalog, "add"),
    (TaskItemCatalog, "note_listed"),
    (TaskCollecting, "settle"),
    (ImportTaskCatalog, "begin"),
    (ImportTaskCatalog, "end"),
    (keeping_task, "publish"),
]


@pytest.mark.kill
def test_killed_at_each_step_and_gone_on_with(filled, monkeypatch):
    monkeypatch.setattr(working, "_PAGE", 20)
    made = filled.make("*.txt")
    actions = {"not_started": filled.start, "failed": filled.retry}
    for step in (0, 1, 2, 3, 5, 8, 11, 16, 22, 27, 32, 35):
        before = filled.show(made.id)
        if before.state == "completed":
            break
        outcome = kill_at(partial(actions[before.state], made.id), STEPS, step)
        assert outcome.killed or filled.show(made.id).state == "completed"
        after = filled.show(made.id)  # whoever looks sees that the run is gone
        assert after.state in ("not_started", "failed", "completed")
        assert after.state != "failed" or after.reason.startswith("interrupted")
        assert after.done >= before.done
    if filled.show(made.id).state != "completed":
        actions[filled.show(made.id).state](made.id)
    assert is_whole(filled, made.id)


@pytest.mark.kill
def test_a_run_that_is_killed_while_items_are_read_loses_a_lot_at_most(filled):
    made = filled.make("*.txt")
    child = Child(partial(filled.start, made.id))
    tasks = ImportTaskCatalog(CatalogDatabase(filled.records.database.config))
    while tasks.find(made.id).done < 10:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait().killed
    found = filled.show(made.id)
    assert (found.state, found.can) == ("failed", ("retry", "delete"))
    assert found.reason.startswith("interrupted")
    assert filled.retry(made.id).state == "completed"
    assert is_whole(filled, made.id)


def test_a_run_that_is_cancelled_stops_its_task(filled, monkeypatch):
    made = filled.make("*.txt")

    def cancelled(_means: TaskMeans, *_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("assets.collections.tasks.carrying_out._work", cancelled)
    assert filled.start(made.id).state == "stopped"


def test_what_could_not_be_shown_is_by_a_retry(bench):
    bench.put("a.txt", "A.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping_task, "publish", _full)
        failed = bench.run("a.txt")
    assert (failed.state, failed.done, failed.pending) == ("failed", 1, 0)
    assert failed.reason == "the disk is full"
    assert failed.next_step == "retry shows what it imported: its items are done"
    assert bench.retry(failed.id).state == "completed"
    assert [row["title"] for row in bench.rows()] == ["a.txt"]


def _full(*_given: object, **_named: object) -> None:
    raise StorageError("the disk is full")
