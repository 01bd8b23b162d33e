"""What comes into the outbox: with the end it tells of or not at all, and once."""

import json

import pytest

from resources.stores.catalog.collections import ends
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.ends import note_lost, unended_imports
from resources.stores.catalog.collections.records import ImportRequest
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.webhooks.deliveries import held_runs, release, withdraw
from resources.stores.catalog.webhooks.outbox import note_event
from tests.faults import kill_at
from tests.resources.stores.catalog.import_tasks.conftest import new_task
from tests.resources.stores.catalog.webhooks.made import deliveries, ended, make_webhook


@pytest.fixture
def database(config):
    return CatalogDatabase(config)


def note(database, event):
    with database.write() as connection:
        note_event(connection, event)


def test_each_webhook_that_wants_an_event_gets_it_once(database):
    make_webhook(database, "all", "import.completed", "import.failed")
    make_webhook(database, "bad news", "import.failed")
    note(database, ended(7, run_id="r1", state="completed"))
    note(database, ended(7, run_id="r1", state="completed"))
    note(database, ended(7, run_id="r2", name="import.failed"))
    found = deliveries(database)
    assert [(one.event, one.run_id) for one in found] == [
        ("import.completed", "r1"), ("import.failed", "r2"), ("import.failed", "r2"),
    ]  # fmt: skip
    assert len({one.id for one in found}) == 3
    body = json.loads(found[0].body)
    assert (body["type"], body["data"]["id"], body["data"]["run_id"]) == (
        "import.completed",
        7,
        "r1",
    )
    assert body["data"]["subject"] == "collections/docs/imports/7"
    assert body["timestamp"] == found[0].noted_at.isoformat()


def test_what_is_undone_is_not_told(database):
    make_webhook(database, "all", "import.completed")

    def fail():
        with database.write() as connection:
            note_event(connection, ended())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert deliveries(database) == []


def test_the_later_end_of_one_run_counts_and_waits_for_the_end_of_the_run(database):
    make_webhook(database, "bad news", "import.failed")
    make_webhook(database, "good news", "import.completed")
    note(database, ended(run_id="r1", name="import.failed"))
    note(database, ended(run_id="r1", name="import.completed"))
    note(database, ended(run_id="r2", name="import.failed"))
    with database.write() as connection:
        assert sorted(held_runs(connection)) == ["r1", "r2"]
        release(connection, "r1")
        withdraw(connection, "r2")
    assert [(one.event, one.state) for one in deliveries(database)] == [
        ("import.completed", "waiting")
    ]


def begun(database):
    catalog = CollectionCatalog(database)
    request = ImportRequest("k", "in", "spec.json", "0" * 64, "ada", "never", False, "")
    return catalog, catalog.begin("docs", request)


def test_the_end_of_an_import_of_a_collection_is_told(database):
    make_webhook(database, "all", "import.failed")
    catalog, import_id = begun(database)
    catalog.work(import_id, "r1")
    catalog.end(import_id, "failed", "the file is broken")
    (found,) = deliveries(database)
    assert (found.event, found.run_id, found.state) == ("import.failed", "r1", "held")
    assert json.loads(found.body)["data"] == {
        "subject": f"collections/docs/imports/{import_id}",
        "kind": "specification",
        "id": import_id,
        "name": "spec.json",
        "target": {"kind": "collection", "name": "docs", "folder": "in"},
        "state": "failed",
        "reason": "the file is broken",
        "items": {"ready": 0, "failed": 0},
        "run_id": "r1",
    }


@pytest.mark.parametrize(
    ("end", "event"),
    [
        ("complete", "import.completed"),
        ("fail", "import.failed"),
        ("interrupt", "import.failed"),
        ("halt", "import.stopped"),
    ],
)
def test_each_end_of_an_import_task_is_told_once(database, end, event):
    make_webhook(database, "all", "import.completed", "import.failed", "import.stopped")
    tasks = ImportTaskCatalog(database)
    task_id = tasks.create(new_task("k", "Reports")).id
    tasks.act(task_id, "start", "ada", run_id="r1")
    tasks.begin(task_id, "r1", "ada")
    if end == "halt":
        tasks.act(task_id, "stop", "ada")
    for _ in range(2):
        tasks.end(task_id, end, run_id="r1", actor="ada", reason="so it is")
    (found,) = deliveries(database)
    assert (found.event, found.subject, found.run_id) == (event, f"imports/{task_id}", "r1")
    data = json.loads(found.body)["data"]
    assert (data["kind"], data["id"], data["name"]) == ("task", task_id, "Reports")
    assert data["target"] == {"kind": "collection", "name": "docs", "folder": "in"}


def test_killed_between_an_end_and_its_event_neither_is_there(database, config):
    make_webhook(database, "all", "import.completed")
    catalog, import_id = begun(database)
    catalog.work(import_id, "r1")

    def end():
        CollectionCatalog(CatalogDatabase(config)).end(import_id, "completed")

    for step in range(2):
        assert kill_at(end, [(ends, "note_event")], step).killed
        assert (catalog.find_import(import_id).outcome, deliveries(database)) == ("", [])
    end()
    assert catalog.find_import(import_id).outcome == "completed"
    assert len(deliveries(database)) == 1


def test_an_import_whose_run_said_nothing_ends_once_and_not_when_another_run_has_it(database):
    make_webhook(database, "all", "import.failed")
    catalog, import_id = begun(database)
    with database.read() as connection:
        assert unended_imports(connection) == []
    catalog.work(import_id, "r1")
    with database.read() as connection:
        (seen,) = unended_imports(connection)
    catalog.work(import_id, "r2")
    with database.write() as connection:
        note_lost(connection, seen, "interrupted", "its run was killed")
    assert deliveries(database) == []
    with database.write() as connection:
        (seen,) = unended_imports(connection)
        note_lost(connection, seen, "interrupted", "its run was killed")
        note_lost(connection, seen, "interrupted", "its run was killed")
        assert unended_imports(connection) == []
    assert [one.run_id for one in deliveries(database)] == ["r2"]
    assert catalog.find_import(import_id).outcome == "interrupted"
