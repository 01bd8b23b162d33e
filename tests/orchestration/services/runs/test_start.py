"""Work asked of a server: queued at once, and one run for one key, whoever asks at the same moment or dies meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent

from orchestration.services.runs.start import ACTOR_TAG, KEY_TAG, Asked, start_run
from resources.kernel.errors import InputError
from tests.faults import kill_at

ORDERS = dg.AssetKey(["datasets", "orders"])


@pytest.fixture(scope="module")
def job():
    @dg.asset(key=ORDERS)
    def orders(): ...

    @dg.asset
    def other(): ...

    jobs = [dg.define_asset_job("work", "*", tags={"of": "the job"})]
    return dg.Definitions(assets=[orders, other], jobs=jobs).resolve_job_def("work")


def queued_events(instance, run_id):
    wanted = dg.DagsterEventType.RUN_ENQUEUED
    return [log for log in instance.all_logs(run_id) if log.dagster_event_type == wanted]


def test_the_run_waits_in_the_queue_and_says_who_asked(home, instance, job):
    run_id = start_run(home, instance, job, Asked("ada"), assets=[ORDERS], tags={"more": "tags"})
    run = instance.get_run_by_id(run_id)
    assert run.status == dg.DagsterRunStatus.QUEUED
    assert run.asset_selection == {ORDERS}
    assert {"of": "the job", "more": "tags", ACTOR_TAG: "ada"}.items() <= run.tags.items()
    assert KEY_TAG not in run.tags
    assert start_run(home, instance, job, Asked("ada")) != run_id


def test_one_key_of_one_actor_is_one_run_whoever_asks_at_once(home, instance, job):
    with ThreadPoolExecutor(8) as many:
        asked = [Asked("ada", "k1")] * 16
        found = set(many.map(lambda one: start_run(home, instance, job, one), asked))
    (run_id,) = found
    assert len(instance.get_runs()) == 1
    assert len(queued_events(instance, run_id)) == 1
    others = {
        start_run(home, instance, job, one) for one in (Asked("bob", "k1"), Asked("ada", "k2"))
    }
    assert len(others | found) == 3


def test_the_answer_to_a_key_stays_when_the_run_has_ended(home, instance, job):
    run_id = start_run(home, instance, job, Asked("ada", "k"))
    instance.report_run_canceled(instance.get_run_by_id(run_id))
    assert start_run(home, instance, job, Asked("ada", "k")) == run_id
    assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.CANCELED


@pytest.mark.kill
@pytest.mark.parametrize("step", range(4))
def test_whoever_is_killed_on_the_way_leaves_one_run_to_the_next(home, instance, job, step):
    def ask():
        return start_run(home, instance, job, Asked("ada", "k"))

    targets = [(dg.DagsterInstance, "create_run_for_job"), (DagsterEvent, "job_enqueue")]
    assert kill_at(ask, targets, step).killed
    run_id = ask()
    (run,) = instance.get_runs()
    assert (run.run_id, run.status) == (run_id, dg.DagsterRunStatus.QUEUED)
    assert len(queued_events(instance, run_id)) == 1


def test_a_key_is_not_taken_for_other_work(home, instance, job):
    run_id = start_run(home, instance, job, Asked("ada", "k"))
    with pytest.raises(InputError, match=f"other work before: run {run_id} of work"):
        start_run(home, instance, job, Asked("ada", "k"), assets=[ORDERS])
    assert len(instance.get_runs()) == 1


@pytest.mark.parametrize("key", ["k" * 256, "a\nb", "café", "\x00"])
def test_a_key_that_no_header_carries_is_refused(key):
    with pytest.raises(InputError, match="printable ASCII"):
        Asked("ada", key)
