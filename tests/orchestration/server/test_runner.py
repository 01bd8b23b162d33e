"""Runs forked from the warm process: they run, stop, die and are reported like any other."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from orchestration.server import runner
from orchestration.server.launcher import RUNNER_TAG, ask_runner
from orchestration.server.liveness import is_dead
from orchestration.server.runner import Request, Runner, project_files
from orchestration.server.settings import RUNNER_VARIABLE
from orchestration.services.home import open_home
from orchestration.services.locks import RUN_LOCK_TAG
from tests.orchestration.server.runs import launch, new_run, write_code

SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
CANCELED = dg.DagsterRunStatus.CANCELED


def wait_until(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A runner, its folder and an instance that launches through it."""
    folder = tmp_path_factory.mktemp("warm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(folder / "home"))
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.setenv("DAGSTER_HOME", str(open_home().dagster))
        patch.setenv("TINY_FOLDER", str(folder))
        path = folder / "r.sock"
        patch.setenv(RUNNER_VARIABLE, str(path))
        with (folder / "runner.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.server.runner", str(path)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(path.exists)
            with dg.DagsterInstance.get() as instance:
                yield folder, instance, process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def started(warm):
    """Starts a run of an asset and waits until it is in its step, if it is one that stays there."""
    folder, instance, _ = warm
    code = write_code(folder)
    for name in ("slow", "cleaned"):
        (folder / name).unlink(missing_ok=True)

    def start(asset: str) -> dg.DagsterRun:
        run = new_run(instance, code, asset)
        # Declined while somebody edits the project's code: the runner is back within seconds.
        wait_until(lambda: is_launched(instance, run))
        if asset in ("slow", "deaf"):
            wait_until(lambda: (folder / "slow").exists() and (folder / "slow").read_text())
        return instance.get_run_by_id(run.run_id)

    return start


def is_launched(instance, run) -> bool:
    try:
        launch(instance, run)
    except dg.DagsterInvariantViolationError:
        return False
    return True


def wait_for(instance, run, *statuses):
    wait_until(lambda: instance.get_run_by_id(run.run_id).is_finished)
    assert instance.get_run_by_id(run.run_id).status in statuses


def messages(instance, run):
    return "\n".join(record.message for record in instance.all_logs(run.run_id))


def test_a_run_succeeds_and_leaves_nothing(warm, started):
    _, instance, process = warm
    run = started("quick")
    assert run.tags[RUNNER_TAG] == os.environ[RUNNER_VARIABLE]
    wait_for(instance, run, SUCCESS)
    assert instance.get_latest_materialization_event(dg.AssetKey("quick"))
    lock = Path(run.tags[RUN_LOCK_TAG])
    wait_until(lambda: not lock.exists())
    assert process.poll() is None


def test_forks_do_not_draw_the_same_random_numbers(warm, started):
    folder, instance, _ = warm
    for run in [started("quick"), started("quick")]:
        wait_for(instance, run, SUCCESS)
    drawn = [path.read_text() for path in folder.glob("quick-*")]
    assert len(drawn) == len(set(drawn)) >= 2


def test_a_failure_is_the_runs_own(warm, started):
    _, instance, _ = warm
    run = started("failing")
    wait_for(instance, run, FAILURE)
    errors = [
        event.event_specific_data.error.to_string()
        for event in (record.dagster_event for record in instance.all_logs(run.run_id))
        if event is not None and event.is_step_failure
    ]
    assert "no luck" in errors[0]
    assert "was killed" not in messages(instance, run)


def test_a_run_is_stopped_and_cleans_up(warm, started):
    folder, instance, _ = warm
    run = started("slow")
    assert instance.run_launcher.terminate(run.run_id)
    wait_for(instance, run, CANCELED)
    assert (folder / "cleaned").exists()


def test_a_run_that_does_not_listen_is_killed(warm, started):
    _, instance, _ = warm
    run = started("deaf")
    assert instance.run_launcher.terminate(run.run_id)
    wait_for(instance, run, CANCELED)
    assert is_dead(run.tags)


@pytest.mark.kill
def test_a_killed_run_is_reported_at_once(warm, started):
    folder, instance, _ = warm
    run = started("slow")
    assert instance.run_launcher.check_run_worker_health(run).status.value == "RUNNING"
    os.kill(int((folder / "slow").read_text()), signal.SIGKILL)
    wait_for(instance, run, FAILURE)
    assert "was killed (out of memory?)" in messages(instance, run)
    assert instance.run_launcher.check_run_worker_health(run).status.value == "FAILED"


def test_a_finished_run_cannot_be_stopped(warm, started):
    _, instance, _ = warm
    run = started("quick")
    wait_for(instance, run, SUCCESS)
    assert not instance.run_launcher.terminate(run.run_id)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"nonsense",
        b'{"action": "start", "run_id": "r"}',
        b'{"action": "start", "run_id": 1, "arguments": ["a"], "lock": "l"}',
        b'{"action": "start", "run_id": "r", "arguments": "a", "lock": "l"}',
        b'{"action": "start", "run_id": "r", "arguments": [1], "lock": "l"}',
        b'{"action": "else", "run_id": "r"}',
        b'{"action": "stop"}',
        b"\xff",
    ],
)
def test_what_is_no_request_is_refused(line):
    with pytest.raises(ValueError, match=r"start|texts|JSON|Expecting|decode"):
        Request.parse(line)


def test_nonsense_does_not_end_the_runner(warm):
    path = os.environ[RUNNER_VARIABLE]
    for line in (b"", b"[]\n", b"nonsense\n", b"\xff\n"):
        with socket.socket(socket.AF_UNIX) as connection:
            wait_until(lambda: connection.connect_ex(path) == 0)
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b""
    assert warm[2].poll() is None


def test_a_fork_that_nobody_tells_to_go_does_nothing(warm):
    folder, _, _ = warm
    lock = folder / "never.lock"
    facts = {"arguments": ["api", "execute_run", "{}"], "lock": str(lock)}
    with ask_runner(os.environ[RUNNER_VARIABLE], "start", "never", **facts) as answer:
        assert answer is not None
        assert lock.exists()
    wait_until(lambda: not lock.exists())


def test_without_a_runner_dagsters_own_way_is_taken(warm, monkeypatch):
    folder, instance, _ = warm
    monkeypatch.setenv(RUNNER_VARIABLE, str(folder / "none.sock"))
    run = new_run(instance, write_code(folder), "quick")
    with pytest.raises(dg.DagsterInvariantViolationError, match="requires a workspace"):
        launch(instance, run)
    assert RUNNER_TAG not in instance.get_run_by_id(run.run_id).tags


def test_a_runner_declines_when_code_has_changed(tmp_path):
    code = tmp_path / "loaded.py"
    code.write_text("a = 1")
    os.utime(code, ns=(1, 1))
    runner = Runner(listener=None, loaded={code: 1})
    code.unlink()
    assert runner.fork_run("r") is None
    assert runner.is_stale
    assert runner.workers == {}


def test_the_projects_own_files_are_watched():
    watched = project_files()
    assert any(path.name == "runner.py" for path in watched)
    assert not any(".venv" in path.parts for path in watched)


def test_scripts_that_run_when_imported_are_not_kept_warm():
    names = list(runner._own_modules())
    assert "resources.stores.catalog" in names
    assert not [name for name in names if ".migrations" in name]
