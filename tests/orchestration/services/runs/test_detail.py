"""A run as people read it: how far each step is, what went wrong, what it made."""

import dagster as dg
import pytest

from orchestration.services.runs.detail import show_run
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.states import RunState
from resources.kernel.errors import NotFoundError


@pytest.fixture
def nightly(home, instance, shop):
    return start_run(home, instance, shop.location.job("nightly"), Asked("ada"))


def test_a_run_in_the_queue_says_what_it_is_going_to_do(instance, nightly):
    detail = show_run(instance, nightly)
    assert (detail.summary.title, detail.summary.actor) == ("pipeline nightly", "ada")
    assert {(step.name, step.state) for step in detail.steps} == {
        (f"datasets/{name}", "waiting") for name in ("orders", "totals", "top")
    }
    assert (detail.done, detail.actions, detail.error) == (0, ("cancel",), "")


def test_a_run_that_is_done_says_what_it_made(instance, shop, nightly):
    shop.execute(instance, nightly)
    detail = show_run(instance, nightly)
    assert (detail.summary.state, detail.done, detail.actions) == (RunState.DONE, 3, ())
    assert [(made.noun, made.name, made.rows, made.version) for made in detail.made] == [
        ("dataset", name, 7, 3) for name in ("orders", "totals", "top")
    ]
    assert all(step.rows == 7 and step.seconds is not None for step in detail.steps)
    assert detail.summary.duration is not None
    assert (
        "making top <b>now</b>" in [event.text for event in detail.log if event.kind == "note"][-2]
    )


def test_a_run_that_failed_says_why_and_where_it_ended(instance, shop, nightly):
    shop.broken = "totals"
    shop.execute(instance, nightly)
    detail = show_run(instance, nightly)
    assert detail.error == "datasets/totals: totals.csv, line 3: 4 fields"
    assert {step.name: step.state for step in detail.steps} == {
        "datasets/orders": "done",
        "datasets/totals": "failed",
        "datasets/top": "not reached",
    }
    assert detail.actions == ("retry",)


def test_a_step_whose_process_was_killed_has_not_come_to_its_end(instance, nightly):
    run = instance.get_run_by_id(nightly)
    event = dg.DagsterEvent("STEP_START", "nightly", step_key="datasets__orders")
    instance.report_dagster_event(event, run.run_id)
    assert next(step.state for step in show_run(instance, nightly).steps) == "running"
    instance.report_run_failed(run, message="The process of this run was killed.")
    detail = show_run(instance, nightly)
    assert detail.steps[0].state == "failed"
    assert "did not come to its end" in detail.error


@pytest.mark.parametrize("run_id", ["", "x", "../runs/index", "\x00", "%", "a" * 5000])
def test_an_id_that_is_none_makes_no_file(home, instance, run_id):
    before = sorted(home.dagster.rglob("*"))
    with pytest.raises(NotFoundError):
        show_run(instance, run_id)
    assert sorted(home.dagster.rglob("*")) == before


def test_a_run_of_another_project_is_not_there(instance, nightly):
    assert show_run(instance, nightly, location="waybill").steps
    with pytest.raises(NotFoundError):
        show_run(instance, nightly, location="elsewhere")
