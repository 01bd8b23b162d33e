"""Runs whose process is gone are told from those that go on (E46)."""

import json
import socket
import subprocess
import tempfile

import dagster as dg
import pytest

from orchestration.server.launcher import WarmRunLauncher
from orchestration.server.liveness import is_dead
from orchestration.server.reconcile import fail_interrupted_runs
from orchestration.server.settings import RUNNERS_VARIABLE
from orchestration.server.workspace import is_own_socket
from orchestration.services.locks import hold
from orchestration.services.runs.process import PROCESS_TAG, RunProcess, lock_of
from tests.orchestration.server.runs import new_run, write_code

FAILURE, CANCELED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED


@pytest.fixture
def code(tmp_path, monkeypatch):
    monkeypatch.setenv("TINY_FOLDER", str(tmp_path))
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.setenv(RUNNERS_VARIABLE, str(tmp_path / "sockets"))
    for name in ("locks", "sockets"):
        (tmp_path / name).mkdir()
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
        facts = facts or {"lock": str(lock_of(run.run_id))}
        instance.add_run_tags(run.run_id, RunProcess(run.run_id, **facts).tags)
        return instance.get_run_by_id(run.run_id)

    return make


@pytest.mark.parametrize(
    ("before", "after"),
    [("STARTING", FAILURE), ("STARTED", FAILURE), ("CANCELING", CANCELED)],
)
def test_a_run_of_a_dead_process_is_closed(instance, run_of, before, after):
    run = run_of(before)
    assert fail_interrupted_runs(instance) == [run.run_id]
    assert instance.get_run_by_id(run.run_id).status == after
    assert fail_interrupted_runs(instance) == []


@pytest.mark.parametrize("before", ["SUCCESS", "FAILURE", "CANCELED", "NOT_STARTED"])
def test_a_run_that_does_not_go_on_is_left_alone(instance, run_of, before):
    run_of(before)
    assert fail_interrupted_runs(instance) == []


def test_a_run_that_holds_its_lock_is_left_alone(instance, run_of):
    run = run_of("STARTED")
    with hold(lock_of(run.run_id)):
        assert fail_interrupted_runs(instance) == []
    assert len(fail_interrupted_runs(instance)) == 1


def test_a_run_of_a_code_server_lives_as_long_as_its_socket_answers(run_of, tmp_path):
    path = tmp_path / "sockets" / "code.sock"
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


def test_only_places_of_this_home_and_its_servers_are_looked_at(instance, run_of, tmp_path):
    # Whoever launches a run may write its tags, the run's own id among them.
    victim = subprocess.Popen(["sleep", "300"])
    lock, path = tmp_path / "theirs.lock", tmp_path / "theirs.sock"
    with victim, socket.socket(socket.AF_UNIX) as listener, hold(lock, note=str(victim.pid)):
        listener.bind(str(path))
        listener.listen()
        listener.setblocking(False)
        for facts in (
            {"lock": str(lock), "runner": str(path)},
            {"lock": str(lock)},
            {"server": str(path)},
            {"server": str(tmp_path / "sockets" / ".." / "theirs.sock")},
        ):
            run = run_of("STARTED", **facts)
            assert not is_dead(run)
            launcher = WarmRunLauncher()
            launcher.register_instance(instance)
            launcher.terminate(run.run_id)
        run = run_of("STARTED")
        tag = RunProcess(run.run_id, lock=str(lock_of(run.run_id)), runner=str(path))
        instance.add_run_tags(run.run_id, tag.tags)
        launcher.terminate(run.run_id)
        with pytest.raises(BlockingIOError):
            listener.accept()  # nobody asked
        assert victim.poll() is None
        victim.kill()


@pytest.mark.parametrize(
    ("name", "is_own"),
    [
        ("waybill.server.gone/code.1.sock", True),
        ("waybill.server.here/code.1.sock", True),
        ("waybill.server.link/code.1.sock", False),
        ("elsewhere/code.1.sock", False),
        ("waybill.server.here/deeper/code.1.sock", False),
    ],
)
def test_sockets_of_servers_that_have_gone_count_as_theirs(tmp_path, monkeypatch, name, is_own):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "waybill.server.here").mkdir()
    (tmp_path / "waybill.server.link").symlink_to(tmp_path / "waybill.server.here")
    assert is_own_socket(str(tmp_path / name)) == is_own
