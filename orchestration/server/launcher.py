"""How a run gets its process: forked from the process of its code location, else in Dagster's own way.

Named in `dagster.yaml`. Where no such process is near (another server, definitions that keep threads) the code server
starts a fresh one, so a run is never lost for want of a shortcut. Either way the run is told which process is its
own: it may have inherited from its parent what was said of another.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value

from orchestration.server.liveness import is_dead
from orchestration.server.settings import RUNNERS_VARIABLE
from orchestration.server.workspace import is_own_socket, runner_socket
from orchestration.services.home import open_home
from orchestration.services.locks import is_held, read_note
from orchestration.services.runs.process import RunProcess, lock_of

ANSWER_SECONDS = 5.0


class WarmRunLauncher(dg.DefaultRunLauncher):
    """Forks runs from a process that has loaded their code, where there is one."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Starts the run; returns before its first step."""
        if not self._launch_fork(context):
            self._launch_fresh(context)

    def _launch_fork(self, context: LaunchRunContext) -> bool:
        run, origin = context.dagster_run, context.job_code_origin
        runner = _runner_of(run)
        if origin is None or runner is None:
            return False
        open_home()
        lock = str(lock_of(run.run_id))
        arguments = serialize_value(
            ExecuteRunArgs(
                job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref()
            )
        )
        with ask_runner(runner, "start", run.run_id, arguments=arguments, lock=lock) as answer:
            if answer is None:
                return False
            process = RunProcess(run.run_id, lock=lock, runner=runner)
            self._instance.add_run_tags(run.run_id, process.tags)
            answer.sendall(b"go\n")
        return True

    def _launch_fresh(self, context: LaunchRunContext) -> None:
        run, origin = context.dagster_run, context.dagster_run.remote_job_origin
        server = _code_server_of(context)
        if server is None or origin is None:
            self._instance.add_run_tags(run.run_id, RunProcess(run.run_id).tags)
            super().launch_run(context)
            return
        # Not the link to the newest code server of the location: this one will know the run.
        self._instance.add_run_tags(run.run_id, RunProcess(run.run_id, server=server).tags)
        self.launch_run_from_grpc_client(self._instance, run, DagsterGrpcClient(socket=server))
        self._run_ids.add(run.run_id)

    def terminate(self, run_id: str) -> bool:
        """Asks the run to stop, kills it when it does not; False when it is not there any more."""
        run = self._instance.get_run_by_id(run_id)
        process = RunProcess.of(run_id, run.tags) if run is not None else None
        if run is None or run.is_finished or process is None or not process.own_lock:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]  # Dagster's
        self._instance.report_run_canceling(run)
        if is_own_socket(process.runner):
            with ask_runner(process.runner, "stop", run_id) as answer:
                if answer is not None:
                    return True
        return _interrupt_holder(process.own_lock)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes: run monitoring asks `check_run_worker_health`."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process is known to be dead (E45, E46)."""
        if is_dead(run):
            return CheckRunHealthResult(WorkerStatus.FAILED, "the process of this run has gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)


def _runner_of(run: dg.DagsterRun) -> str | None:
    folder, origin = os.environ.get(RUNNERS_VARIABLE), run.remote_job_origin
    if not folder or origin is None:
        return None
    link = runner_socket(Path(folder), origin.location_name)
    return str(link.resolve()) if link.exists() else None


def _code_server_of(context: LaunchRunContext) -> str | None:
    origin = context.dagster_run.remote_job_origin
    if context.workspace is None or origin is None:
        return None
    location = context.workspace.get_code_location(origin.location_name)
    socket_path = getattr(getattr(location, "client", None), "socket", None)
    return str(Path(socket_path).resolve()) if socket_path else None


def _interrupt_holder(lock: Path) -> bool:
    # Its parent is gone, or it is a run of the command line: the process that holds the lock has noted its id in it.
    note = read_note(lock)
    if not note.isdigit() or not is_held(lock):
        return False
    os.kill(int(note), signal.SIGTERM)
    return True


@contextmanager
def ask_runner(
    runner: str, action: str, run_id: str, **facts: object
) -> Iterator[socket.socket | None]:
    """The connection to the runner once it has agreed to `action`; None when it declines or is not there."""
    request = json.dumps({"action": action, "run_id": run_id, **facts}).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(runner)
            connection.sendall(request)
            agreed = connection.recv(64) == b'{"done": true}\n'
        except OSError:  # no process there: as good as a no
            agreed = False
        yield connection if agreed else None
