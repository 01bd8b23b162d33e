"""How a run gets its process: forked from the warm runner of `waybill up`, else in Dagster's own way.

Named in `dagster.yaml`. Where no runner is near (another server, a runner that is still importing, project code
that was edited) the default launcher does the work, so a run is never lost for want of a shortcut.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs

from orchestration.server.liveness import is_dead
from orchestration.server.settings import RUNNER_VARIABLE
from orchestration.services.home import open_home
from orchestration.services.locks import RUN_LOCK_TAG

RUNNER_TAG = "waybill/runner"
"""The socket of the runner that a run was forked from."""

ANSWER_SECONDS = 5.0


class WarmRunLauncher(dg.DefaultRunLauncher):
    """Forks runs from a warm process where there is one."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Starts the run; returns before its first step."""
        if not self._launch_warm(context):
            super().launch_run(context)

    def _launch_warm(self, context: LaunchRunContext) -> bool:
        run, origin = context.dagster_run, context.job_code_origin
        runner = os.environ.get(RUNNER_VARIABLE, "")
        if origin is None or not runner:
            return False
        lock = open_home().locks / f"run-{run.run_id}.lock"
        command = ExecuteRunArgs(
            job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref()
        ).get_command_args()
        arguments = list(command)[list(command).index("api") :]
        with ask_runner(runner, "start", run.run_id, arguments=arguments, lock=str(lock)) as answer:
            if answer is None:
                return False
            tags = {RUNNER_TAG: runner, RUN_LOCK_TAG: str(lock)}
            self._instance.add_run_tags(run.run_id, tags)
            answer.sendall(b"go\n")
        return True

    def terminate(self, run_id: str) -> bool:
        """Asks the run to stop, kills it when it does not; False when it is not there any more."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or RUNNER_TAG not in run.tags:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]  # Dagster's
        self._instance.report_run_canceling(run)
        with ask_runner(run.tags[RUNNER_TAG], "stop", run_id) as answer:
            return answer is not None

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes: run monitoring asks `check_run_worker_health`."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process is known to be dead (E45, E46)."""
        if is_dead(run.tags):
            return CheckRunHealthResult(WorkerStatus.FAILED, "the process of this run has gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)


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
        except OSError:  # nobody there: as good as a no
            agreed = False
        yield connection if agreed else None
