"""Of a recurring import the newest ended tasks stay; what a person made, stopped or has at work stays too."""

from resources.stores.catalog.import_tasks import retiring
from resources.stores.catalog.import_tasks.retiring import retire_tasks
from tests.resources.stores.catalog.import_tasks.conftest import new_task


def ended(tasks, key, event="complete", *, name="nightly", via="schedule"):
    made = tasks.create(new_task(key, name, via=via))
    tasks.begin(made.id, f"run {key}", "waybill")
    return tasks.end(made.id, event, run_id=f"run {key}", actor="waybill")


def test_the_newest_stay_and_the_others_go_with_their_histories(
    tasks, database, tmp_path, monkeypatch
):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    events = ("complete", "fail", "halt", "complete", "fail", "complete")
    own = [ended(tasks, str(number), event).id for number, event in enumerate(events)]
    others = [
        ended(tasks, "person", via="cli").id,
        ended(tasks, "inbox", name="other", via="sensor").id,
    ]
    newest = tasks.create(new_task("newest", "nightly", via="schedule"))
    assert retire_tasks(database, newest, 2) == 3
    assert tasks.ids() == {own[2], own[4], own[5], *others, newest.id}
    assert tasks.events(own[0]) == []
    assert retire_tasks(database, newest, 2) == 0


def test_what_has_piled_up_goes_little_by_little(tasks, database, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.setattr(retiring, "AT_ONCE", 3)
    for number in range(6):
        last = ended(tasks, str(number))
    assert [retire_tasks(database, last, 1) for _ in range(3)] == [3, 2, 0]
    assert tasks.ids() == {last.id}
