"""No task is stuck: a run that is gone, one that does not stop, one that never began, a deletion that was left half-way."""

from datetime import timedelta

import dagster as dg
import pytest

from assets.collections.tasks import keeping_task
from orchestration.imports.targets import target_of
from orchestration.services.import_tasks import lost
from orchestration.services.import_tasks.lost import settle_all
from orchestration.services.import_tasks.steering import (
    delete_all,
    delete_task,
    stop_all,
    stop_task,
)
from orchestration.services.locks import hold
from orchestration.services.runs.process import RunProcess, lock_of
from orchestration.services.runs.watch import run_here
from resources.kernel.errors import NotFoundError, StorageError
from resources.stores.catalog.import_tasks.records import TransitionError
from resources.stores.task_uploads import TaskUploads

STARTED = dg.DagsterRunStatus.STARTED


@pytest.fixture
def going(bench):
    """A task in the hands of a run, as if its process lived."""
    made = bench.make("*")
    bench.records.tasks.act(made.id, "start", "ada", run_id=_RUN)
    bench.records.tasks.begin(made.id, _RUN, "ada")
    return made.id


_RUN = "6f0c7d9e-3b1a-4d55-9a57-3f6d2f1c8a11"


def add_run(bench, status=STARTED, **tags: str):
    run = dg.DagsterRun(job_name="import_docs", run_id=_RUN, status=status, tags=tags)
    bench.place.instance.add_run(run)


def settled(bench) -> int:
    return settle_all(bench.records.database, bench.place.instance)


def test_a_task_whose_process_is_gone_is_failed_by_whoever_looks(bench, going):
    lock = lock_of(_RUN)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with hold(lock):
        add_run(bench, **RunProcess(_RUN, lock=str(lock)).tags)
        assert (settled(bench), bench.show(going).state) == (0, "importing")
    found = bench.show(going)
    assert (found.state, found.can) == ("failed", ("retry", "delete"))
    assert found.reason == f"interrupted: run {_RUN} ended without a word"
    assert found.events[-1].actor == "waybill"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (dg.DagsterRunStatus.FAILURE, "failed"),
        (dg.DagsterRunStatus.SUCCESS, "failed"),
        (dg.DagsterRunStatus.CANCELED, "stopped"),
    ],
)
def test_a_run_that_ended_without_a_word_is_seen_by_the_round(bench, going, status, state):
    add_run(bench, status)
    assert settled(bench) == 1
    assert bench.records.tasks.find(going).state == state


def test_a_run_that_failed_before_it_took_the_task_up_says_why(bench, tmp_path):
    """The folder of the catalog's store cannot be written: the asset raises before it looks at the task."""
    made = bench.make("*")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping_task, "end_lost_run", _broken)
        found = bench.start(made.id)
    assert (found.state, found.run_ids) == (
        "not_started",
        (),
    )  # who has not begun has nothing to end
    bench.records.tasks.act(made.id, "start", "ada", run_id=_failed_run(bench))
    found = bench.show(made.id)
    assert found.state == "failed"
    assert found.reason == "the disk of the store is gone"


def _broken(*_given: object) -> None:
    raise StorageError("the disk of the store is gone")


def _failed_run(bench) -> str:
    [run] = bench.place.instance.get_runs()
    assert run.status == dg.DagsterRunStatus.FAILURE
    return run.run_id


def test_a_run_that_never_came_about_is_waited_for_a_little(bench, going, monkeypatch):
    assert (settled(bench), bench.show(going).state) == (0, "importing")
    monkeypatch.setattr(lost, "_TO_APPEAR", timedelta(0))
    assert (settled(bench), bench.show(going).state) == (1, "failed")


def test_a_queued_run_is_called_off_by_stop_and_by_delete(bench):
    from orchestration.services.import_tasks.starting import start_task

    one, two = (start_task(bench.place, bench.make("*").id) for _ in range(2))
    assert stop_task(bench.records, one.id, "bob").state == "stopped"
    assert delete_task(bench.records, two.id, "bob") is None
    statuses = {run.status for run in bench.place.instance.get_runs()}
    assert statuses == {dg.DagsterRunStatus.CANCELED}
    assert stop_task(bench.records, one.id, "bob").state == "stopped"  # once more: no effect
    told = stop_all(bench.records, [one.id, two.id], "bob")
    assert [(answer.ok, answer.state) for answer in told] == [(True, "stopped"), (False, None)]
    assert [answer.ok for answer in delete_all(bench.records, [one.id], "bob")] == [True]


def test_a_stopped_task_is_not_begun_again_by_dagster_itself(bench, going):
    bench.put("a.txt", "A.")
    add_run(bench)
    stop_task(bench.records, going, "bob")  # and everything is killed
    bench.place.instance.delete_run(_RUN)
    add_run(bench, dg.DagsterRunStatus.FAILURE)
    assert settled(bench) == 1
    place, stored = bench.place, bench.records.find(going)
    target = target_of("collection")
    run_here(
        place.home,
        place.instance,
        place.location.job(target.job(place.location, stored)),
        lambda _: None,
        config=target.config(place.location, stored),
        tags={"dagster/retry_number": "1"},
        assets=(),
    )
    assert bench.show(going).state == "stopped"
    assert bench.start(going).state == "completed"  # who asks gets it


def test_a_run_that_does_not_stop_is_cancelled(bench, going, monkeypatch):
    add_run(bench)
    asked: list[str] = []
    monkeypatch.setattr(lost, "cancel_run", lambda _instance, run_id: asked.append(run_id))
    stop_task(bench.records, going, "bob")
    assert (settled(bench), asked) == (0, [])  # it has some seconds
    monkeypatch.setattr(lost, "STOP_SECONDS", 0.0)
    settled(bench)
    assert asked == [_RUN]


def test_a_deletion_waits_for_the_run_and_is_done_by_the_round(bench):
    made = bench.make(bench.uploads(**{"a.txt": b"A."}))
    bench.records.tasks.act(made.id, "start", "ada", run_id=_RUN)
    bench.records.tasks.begin(made.id, _RUN, "ada")
    add_run(bench)
    assert delete_task(bench.records, made.id, "bob").state == "deleting"
    with pytest.raises(TransitionError, match="being deleted"):
        stop_task(bench.records, made.id, "bob")
    bench.place.instance.delete_run(_RUN)
    add_run(bench, dg.DagsterRunStatus.SUCCESS)
    assert settled(bench) == 1
    with pytest.raises(NotFoundError):
        bench.show(made.id)
    with pytest.raises(Exception, match="not in"), TaskUploads.open().of(made.id).read("a" * 64):
        pass
