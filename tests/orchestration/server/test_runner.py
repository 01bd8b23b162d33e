"""Runs forked from the process of their code location: they run, stop, die and are reported like any other."""

import os
import signal
import socket
import threading
from pathlib import Path

import dagster as dg
import pytest

from orchestration.server import threads
from orchestration.server.launcher import ask_runner
from orchestration.server.liveness import is_dead
from orchestration.server.runner import Request, Runner
from orchestration.server.settings import RUNNERS_VARIABLE
from orchestration.server.workspace import runner_socket
from orchestration.services.runs.cancel import cancel_run
from orchestration.services.runs.process import RunProcess
from tests.orchestration.server.runs import LOCATION, launch, new_run, wait_until

SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
CANCELED = dg.DagsterRunStatus.CANCELED


@pytest.fixture
def started(warm):
    """Starts a run of an asset and waits until it is in its step, if it is one that stays there."""
    folder, instance, _ = warm
    for name in ("slow", "cleaned", "attempts"):
        (folder / name).unlink(missing_ok=True)

    def start(asset: str, tags: dict[str, str] | None = None) -> dg.DagsterRun:
        run = new_run(instance, folder / "tiny_code.py", asset, tags=tags)
        launch(instance, run)
        if asset in ("slow", "deaf", "stubborn"):
            wait_until(lambda: (folder / "slow").exists() and (folder / "slow").read_text())
        return instance.get_run_by_id(run.run_id)

    return start


def process_of(run) -> RunProcess:
    return RunProcess.of(run.run_id, run.tags)


def wait_for(instance, run, *statuses):
    wait_until(lambda: instance.get_run_by_id(run.run_id).is_finished)
    assert instance.get_run_by_id(run.run_id).status in statuses


def messages(instance, run):
    return "\n".join(record.message for record in instance.all_logs(run.run_id))


def the_runner() -> Path:
    return runner_socket(Path(os.environ[RUNNERS_VARIABLE]), LOCATION)


def runs_of(location) -> list[str]:
    """Names of the children of the location's process that are runs."""
    pid = location.current.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    names = [Path(f"/proc/{child}/comm").read_text().strip() for child in children]
    return [name for name in names if name != "waybill-server"]


def test_a_run_succeeds_and_leaves_nothing(warm, started):
    _, instance, location = warm
    run = started("moving")
    assert process_of(run).runner == str(the_runner().resolve())
    wait_for(instance, run, SUCCESS)
    made = instance.get_latest_materialization_event(dg.AssetKey("moving"))
    assert made.asset_materialization.metadata["total"].value == 3000
    wait_until(lambda: not Path(process_of(run).lock).exists())
    wait_until(lambda: runs_of(location) == [])


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
    cancel_run(instance, run.run_id)
    wait_for(instance, run, CANCELED)
    assert (folder / "cleaned").exists()


@pytest.mark.parametrize("wrapped", ["", "yes"], ids=["as it is", "within a library's error"])
def test_a_stopped_run_is_canceled_and_no_op_of_it_tried_again(warm, started, wrapped):
    folder, instance, _ = warm
    (folder / "wrapped").write_text(wrapped)
    run = started("stubborn")
    assert instance.run_launcher.terminate(run.run_id)
    wait_for(instance, run, CANCELED)
    assert (folder / "attempts").read_text() == "x"
    kinds = [entry.dagster_event.event_type_value for entry in instance.all_logs(run.run_id)]
    assert kinds.count("PIPELINE_CANCELED") == 1
    assert not {"STEP_RESTARTED", "PIPELINE_FAILURE"} & set(kinds)


def test_a_run_whose_parent_has_gone_is_stopped_by_the_lock_it_holds(warm, started):
    folder, instance, _ = warm
    run = started("slow")
    elsewhere = RunProcess(run.run_id, lock=process_of(run).lock, runner=str(folder / "gone"))
    instance.add_run_tags(run.run_id, elsewhere.tags)
    assert instance.run_launcher.terminate(run.run_id)
    wait_for(instance, run, CANCELED)


def test_what_a_parents_tags_say_of_its_process_is_not_believed(warm, started):
    folder, instance, _ = warm
    parent = RunProcess("another run", lock=str(folder / "gone.lock"), runner="gone")
    run = started("slow", {**parent.tags, ".dagster/grpc_info": '{"socket": "/none"}'})
    assert process_of(run).run_id == run.run_id
    assert instance.run_launcher.check_run_worker_health(run).status.value == "RUNNING"
    assert instance.run_launcher.terminate(run.run_id)
    wait_for(instance, run, CANCELED)


def test_a_run_that_does_not_listen_is_killed(warm, started):
    _, instance, _ = warm
    run = started("deaf")
    assert instance.run_launcher.terminate(run.run_id)
    wait_for(instance, run, CANCELED)
    assert is_dead(run)


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
        b'{"action": "start", "run_id": 1, "arguments": "a", "lock": "l"}',
        b'{"action": "start", "run_id": "r", "arguments": ["a"], "lock": "l"}',
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
    path = str(the_runner())
    for line in (b"", b"[]\n", b"nonsense\n", b"\xff\n"):
        with socket.socket(socket.AF_UNIX) as connection:
            wait_until(lambda: connection.connect_ex(path) == 0)
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b""
    assert warm[2].current.poll() is None


def test_a_fork_that_nobody_tells_to_go_does_nothing(warm):
    folder, _, _ = warm
    lock = folder / "never.lock"
    facts = {"arguments": "{}", "lock": str(lock)}
    with ask_runner(str(the_runner()), "start", "never", **facts) as answer:
        assert answer is not None
        assert lock.exists()
    wait_until(lambda: not lock.exists())


def test_without_a_runner_dagsters_own_way_is_taken(warm, monkeypatch):
    folder, instance, _ = warm
    monkeypatch.setenv(RUNNERS_VARIABLE, str(folder / "none"))
    parent = RunProcess("another run", lock=str(folder / "gone.lock"))
    run = new_run(instance, folder / "tiny_code.py", "quick", tags=parent.tags)
    with pytest.raises(dg.DagsterInvariantViolationError, match="requires a workspace"):
        launch(instance, run)
    found = instance.get_run_by_id(run.run_id)
    assert process_of(found) == RunProcess(run.run_id)
    assert not is_dead(found)


def test_a_process_with_another_thread_does_not_fork(monkeypatch, tmp_path):
    monkeypatch.setenv("WAYBILL_NEWS", str(tmp_path / "news.txt"))
    runner = Runner(None, "tiny", lambda: 0, lambda _question, _connection: 0)
    done = threading.Event()
    other = threading.Thread(target=done.wait, name="the other")
    other.start()
    try:
        assert "the other" in threads.other_threads()
        assert [runner.fork(), runner.fork()] == [None, None]
    finally:
        done.set()
        other.join()
    said = (tmp_path / "news.txt").read_text().splitlines()
    assert len(said) == 1
    assert "keeps threads of its own" in said[0]
