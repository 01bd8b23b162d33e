"""The calls of Dagster's daemon that are not public, pinned: its loops work, stop when asked, and end the process if not."""

import os
import subprocess
import sys

import dagster as dg
import pytest

from orchestration.server.daemon import Daemon
from orchestration.server.web import open_workspace
from orchestration.services.home import open_home
from tests.orchestration.server.runs import wait_until

ENDS = """
import sys
from pathlib import Path
from orchestration.server.daemon import Daemon
from orchestration.server.web import open_workspace
from dagster._daemon.daemon import SchedulerDaemon

SchedulerDaemon.run_daemon_loop = lambda *arguments: None
with open_workspace(Path(sys.argv[1])) as workspace, Daemon(workspace) as daemon:
    daemon.join(60)
"""


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(open_home().dagster))
    file = tmp_path / "workspace.yaml"
    file.write_text("load_from: []\n")
    return file


def test_every_loop_works_and_stops_when_it_is_asked_to(workspace, caplog):
    with open_workspace(workspace) as context, Daemon(context) as daemon:
        with dg.DagsterInstance.get() as instance:
            wanted = set(instance.get_required_daemon_types())
            assert {"SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR", "MONITORING"} <= wanted
            wait_until(lambda: set(instance.get_daemon_heartbeats()) == wanted)
        assert len(daemon.threads) == len(wanted)
        assert all(thread.is_alive() for thread in daemon.threads)
        daemon.stop()
        daemon.join(60)
        assert not any(thread.is_alive() for thread in daemon.threads)
    assert "ignoring older events" not in caplog.text  # nothing that anybody could act on


def test_a_loop_that_ends_by_itself_ends_the_process(workspace):
    ended = subprocess.run(
        [sys.executable, "-c", ENDS, str(workspace)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ,
    )
    assert ended.returncode == 1
    assert "the loop of the daemon SCHEDULER ended" in ended.stderr
