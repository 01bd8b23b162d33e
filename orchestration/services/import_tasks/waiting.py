"""What a task that was started waits for: runs into one target take turns, and only so many runs work at once."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

from orchestration.imports.target import TASK_TAG
from resources.stores.catalog.import_tasks.records import StoredTask


def waits(task: StoredTask) -> bool:
    """Whether it was started, and no run works on it yet."""
    return task.state == "importing" and task.worked_at is None


def waits_for(instance: dg.DagsterInstance, tasks: Iterable[StoredTask]) -> dict[int, str]:
    """What keeps each of some tasks waiting, as half a sentence, by number of the task; those that are about to begin are left out.

    Args:
        instance: has their runs.
        tasks: any; those that do not wait are passed over.
    """
    waiting = {task.run_id: task.id for task in tasks if waits(task) and task.run_id}
    if not waiting:
        return {}
    at_work = instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS_RUN_STATUSES)))
    own = instance.get_runs(dg.RunsFilter(run_ids=list(waiting), statuses=[_QUEUED]))
    most = instance.get_concurrency_config().run_queue_config
    is_full = most is not None and 0 <= most.max_concurrent_runs <= len(at_work)
    found = {}
    for run in own:
        before = [_named(one) for one in at_work if _pools(one) & _pools(run)]
        if before or is_full:
            found[waiting[run.run_id]] = (
                f"{before[0]}, which works on the same" if before else _one_of(len(at_work))
            )
    return found


_QUEUED = dg.DagsterRunStatus.QUEUED


def _pools(run: dg.DagsterRun) -> frozenset[str]:
    told = run.run_op_concurrency
    return frozenset((told and told.all_pools) or ())


def _named(run: dg.DagsterRun) -> str:
    task = run.tags.get(TASK_TAG)
    return f"import task {task}" if task else f"run {run.run_id} of {run.job_name}"


def _one_of(count: int) -> str:
    return f"one of the {count} runs that are at work: no more work at once"
