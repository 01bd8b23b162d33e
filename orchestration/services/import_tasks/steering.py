"""Tasks stopped and deleted: what needs no loaded project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from orchestration.services.import_tasks.listing import show_task
from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.import_tasks.shown import ImportTask
from orchestration.services.runs.cancel import cancel_run
from resources.import_tasks.states import GOING, TaskState
from resources.kernel.errors import InputError, NotFoundError, WaybillError
from resources.stores.catalog.import_tasks.records import StoredTask
from resources.stores.catalog.import_tasks.removal import remove_task

MOST_AT_ONCE = 1_000


@dataclass(frozen=True)
class Answered:
    """What became of one of several tasks that were asked for together."""

    id: int
    ok: bool
    state: TaskState | None
    """As it is now; None: it is gone."""
    message: str = ""
    """Why not."""
    hint: str = ""


def stop_task(records: TaskRecords, task_id: int, actor: str) -> ImportTask:
    """Has a task stop. What it did stays; start goes on with the rest.

    Returns at once; a run that works ends within seconds, one that waits for its turn does not begin.

    Raises:
        NotFoundError: there is no such task.
        TransitionError: no run works on it; tells its state.
    """
    records.find(task_id)  # one whose run is gone is seen to be
    stored = records.tasks.act(task_id, "stop", actor, project=records.project)
    if stored.state == "stopping":
        _call_off(records, stored)
    return show_task(records, task_id)


def delete_task(
    records: TaskRecords, task_id: int, actor: str, *, remove_records: bool = False
) -> ImportTask | None:
    """Removes a task and its uploads for ever; one that works stops first.

    Args:
        records: of the project.
        task_id: of the task.
        actor: who asks.
        remove_records: whether what it brought in goes too, as far as no later task has taken it up.

    Returns:
        The task while its run stops; None: it is gone.

    Raises:
        NotFoundError: there is no such task.
    """
    before = records.find(task_id)
    stored = records.tasks.act(
        task_id, "delete", actor, project=records.project, remove_records=remove_records
    )
    if before.state not in GOING:
        remove_task(records.database, task_id)
        return None
    _call_off(records, stored)
    with suppress(NotFoundError):
        return show_task(records, task_id)
    return None


def stop_all(records: TaskRecords, ids: Sequence[int], actor: str) -> tuple[Answered, ...]:
    """Has several tasks stop; each has its own answer.

    Raises:
        InputError: more than are taken at once.
    """
    return each_of(ids, lambda task_id: stop_task(records, task_id, actor))


def delete_all(
    records: TaskRecords, ids: Sequence[int], actor: str, *, remove_records: bool = False
) -> tuple[Answered, ...]:
    """Removes several tasks; each has its own answer.

    Raises:
        InputError: more than are taken at once.
    """
    return each_of(
        ids, lambda task_id: delete_task(records, task_id, actor, remove_records=remove_records)
    )


def each_of(ids: Sequence[int], do: Callable[[int], ImportTask | None]) -> tuple[Answered, ...]:
    """Does the same to several tasks, each by itself: what one refuses the others do all the same.

    Raises:
        InputError: more than are taken at once.
    """
    if len(ids) > MOST_AT_ONCE:
        raise InputError(f"{len(ids):,} tasks: at most {MOST_AT_ONCE:,} are taken at once")
    return tuple(_answered(task_id, do) for task_id in dict.fromkeys(ids))


def _answered(task_id: int, do: Callable[[int], ImportTask | None]) -> Answered:
    try:
        found = do(task_id)
    except WaybillError as error:
        state = error.facts.get("state")
        known = state if isinstance(state, str) else None
        return Answered(task_id, False, known, error.message, error.hint)  # type: ignore[arg-type]  # facts are plain
    return Answered(task_id, True, found.state if found is not None else None)


def _call_off(records: TaskRecords, stored: StoredTask) -> None:
    """Cancels a run that has not begun to work: it would look for the state of its task only then."""
    if stored.worked_at is not None or not stored.run_id:
        return
    with suppress(WaybillError):  # ended meanwhile, or on its way: whoever looks next sees it
        cancel_run(records.instance, stored.run_id)
    records.settle([stored])
