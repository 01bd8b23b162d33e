"""Stopping a run by its id, wherever it is: in the queue, in a server, or in another command."""

from __future__ import annotations

import dagster as dg

from orchestration.services.runs.find import find_record
from orchestration.services.runs.states import check_action
from resources.kernel.errors import ConnectorUnavailableError

_WAITING = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED)


def cancel_run(instance: dg.DagsterInstance, run_id: str, *, location: str = "") -> None:
    """Takes a run out of the queue, or asks its process to stop: no op of it is tried again, nothing half done stays (E57).

    Returns once the request was taken; the run ends within seconds.

    Args:
        instance: where the run is recorded.
        run_id: the whole id.
        location: the code location that it has to belong to; any when empty.

    Raises:
        NotFoundError: there is no such run.
        ConflictError: it has ended already.
        ConnectorUnavailableError: its process does not answer.
    """
    run = find_record(instance, run_id, location=location).dagster_run
    check_action("cancel", run)
    if run.status in _WAITING:
        instance.report_run_canceling(run)
        instance.report_run_canceled(run)
    elif not instance.run_coordinator.cancel_run(run_id):
        raise ConnectorUnavailableError(
            f"the process of run {run_id} does not answer",
            hint="If it is gone, `waybill up` marks the run as failed within a minute",
        )
