"""Tasks whose run is gone without a word (killed, a crash, a reboot), that were to stop and do not, or are still to be deleted.

Whoever looks at a task in such a state settles it, and `waybill up` does so for all of them all the time: none is ever stuck.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.services.runs.cancel import cancel_run
from orchestration.services.runs.process import was_killed
from resources.import_tasks.states import GOING
from resources.kernel.errors import MESSAGE_LIMIT, WaybillError
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.records import BY_ITSELF, StoredTask
from resources.stores.catalog.import_tasks.removal import remove_task

STOP_SECONDS = 5.0
"""So long a run has to stop by itself; then it is cancelled."""
_TO_APPEAR = timedelta(seconds=30)
"""So long the run of a task that was just started may be on its way into Dagster's records."""


def settle_lost(
    database: CatalogDatabase, instance: dg.DagsterInstance, tasks: Iterable[StoredTask]
) -> int:
    """Settles those among some tasks whose run is over, and has runs cancelled that were to stop.

    Args:
        database: has the tasks.
        instance: has their runs.
        tasks: any; those at rest are passed over.

    Returns:
        How many changed.
    """
    return sum(_settle(database, instance, task) for task in tasks)


def settle_all(database: CatalogDatabase, instance: dg.DagsterInstance) -> int:
    """The same of all tasks of all projects; says how many changed."""
    return settle_lost(database, instance, ImportTaskCatalog(database).working())


def _settle(database: CatalogDatabase, instance: dg.DagsterInstance, task: StoredTask) -> bool:
    if task.state not in GOING:
        return False
    run = instance.get_run_by_id(task.run_id) if task.run_id else None
    age = datetime.now(UTC) - task.changed_at
    if not _is_over(task, run, age):
        is_late = age.total_seconds() > STOP_SECONDS
        if task.state != "importing" and is_late and run is not None:
            _cancel(instance, run)
        return False
    if task.state == "deleting":
        remove_task(database, task.id)
        return True
    is_cancelled = run is not None and run.status == dg.DagsterRunStatus.CANCELED
    ended = ImportTaskCatalog(database).end(
        task.id,
        "halt" if is_cancelled else "interrupt",
        run_id=task.run_id,
        actor=BY_ITSELF,
        reason=_reason(instance, task, run),
    )
    return ended is None or ended.state != task.state


def _is_over(task: StoredTask, run: dg.DagsterRun | None, age: timedelta) -> bool:
    if run is None:
        return not task.run_id or age > _TO_APPEAR
    if run.is_finished:
        return True
    return was_killed(run)


def _cancel(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    if run.status != dg.DagsterRunStatus.CANCELING:
        with suppress(WaybillError):  # ended meanwhile, or gone: the next look sees it
            cancel_run(instance, run.run_id)


def _reason(instance: dg.DagsterInstance, task: StoredTask, run: dg.DagsterRun | None) -> str:
    if task.state == "stopping":
        return ""
    if run is None:
        return "interrupted: its run is not in Dagster's records"
    if run.status == dg.DagsterRunStatus.CANCELED:
        return f"run {run.run_id} was cancelled"
    return _failure(instance, task, run) or f"interrupted: run {run.run_id} ended without a word"


def _failure(instance: dg.DagsterInstance, task: StoredTask, run: dg.DagsterRun) -> str:
    """What Dagster has about a run that failed before it took the task up, or was killed."""
    from orchestration.services.datasets import failure_of  # all of datasets hangs on it

    told = failure_of(instance, run.run_id, ("datasets", task.target))[:MESSAGE_LIMIT]
    raised = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    return told if raised.records or not told else f"interrupted: {told}"
