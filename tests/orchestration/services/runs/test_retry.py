"""A run repeated: behind what was done where it failed, whole where it was stopped, and never twice at once."""

from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest

from orchestration.services.runs.detail import show_run
from orchestration.services.runs.retry import start_retry
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.states import RunState
from resources.kernel.errors import ConflictError, InputError, NotFoundError

ADA = Asked("ada")
ORDERS = dg.AssetKey(["datasets", "orders"])


@pytest.fixture
def retry(home, instance, shop):
    return lambda run_id, asked=ADA: start_retry(home, shop.location, instance, run_id, asked)


@pytest.fixture
def failed(home, instance, shop):
    """A run of which the second of three steps failed."""
    shop.broken = "totals"
    run_id = start_run(home, instance, shop.location.job("nightly"), ADA, tags={"why": "asked"})
    shop.execute(instance, run_id)
    shop.broken, shop.made = "", []
    return run_id


def test_what_was_done_is_not_done_again(instance, shop, failed, retry):
    run_id = retry(failed, Asked("bob"))
    assert show_run(instance, run_id).summary.state == RunState.QUEUED
    assert show_run(instance, failed).retried_as == run_id
    shop.execute(instance, run_id)
    assert shop.made == ["totals", "top"]
    detail = show_run(instance, run_id)
    assert (detail.summary.state, detail.summary.parent) == (RunState.DONE, failed)
    assert [(step.name, step.state) for step in detail.steps] == [
        ("datasets/totals", "done"),
        ("datasets/top", "done"),
    ]
    assert detail.tags == {"of": "the job", "waybill/actor": "bob", "why": "asked"}


def test_a_stopped_run_begins_anew(home, instance, shop, retry):
    job = shop.location.asset_job()
    stopped = start_run(home, instance, job, ADA, assets=[ORDERS])
    instance.report_run_canceled(instance.get_run_by_id(stopped))
    shop.execute(instance, run_id := retry(stopped))
    assert shop.made == ["orders"]
    assert instance.get_run_by_id(run_id).asset_selection == {ORDERS}


def test_two_who_ask_at_once_get_one_run(instance, failed, retry):
    def ask(_number):
        try:
            return retry(failed)
        except ConflictError as error:
            return error.facts["state"]

    with ThreadPoolExecutor(4) as many:
        answers = list(many.map(ask, range(4)))
    assert answers.count("failed") == 3
    assert len(instance.get_runs()) == 2


def test_a_key_repeats_once_and_stands_for_nothing_else(home, instance, shop, failed, retry):
    again = retry(failed, Asked("ada", "k"))
    assert retry(failed, Asked("ada", "k")) == again
    instance.report_run_canceled(instance.get_run_by_id(again))
    with pytest.raises(InputError, match="other work before"):
        retry(again, Asked("ada", "k"))
    assert len(instance.get_runs()) == 2


def test_what_is_under_way_or_done_is_not_repeated(home, instance, shop, retry):
    run_id = start_run(home, instance, shop.location.job("nightly"), ADA)
    with pytest.raises(ConflictError, match="has not ended yet: queued"):
        retry(run_id)
    shop.execute(instance, run_id)
    with pytest.raises(ConflictError, match="has ended already: done"):
        retry(run_id)
    with pytest.raises(NotFoundError):
        retry("../../etc/passwd")


def test_a_run_that_dagster_is_going_to_repeat_is_left_to_it(instance, failed, retry):
    instance.add_run_tags(failed, {"dagster/will_retry": "true"})
    with pytest.raises(ConflictError, match="tried again by itself"):
        retry(failed)
