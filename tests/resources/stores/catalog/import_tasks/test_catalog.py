"""Tasks in the catalog: made once, every change of state by compare-and-set, each with actor and time, on both databases."""

from functools import partial

import pytest

from resources.import_tasks.sources import SourceItem
from resources.import_tasks.states import ACTIONS, STATES, step_of
from resources.kernel.errors import InputError, NotFoundError
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.records import ItemResult, TransitionError
from tests.faults import Child
from tests.resources.stores.catalog.import_tasks.conftest import new_task


def listed(items, task_id: int, count: int = 3) -> None:
    items.add(task_id, [SourceItem(f"{n}.pdf", f"s3://lake/{n}.pdf", 10) for n in range(count)])
    items.note_listed(task_id)


def test_a_key_is_one_task(tasks):
    first = tasks.create(new_task("a", "Reports"))
    again = tasks.create(new_task("a", "Reports"))
    assert first == again
    assert (first.state, first.name, first.folder) == ("not_started", "Reports", "in")
    with pytest.raises(InputError, match="another import task"):
        tasks.create(new_task("a", "Other"))
    assert tasks.create(new_task("a", "Other", project="else")).id != first.id
    assert [event.action for event in tasks.events(first.id)] == ["create"]


def test_another_project_does_not_see_it(tasks):
    made = tasks.create(new_task())
    with pytest.raises(NotFoundError, match="project else has no import task"):
        tasks.find(made.id, "else")
    with pytest.raises(NotFoundError):
        tasks.act(made.id, "delete", "eve", project="else")


def brought_to(tasks, items, state: str) -> int:
    """A task in a state, with a failed item as soon as it may have one."""
    made = tasks.create(new_task(state))
    if state == "not_started":
        return made.id
    tasks.act(made.id, "start", "ada", run_id="r1")
    tasks.begin(made.id, "r1", "ada")
    listed(items, made.id)
    items.settle(made.id, [ItemResult(1, "failed", rule="empty", message="0 bytes")])
    if state in ("stopping", "stopped"):
        tasks.act(made.id, "stop", "ada")
    ends = {"stopped": "halt", "completed": "complete", "failed": "fail"}
    if state in ends:
        tasks.end(made.id, ends[state], run_id="r1", actor="waybill")
    if state == "deleting":
        tasks.act(made.id, "delete", "ada")
    assert tasks.find(made.id).state == state
    return made.id


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_cell_of_the_table(tasks, items, state, action):
    task_id = brought_to(tasks, items, state)
    failed = tasks.find(task_id).failed
    step, before = step_of(state, action, failed=failed), len(tasks.events(task_id))
    if not step.is_taken:
        with pytest.raises(TransitionError) as told:
            tasks.act(task_id, action, "bob", run_id="r2")
        assert told.value.facts["state"] == state
        assert tasks.find(task_id).state == state
        return
    after = tasks.act(task_id, action, "bob", run_id="r2")
    assert after.state == (step.to or state)
    events = tasks.events(task_id)[before:]
    assert [(e.actor, e.action, e.old_state, e.state) for e in events] == (
        [("bob", action, state, step.to)] if step.to else []
    )


def test_of_many_who_start_at_one_moment_one_does(config, tasks):
    made = tasks.create(new_task())

    def start(number: int):
        try:
            found = ImportTaskCatalog(CatalogDatabase(config)).act(
                made.id, "start", f"user{number}", run_id=f"r{number}"
            )
        except TransitionError as error:
            return error.facts["state"]
        return found.run_id

    told = [child.wait().answer for child in [Child(partial(start, n)) for n in range(6)]]
    assert told.count("importing") == 5
    assert tasks.find(made.id).run_id in told
    assert len(tasks.events(made.id)) == 2


def test_a_retry_takes_the_failed_items_alone(tasks, items):
    task_id = brought_to(tasks, items, "completed")
    items.settle(task_id, [ItemResult(2, "done", "created"), ItemResult(3, "skipped", "duplicate")])
    tasks.act(task_id, "retry", "ada", run_id="r2")
    stored = tasks.find(task_id)
    assert (stored.done, stored.skipped, stored.failed, stored.pending) == (1, 1, 0, 1)
    assert [item.number for item in items.pending(task_id)] == [1]
    assert stored.run_ids == ("r1", "r2")
    assert stored.ended_at is None


def test_the_end_of_a_run_that_no_longer_has_the_task_changes_nothing(tasks, items):
    task_id = brought_to(tasks, items, "stopped")
    tasks.act(task_id, "start", "ada", run_id="r2")
    assert tasks.end(task_id, "fail", run_id="r1", actor="waybill").state == "importing"
    assert tasks.end(task_id, "complete", run_id="r2", actor="waybill").state == "completed"
    assert tasks.end(99, "complete", run_id="r2", actor="waybill") is None


def test_a_run_that_nobody_announced_takes_a_task_up_where_that_may_be(tasks, items):
    made = tasks.create(new_task())
    assert tasks.begin(made.id, "shell", "ada").state == "importing"
    with pytest.raises(TransitionError, match="run shell works on it"):
        tasks.begin(made.id, "other", "ada")
    tasks.end(made.id, "fail", run_id="shell", actor="waybill", reason="the bucket is away")
    assert tasks.find(made.id).reason == "the bucket is away"
    assert tasks.begin(made.id, "again", "ada").reason == ""
    tasks.end(made.id, "complete", run_id="again", actor="waybill")
    assert tasks.begin(made.id, "once more", "ada") is None
    assert tasks.begin(99, "r", "ada") is None


def test_removal_takes_the_task_and_its_items_and_keeps_its_history(tasks, items):
    task_id = brought_to(tasks, items, "failed")
    tasks.act(task_id, "delete", "ada")
    tasks.remove(task_id, "waybill")
    with pytest.raises(NotFoundError):
        tasks.find(task_id)
    assert items.page(task_id) == []
    assert [e.action for e in tasks.events(task_id)][-2:] == ["delete", "remove"]
    assert tasks.create(new_task("next")).id > task_id  # a number is never given twice
