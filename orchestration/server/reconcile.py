"""Runs that a crash left behind as if they were still going (E46).

Dagster's default launcher has no health check: when a machine or a code server dies with its runs, they stay
STARTED for ever and keep their pools. Two kinds of run can be told to be dead without doubt: those of a code
server whose socket does not answer, and those of a process that no longer holds its lock.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG

from orchestration.server import news
from orchestration.server.liveness import is_dead

_GOING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_TOLD_RUNS = 50
_MESSAGE = "The process of this run ended without a word: the server or the machine was stopped."


def fail_interrupted_runs(instance: dg.DagsterInstance) -> list[str]:
    """Marks the runs that no process executes any more as failed, or as canceled when they were to be stopped.

    Returns:
        Their run ids.
    """
    dead = [run for run in instance.get_runs(dg.RunsFilter(statuses=_GOING)) if is_dead(run)]
    for run in dead:
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message=_MESSAGE)
        else:
            instance.report_run_failed(run, message=_MESSAGE)
    return [run.run_id for run in dead]


def report_interrupted_runs(instance: dg.DagsterInstance) -> None:
    """Closes what a crash left behind, and tells which interrupted runs are tried again now."""
    for run_id in fail_interrupted_runs(instance):
        news.tell(f"run {run_id} was interrupted when the server or the machine went down")
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={WILL_RETRY_TAG: "true"})
    for run in instance.get_runs(wanted, limit=_TOLD_RUNS):
        if AUTO_RETRY_RUN_ID_TAG not in run.tags:
            news.tell(f"run {run.run_id} of {run.job_name} is tried again, from where it failed")
