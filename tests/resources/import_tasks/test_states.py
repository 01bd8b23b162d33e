"""The machine of a task, every cell of it, as the specification draws it."""

from resources.import_tasks.states import (
    ACTIONS,
    ENDS,
    EVENTS,
    STATES,
    TABLE,
    TITLES,
    WORKING,
    actions_in,
    step_of,
)

GOES_TO = {
    ("not_started", "start"): "importing",
    ("importing", "stop"): "stopping",
    ("stopped", "start"): "importing",
    ("failed", "retry"): "importing",
    ("completed", "retry"): "importing",  # with failed items
    **{(state, "delete"): "deleting" for state in STATES if state != "deleting"},
}
NO_EFFECT = {("stopping", "stop"), ("stopped", "stop"), ("deleting", "delete")}


def test_every_cell_is_as_specified():
    for state in STATES:
        for action in ACTIONS:
            step = step_of(state, action, failed=1)
            cell = (state, action)
            assert step.to == GOES_TO.get(cell), cell
            assert step.is_taken == (cell in GOES_TO or cell in NO_EFFECT), cell
            assert bool(step.refusal) == (not step.is_taken), cell


def test_without_failed_items_only_a_completed_task_is_another_one():
    differs = {
        (state, action)
        for state in STATES
        for action in ACTIONS
        if step_of(state, action, failed=0) != step_of(state, action, failed=1)
    }
    assert differs == {("completed", "retry")}
    assert "no item failed" in step_of("completed", "retry", failed=0).refusal


def test_buttons_are_what_would_change_something():
    assert actions_in("not_started", failed=0) == ("start", "delete")
    assert actions_in("importing", failed=3) == ("stop", "delete")
    assert actions_in("stopping", failed=0) == ("delete",)
    assert actions_in("stopped", failed=3) == ("start", "delete")
    assert actions_in("completed", failed=0) == ("delete",)
    assert actions_in("completed", failed=1) == ("retry", "delete")
    assert actions_in("failed", failed=0) == ("retry", "delete")
    assert actions_in("deleting", failed=1) == ()


def test_no_state_is_without_a_way_out():
    for state in STATES:
        leaves = any(step.to not in (None, state) for step in TABLE[state].values())
        assert leaves or state == "deleting"  # ends by the task's removal
    assert set(ENDS) == WORKING


def test_the_end_of_a_run_changes_working_tasks_alone():
    assert {(s, e): to for s, by in ENDS.items() for e, to in by.items()} == {
        ("importing", "complete"): "completed",
        ("importing", "halt"): "stopped",
        ("importing", "fail"): "failed",
        ("importing", "interrupt"): "failed",
        ("stopping", "complete"): "completed",
        ("stopping", "halt"): "stopped",
        ("stopping", "fail"): "failed",
        ("stopping", "interrupt"): "stopped",
    }
    assert {event for by in ENDS.values() for event in by} <= set(EVENTS)


def test_each_state_has_words():
    assert set(TITLES) == set(STATES) == set(TABLE)
