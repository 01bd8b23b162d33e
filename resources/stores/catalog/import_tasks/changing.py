"""Changes of a task's state, within a transaction that has its row locked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from resources.import_tasks.states import (
    WORKING,
    TaskAction,
    TaskEvent,
    TaskState,
    actions_in,
    step_of,
)
from resources.kernel.errors import NotFoundError
from resources.stores.catalog.collections.records import now
from resources.stores.catalog.import_tasks.records import StoredTask, TransitionError, to_task
from resources.stores.catalog.import_tasks.tables import EVENTS, ITEMS, LISTED, TASKS
from resources.stores.catalog.webhooks.outbox import note_event
from resources.stores.catalog.webhooks.records import Event, EventName

_REASON_LIMIT = 500
_TOLD: Mapping[TaskState, EventName] = {
    "completed": "import.completed",
    "failed": "import.failed",
    "stopped": "import.stopped",
}
"""What webhooks hear of, by the state that a task comes to."""


@dataclass(frozen=True)
class StateChange:
    """Who changes a state, by what, and why."""

    action: TaskAction | TaskEvent
    actor: str
    run_id: str = ""
    reason: str = ""


def known_task(connection: sa.Connection, task_id: int, project: str = "") -> StoredTask:
    """A task with its definition.

    Raises:
        NotFoundError: there is none, or it is of another project.
    """
    row = connection.execute(sa.select(TASKS).where(TASKS.c.id == task_id)).one_or_none()
    if row is None or project not in ("", row.project):
        raise no_task(task_id, project)
    return to_task(row, row.definition)


def find_locked(connection: sa.Connection, task_id: int) -> StoredTask | None:
    """A task without its definition; None: there is none. Other writers of it wait. On SQLite the whole file is locked."""
    chosen = sa.select(*LISTED).where(TASKS.c.id == task_id).with_for_update()
    row = connection.execute(chosen).one_or_none()
    return None if row is None else to_task(row)


def locked_task(connection: sa.Connection, task_id: int, project: str = "") -> StoredTask:
    """The same of a task that has to be there.

    Raises:
        NotFoundError: there is none, or it is of another project.
    """
    stored = find_locked(connection, task_id)
    if stored is None or project not in ("", stored.project):
        raise no_task(task_id, project)
    return stored


def act(
    connection: sa.Connection,
    stored: StoredTask,
    action: TaskAction,
    change: StateChange,
    *,
    remove_records: bool = False,
) -> None:
    """Does what the table of states says.

    Raises:
        TransitionError: it refuses.
    """
    step = step_of(stored.state, action, failed=stored.failed)
    if not step.is_taken:
        raise refused(stored, action, step.refusal)
    if step.to is None:
        return
    values: dict[str, Any] = {}
    if step.to == "importing":
        values = _begun(stored, change.run_id)
    if step.to == "deleting":
        values = {"remove_records": remove_records}
    if action == "retry":
        values |= _renewed(connection, stored)
    move(connection, stored, step.to, change, **values)


def take_up(
    connection: sa.Connection, stored: StoredTask, change: StateChange, *, is_repeated: bool = False
) -> bool:
    """Lets a run begin to work on a task; False: there is nothing to do.

    Args:
        connection: of the transaction.
        stored: the task.
        change: which run, and who asked for it.
        is_repeated: whether nobody asked, but Dagster tries a run again: a task that was stopped stays so.

    Raises:
        TransitionError: it is in the hands of another run.
    """
    if stored.state in WORKING:
        if stored.run_id != change.run_id:
            raise refused(stored, "start", f"run {stored.run_id} works on it")
    elif (is_repeated and stored.state == "stopped") or not _started_by(connection, stored, change):
        return False
    settled = stored.settled - (stored.failed if stored.state in ("failed", "completed") else 0)
    connection.execute(
        sa.update(TASKS).where(TASKS.c.id == stored.id).values(worked_at=now(), worked_from=settled)
    )
    return True


def _started_by(connection: sa.Connection, stored: StoredTask, change: StateChange) -> bool:
    """A run that nobody announced: one of a shell, or a run that Dagster tries again."""
    actions: tuple[TaskAction, ...] = ("start", "retry")
    possible = actions_in(stored.state, failed=stored.failed)
    action = next((one for one in actions if one in possible), None)
    if action is None:
        return False
    act(connection, stored, action, StateChange(action, change.actor, change.run_id))
    return True


def move(
    connection: sa.Connection, stored: StoredTask, to: TaskState, change: StateChange, **values: Any
) -> None:
    """Puts a task into a state and writes down who did it; once, from the state that was seen.

    Raises:
        TransitionError: it is in another state by now.
    """
    moment = now()
    if to in ("stopped", "completed", "failed"):
        values["ended_at"] = moment
    changed = connection.execute(
        sa.update(TASKS)
        .where(TASKS.c.id == stored.id, TASKS.c.state == stored.state)
        .values(state=to, reason=change.reason[:_REASON_LIMIT], changed_at=moment, **values)
    )
    if changed.rowcount != 1:
        raise TransitionError(f"import task {stored.id} changed just now", hint="Look at it again")
    note(connection, stored, change, old_state=stored.state, state=to)
    if to in _TOLD:
        note_event(connection, _told(stored, to, change))


def note(
    connection: sa.Connection,
    stored: StoredTask,
    change: StateChange,
    *,
    old_state: str,
    state: TaskState | None = None,
) -> None:
    """Writes down what happened to a task."""
    connection.execute(
        sa.insert(EVENTS).values(
            project=stored.project,
            task_id=stored.id,
            at=now(),
            actor=change.actor,
            action=change.action,
            old_state=old_state,
            state=state or stored.state,
            run_id=change.run_id,
            reason=change.reason[:_REASON_LIMIT],
        )
    )


def refused(stored: StoredTask, action: TaskAction, reason: str) -> TransitionError:
    """The refusal of an action, with the state as it is."""
    can = actions_in(stored.state, failed=stored.failed)
    return TransitionError(
        f"import task {stored.id} ({stored.name}) cannot take {action}: {reason}",
        hint=f"It can take {', '.join(can)}" if can else "",
        task_id=stored.id,
        state=stored.state,
        can=list(can),
    )


def no_task(task_id: int, project: str = "") -> NotFoundError:
    """The error of a task that is not there."""
    where = f"project {project} has" if project else "there is"
    return NotFoundError(f"{where} no import task {task_id}", hint="List the import tasks")


def _told(stored: StoredTask, to: TaskState, change: StateChange) -> Event:
    return Event(
        _TOLD[to],
        f"imports/{stored.id}",
        {
            "kind": "task",
            "id": stored.id,
            "name": stored.name,
            "target": {"kind": stored.target_kind, "name": stored.target, "folder": stored.folder},
            "state": to,
            "reason": change.reason[:_REASON_LIMIT],
            "items": {
                "total": stored.total,
                "done": stored.done,
                "skipped": stored.skipped,
                "failed": stored.failed,
            },
        },
        run_id=stored.run_id,
    )


def _begun(stored: StoredTask, run_id: str) -> dict[str, Any]:
    runs = list(dict.fromkeys([*stored.run_ids, run_id]))
    return {
        "run_id": run_id,
        "run_ids": msgspec.json.encode(runs).decode(),
        "started_at": sa.func.coalesce(TASKS.c.started_at, now()),
        "ended_at": None,
        "worked_at": None,
    }


def _renewed(connection: sa.Connection, stored: StoredTask) -> dict[str, Any]:
    """Makes the failed items pending again."""
    connection.execute(
        sa.update(ITEMS)
        .where(ITEMS.c.task_id == stored.id, ITEMS.c.state == "failed")
        .values(state="pending", rule="", message="", changed_at=now())
    )
    return {"failed": 0}
