"""Runs whose process is gone are told from those that go on (E46)."""

import json
import socket

import dagster as dg
import pytest

from orchestration.server.liveness import is_dead
from orchestration.server.reconcile import fail_interrupted_runs
from orchestration.services.locks import hold
from orchestration.services.run_process import PROCESS_TAG, RunProcess
from tests.orchestration.server.runs import new_run, write_code

FAILURE, CANCELED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED


@pytest.fixture
def code(tmp_path, monkeypatch):
    monkeypatch.setenv("TINY_FOLDER", str(tmp_path))
    return write_code(tmp_path)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def run_of(instance, code):
    """A run of which its own tags say where its process is."""

    def make(status: str, **facts) -> dg.DagsterRun:
        run = new_run(instance, code, "quick", status=status)
        instance.add_run_tags(run.run_id, RunProcess(run.run_id, **facts).tags)
        return instance.get_run_by_id(run.run_id)

    return make


@pytest.mark.parametrize(
    ("before", "after"),
    [("STARTING", FAILURE), ("STARTED", FAILURE), ("CANCELING", CANCELED)],
)
def test_a_run_of_a_dead_process_is_closed(instance, run_of, tmp_path, before, after):
    run = run_of(before, lock=str(tmp_path / "gone.lock"))
    assert fail_interrupted_runs(instance) == [run.run_id]
    assert instance.get_run_by_id(run.run_id).status == after
    assert fail_interrupted_runs(instance) == []


@pytest.mark.parametrize("before", ["SUCCESS", "FAILURE", "CANCELED", "NOT_STARTED"])
def test_a_run_that_does_not_go_on_is_left_alone(instance, run_of, tmp_path, before):
    run_of(before, lock=str(tmp_path / "gone.lock"))
    assert fail_interrupted_runs(instance) == []


def test_a_run_that_holds_its_lock_is_left_alone(instance, run_of, tmp_path):
    lock = tmp_path / "run.lock"
    run_of("STARTED", lock=str(lock))
    with hold(lock):
        assert fail_interrupted_runs(instance) == []
    assert len(fail_interrupted_runs(instance)) == 1


def test_a_run_of_a_code_server_lives_as_long_as_its_socket_answers(run_of, tmp_path):
    path = tmp_path / "code.sock"
    run = run_of("STARTED", server=str(path))
    assert is_dead(run)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert not is_dead(run)
    assert is_dead(run)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {".dagster/grpc_info": json.dumps({"host": "localhost", "socket": "/gone"})},
        {PROCESS_TAG: "nonsense"},
        {PROCESS_TAG: '["nonsense"]'},
        {PROCESS_TAG: '{"run_id": "r", "more": 1}'},
        RunProcess("its parent", lock="/gone").tags,
        RunProcess("its parent", server="/gone").tags,
    ],
    ids=["none", "Dagster's", "text", "list", "another field", "parent's lock", "parent's server"],
)
def test_what_is_not_known_to_be_dead_is_alive(instance, code, tags):
    run = new_run(instance, code, "quick", status="STARTED", tags=tags)
    assert not is_dead(run)
    assert fail_interrupted_runs(instance) == []
