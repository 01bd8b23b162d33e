"""Runs that a crash left behind as if they were still going (E46).

Dagster's default launcher has no health check: when a machine or a code server dies with its runs, they stay
STARTED for ever and keep their pools. Two kinds of run can be told to be dead without doubt: those of a code
server whose socket nobody answers, and those of a process that no longer holds its lock.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from orchestration.services.locks import RUN_LOCK_TAG, is_held

SERVER_TAG = ".dagster/grpc_info"
"""Where Dagster's default launcher notes the code server that a run belongs to."""

_GOING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_MESSAGE = "The process of this run ended without a word: the server or the machine was stopped."


def fail_interrupted_runs(instance: dg.DagsterInstance) -> list[str]:
    """Marks the runs that nobody executes any more as failed, or as canceled when they were to be stopped.

    Returns:
        Their run ids.
    """
    dead = [run for run in instance.get_runs(dg.RunsFilter(statuses=_GOING)) if _is_dead(run.tags)]
    for run in dead:
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message=_MESSAGE)
        else:
            instance.report_run_failed(run, message=_MESSAGE)
    return [run.run_id for run in dead]


def _is_dead(tags: Mapping[str, str]) -> bool:
    if RUN_LOCK_TAG in tags:
        return not is_held(Path(tags[RUN_LOCK_TAG]))
    server = json.loads(tags.get(SERVER_TAG, "{}")).get("socket")
    return server is not None and not _answers(server)


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True
