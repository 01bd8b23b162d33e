"""Runs whose process is gone are told from those that go on (E46)."""

import json
import socket

import dagster as dg
import pytest

from orchestration.server.liveness import SERVER_TAG, is_dead
from orchestration.server.reconcile import fail_interrupted_runs
from orchestration.services.locks import RUN_LOCK_TAG, hold
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


def server_tag(path) -> dict[str, str]:
    return {SERVER_TAG: json.dumps({"host": "localhost", "socket": str(path)})}


@pytest.mark.parametrize(
    ("before", "after"),
    [("STARTING", FAILURE), ("STARTED", FAILURE), ("CANCELING", CANCELED)],
)
def test_a_run_of_a_dead_process_is_closed(instance, code, tmp_path, before, after):
    tags = {RUN_LOCK_TAG: str(tmp_path / "gone.lock")}
    run = new_run(instance, code, "quick", status=before, tags=tags)
    assert fail_interrupted_runs(instance) == [run.run_id]
    assert instance.get_run_by_id(run.run_id).status == after
    assert fail_interrupted_runs(instance) == []


@pytest.mark.parametrize("before", ["SUCCESS", "FAILURE", "CANCELED", "NOT_STARTED"])
def test_a_run_that_does_not_go_on_is_left_alone(instance, code, tmp_path, before):
    tags = {RUN_LOCK_TAG: str(tmp_path / "gone.lock")}
    new_run(instance, code, "quick", status=before, tags=tags)
    assert fail_interrupted_runs(instance) == []


def test_a_run_that_holds_its_lock_is_left_alone(instance, code, tmp_path):
    lock = tmp_path / "run.lock"
    new_run(instance, code, "quick", status="STARTED", tags={RUN_LOCK_TAG: str(lock)})
    with hold(lock):
        assert fail_interrupted_runs(instance) == []
    assert len(fail_interrupted_runs(instance)) == 1


def test_a_run_of_a_code_server_lives_as_long_as_its_socket_answers(tmp_path):
    path = tmp_path / "code.sock"
    assert is_dead(server_tag(path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert not is_dead(server_tag(path))
    assert is_dead(server_tag(path))


@pytest.mark.parametrize(
    "tags",
    [{}, {SERVER_TAG: json.dumps({"host": "example.com", "port": 4000})}, {"x": "y"}],
    ids=["no tag", "a server elsewhere", "another tag"],
)
def test_what_is_not_known_to_be_dead_is_alive(tags):
    assert not is_dead(tags)
