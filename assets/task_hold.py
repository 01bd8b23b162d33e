"""What a run does with the import task that it works on, whatever the task goes into: takes it over, ends it, tells of it.

Every way out ends the task in a state. What kills the process is seen by whoever looks at the task next
(`orchestration/services/import_tasks/lost.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from assets.boundary import RETRIES
from resources.import_tasks.items import TaskItem
from resources.import_tasks.states import TaskEvent
from resources.kernel.errors import InputError, WaybillError
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.records import BY_ITSELF, StoredTask
from resources.stores.catalog.import_tasks.removal import remove_task
from resources.stores.ui_metadata import escape_markdown, markdown_table

SHOWN_FAILURES = 20
SENSOR_TAG = "dagster/sensor_name"
_ACTOR_TAG = "waybill/actor"


class TaskFailedError(InputError):
    """Nothing of a task came in.

    Args:
        task_id: of the task.
        reason: why.
    """

    def __init__(self, task_id: int, reason: str) -> None:
        super().__init__(
            f"import task {task_id}: {reason}", hint="Mend them and retry", task_id=task_id
        )


def asker_of(tags: Mapping[str, str]) -> str:
    """Who asks for a run: a person, or what starts runs by itself."""
    own = {"sensor": tags.get(SENSOR_TAG), "schedule": tags.get("dagster/schedule_name")}
    by_itself = next((f"{kind} {name}" for kind, name in own.items() if name), BY_ITSELF)
    return tags.get(_ACTOR_TAG, by_itself)


def end_lost_run(
    instance: dg.DagsterInstance, tasks: ImportTaskCatalog, task_id: int, run_id: str
) -> None:
    """Ends a task that is still in the hands of a run which is over: this one may be the retry of it."""
    found = tasks.state(task_id)
    if found is None or found[1] in ("", run_id):
        return
    other = instance.get_run_by_id(found[1])
    if other is None or other.is_finished:
        reason = f"interrupted: run {found[1]} ended without a word"
        tasks.end(task_id, "interrupt", run_id=found[1], actor=BY_ITSELF, reason=reason)


def end_task(
    tasks: ImportTaskCatalog, task_id: int, event: TaskEvent, *, run_id: str, reason: str = ""
) -> StoredTask | None:
    """Notes how a task ends; one that is being deleted goes, and is told as it was. None: in the hands of another run."""
    ended = tasks.end(task_id, event, run_id=run_id, actor=BY_ITSELF, reason=reason)
    if ended is not None and ended.state == "deleting":
        remove_task(tasks.database, task_id)
    return ended


def note_error(
    tasks: ImportTaskCatalog,
    task_id: int,
    error: BaseException,
    *,
    run_id: str,
    attempt: int,
    cancelled: str = "",
) -> None:
    """Ends a task over an error, unless this run is about to be tried again.

    Args:
        tasks: has it.
        task_id: of the task.
        error: which.
        run_id: of this run.
        attempt: number of its retry.
        cancelled: the reason where it is no failure, but the end of the run.
    """
    if isinstance(error, WaybillError) and error.retryable and attempt < RETRIES.max_retries:
        return
    if isinstance(error, Exception):
        end_task(tasks, task_id, "fail", run_id=run_id, reason=str(error))
    else:
        end_task(tasks, task_id, "halt", run_id=run_id, reason=cancelled)


def why_all_failed(task: StoredTask, first: TaskItem, noun: str) -> str:
    """The reason of a task of which nothing came in: the first one of its items."""
    what = f"its only {noun} failed" if task.failed == 1 else f"all {task.failed:,} {noun}s failed"
    return f"{what}: {first.name}: {first.message}"


def observe_task(context: dg.AssetExecutionContext, key: dg.AssetKey, task: StoredTask) -> None:
    """How far a task is, on the asset's page."""
    metadata = {"import task": task.id, **task_counts(task)}
    context.log_event(dg.AssetObservation(asset_key=key, metadata=metadata))


def task_counts(task: StoredTask) -> dict[str, int]:
    """How far a task is, as metadata."""
    return {
        "items": task.total,
        "items done": task.done,
        "items skipped": task.skipped,
        "items failed": task.failed,
    }


def first_failures(failed: Sequence[TaskItem]) -> dict[str, Any]:
    """Items that failed, as metadata; nothing where none did."""
    if not failed:
        return {}
    rows = [
        [escape_markdown(one.name, 80), one.rule, escape_markdown(one.message, 160)]
        for one in failed
    ]
    table = markdown_table(("item", "rule", "message"), rows)
    return {"first failures": dg.MetadataValue.md(table)}
