"""The server's processes end with it, however it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.server import reaper
from orchestration.server.process import RESTARTS, ProcessGroups, Service

# Starts a child of its own in its group, says both ids, then sleeps.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether the process runs; one that is dead and unburied does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def service(tmp_path):
    return Service("sleeper", [sys.executable, "-S", "-c", PARENT], tmp_path / "sleeper.log")


def child_of(service: Service) -> int:
    wait_until(lambda: service.log.read_text().strip())
    return int(service.log.read_text().split()[0])


def test_a_group_ends_with_the_context(service, tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    with ProcessGroups(folder) as groups:
        groups.add(service.start())
        child = child_of(service)
        assert is_running(child)
    wait_until(lambda: not is_running(child))
    assert service.process.poll() is not None
    assert not folder.exists()


def test_a_group_ends_when_its_owner_is_killed(tmp_path):
    owner = f"""
import sys, time
from pathlib import Path
from orchestration.server.process import ProcessGroups, Service
folder = Path({str(tmp_path)!r})
service = Service("sleeper", [sys.executable, "-S", "-c", {PARENT!r}], folder / "sleeper.log")
with ProcessGroups(folder / "scratch") as groups:
    groups.add(service.start())
    (folder / "started").write_text(str(service.process.pid))
    time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", owner])
    log, started = tmp_path / "sleeper.log", tmp_path / "started"
    wait_until(lambda: started.exists() and log.exists() and log.read_text().strip())
    pids = [int(started.read_text()), int(log.read_text().split()[0])]
    assert all(is_running(pid) for pid in pids)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_who_ignores_the_signal_is_killed(tmp_path):
    log = tmp_path / "deaf.log"
    service = Service("deaf", [sys.executable, "-S", "-c", DEAF], log)
    process = service.start()
    wait_until(lambda: "deaf" in log.read_text())
    reaper.end_groups([process.pid], seconds=0.2)
    assert process.wait(10) == -signal.SIGKILL


def test_a_group_that_is_gone_is_no_error():
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""], start_new_session=True)
    gone.wait()
    assert not reaper.is_alive(gone.pid)
    reaper.end_groups([gone.pid], seconds=0.1)


def test_groups_are_added_and_taken_off():
    assert reaper.read_groups(["+12\n", "+34\n", "-12\n", "-99\n"]) == [34]


def test_a_dead_service_is_forgotten(tmp_path):
    service = Service("short", [sys.executable, "-S", "-c", ""], tmp_path / "short.log")
    with ProcessGroups(tmp_path / "scratch") as groups:
        groups.add(service.start())
        service.process.wait()
        wait_until(lambda: not reaper.is_alive(service.process.pid))
        groups.forget_empty()
        assert groups.members == ()


def test_a_service_may_die_some_times_only(tmp_path):
    service = Service("mortal", [sys.executable, "-S", "-c", ""], tmp_path / "mortal.log")
    for _ in range(RESTARTS + 1):
        assert service.may_restart()
        service.start().wait()
    assert not service.may_restart()


LAST_WORDS = [
    ("print('first'); print(); print('ValueError: last')", "ValueError: last"),
    ("raise SystemExit(7)", "exit code 7, without a message"),
    ("import os; print('at work', flush=True); os.kill(os.getpid(), 9)", "killed by signal 9, Killed"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), LAST_WORDS)
def test_last_words_are_those_of_the_process_itself(code, expected, tmp_path):
    service = Service("x", [sys.executable, "-S", "-c", code], tmp_path / "x.log")
    service.log.write_text("of the one before\n")
    service.start(keep_log=True).wait()
    assert service.last_words() == expected


def test_a_start_keeps_the_log_before(tmp_path):
    service = Service("x", [sys.executable, "-S", "-c", "print('new')"], tmp_path / "x.log")
    service.log.write_text("old")
    service.start().wait()
    assert service.log.read_text() == "new\n"
    assert (tmp_path / "x.previous.log").read_text() == "old"


@pytest.mark.parametrize("sees_password", [True, False])
def test_only_the_web_process_sees_the_password(tmp_path, monkeypatch, sees_password):
    monkeypatch.setenv("WAYBILL_UI_PASSWORD", "canary")
    show = "import os; print(os.environ.get('WAYBILL_UI_PASSWORD'), os.environ['MORE'])"
    service = Service(
        "x",
        [sys.executable, "-S", "-c", show],
        tmp_path / "x.log",
        sees_password=sees_password,
        environment={"MORE": "more"},
    )
    service.start().wait()
    expected = "canary" if sees_password else "None"
    assert service.log.read_text() == f"{expected} more\n"


def test_the_reaper_keeps_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_UI_PASSWORD", "canary")
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "canary")
    with ProcessGroups(tmp_path / "none") as groups:
        environment = Path(f"/proc/{groups._reaper.pid}/environ").read_bytes()
    assert b"canary" not in environment


def test_a_long_log_is_cut(tmp_path):
    service = Service("x", ["python"], tmp_path / "x.log")
    service.log.write_bytes(b"x" * 1000)
    service.cut_log(limit_bytes=10_000)
    assert service.log.stat().st_size == 1000
    service.cut_log(limit_bytes=100)
    assert service.log.stat().st_size == 0
    assert (tmp_path / "x.previous.log").stat().st_size == 1000
