"""What a fork of a code location does for a run: execute it, or report how its process ended."""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.events import EngineEventData, JobFailureData, RunFailureReason
from dagster._grpc.impl import core_execute_run
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import deserialize_value
from dagster._utils.interrupts import capture_interrupts

from orchestration.server import news
from orchestration.server.loading import Definitions
from orchestration.server.settings import Interrupted
from orchestration.server.threads import restore_threads
from orchestration.services.locks import hold

GO_SECONDS = 60.0


@dataclass(frozen=True)
class Execution:
    """A run to execute, holding a lock, once the launcher says go."""

    arguments: str
    """Dagster's `ExecuteRunArgs`, serialized."""
    lock: Path
    launcher: socket.socket


@dataclass(frozen=True)
class Obituary:
    """That a run's process was killed."""

    run_id: str
    cause: str


@dataclass(frozen=True)
class Farewell:
    """That the server is being stopped while runs are at work."""

    run_ids: tuple[str, ...]
    choice: Interrupted


def become_worker() -> None:
    """Undoes in a fork what belongs to its parent alone."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    restore_threads()
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed()  # else every fork would draw the same numbers from the global generator


def execute(execution: Execution, definitions: Definitions) -> int:
    """Executes the run in this process, as Dagster's `api execute_run` would; the code to exit with."""
    with hold(execution.lock, note=str(os.getpid()), wait=True):
        try:
            if _may_go(execution.launcher):
                _execute_run(deserialize_value(execution.arguments, ExecuteRunArgs), definitions)
        finally:
            execution.lock.unlink(missing_ok=True)
    return 0


def _may_go(launcher: socket.socket) -> bool:
    # The launcher writes its tag into the run between the answer and "go": a run that has begun writes tags too,
    # and one of the two updates would be lost.
    with launcher:
        launcher.settimeout(GO_SECONDS)
        launcher.sendall(b'{"done": true}\n')
        return launcher.recv(16) == b"go\n"


def _execute_run(arguments: ExecuteRunArgs, definitions: Definitions) -> None:
    if arguments.instance_ref is None:
        raise AssertionError("the launcher says where the run is recorded")
    with capture_interrupts(), dg.DagsterInstance.from_ref(arguments.instance_ref) as instance:
        run = instance.get_run_by_id(arguments.run_id)
        if run is None:
            return  # deleted while it waited
        pid = os.getpid()
        instance.report_engine_event(
            f"Started process for run (pid: {pid}).", run, EngineEventData.in_process(pid)
        )
        try:
            for _event in core_execute_run(
                definitions.job(arguments.job_origin), run, instance, inject_env_vars=True
            ):
                pass
        except BaseException:  # noqa: BLE001, S110 - Dagster has written down what was raised, interruptions included
            pass
        finally:
            instance.report_engine_event(f"Process for run exited (pid: {pid}).", run)


def report(obituary: Obituary) -> int:
    """Marks a run as failed, or as canceled if that was wanted, unless it managed to finish (E45)."""
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(obituary.run_id)
        if run is None or run.is_finished:
            return 0
        message = f"The process of this run {obituary.cause}."
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message=message)
        else:
            instance.report_run_failed(run, message=message)
    return 0


def say_farewell(farewell: Farewell) -> int:
    """Writes into runs why they end, before they are told to."""
    with dg.DagsterInstance.get() as instance:
        for run_id in farewell.run_ids:
            run = instance.get_run_by_id(run_id)
            if run is None or run.is_finished or run.status == dg.DagsterRunStatus.CANCELING:
                continue
            message = f"The server was stopped on purpose while this run was at work. {farewell.choice.consequence}"
            if farewell.choice is Interrupted.CANCEL:
                instance.report_run_canceling(run, message=message)
            else:
                why = JobFailureData(
                    error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION
                )
                instance.report_run_failed(run, message, why)
            news.tell(
                f"run {run.run_id} of {run.job_name} is interrupted. {farewell.choice.consequence}"
            )
    return 0
