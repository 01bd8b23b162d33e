"""Stopping a run by its id, wherever it is: in the queue, in a server, or in another command."""

from __future__ import annotations

import dagster as dg

from resources.kernel.errors import ConnectorUnavailableError, InputError, NotFoundError

_WAITING = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED)


def cancel_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Takes a run out of the queue, or asks its process to stop: no op of it is tried again, nothing half done stays (E57).

    Returns once the request was taken; the run ends within seconds.

    Args:
        instance: where the run is recorded.
        run_id: the whole id.

    Raises:
        NotFoundError: there is no such run.
        InputError: it has ended already.
        ConnectorUnavailableError: its process does not answer.
    """
    run = instance.get_run_by_id(run_id)
    if run is None:
        raise NotFoundError(
            f"there is no run {run_id!r}", hint="The web UI and `waybill run --json` show whole ids"
        )
    if run.is_finished:
        raise InputError(f"run {run_id} has ended already: {run.status.value.lower()}")
    if run.status in _WAITING:
        instance.report_run_canceling(run)
        instance.report_run_canceled(run)
    elif not instance.run_coordinator.cancel_run(run_id):
        raise ConnectorUnavailableError(
            f"the process of run {run_id} does not answer",
            hint="If it is gone, `waybill up` marks the run as failed within a minute",
        )
