"""What the catalog knows of import tasks, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from resources.import_tasks.definition import SourceKind, TargetKind, TaskDefinition, Via
from resources.import_tasks.items import ItemState, Outcome
from resources.import_tasks.states import TaskState
from resources.kernel.errors import ConflictError
from resources.stores.catalog.collections.records import to_moment

BY_ITSELF = "waybill"
"""Who does to a task what nobody asked for."""

_decode = msgspec.json.Decoder(TaskDefinition).decode


@dataclass(frozen=True)
class TaskRequest:
    """A task as it is asked for."""

    project: str
    """The code location that its target is of."""
    key: str
    """By what it is known again: the same key is the same task."""
    definition: TaskDefinition
    """Checked."""
    via: Via
    asked_by: str


@dataclass(frozen=True)
class StoredTask:
    """A task, and how far it is."""

    id: int
    project: str
    key: str
    name: str
    target_kind: TargetKind
    target: str
    folder: str
    source_kind: SourceKind
    source: str
    """In some words."""
    via: Via
    asked_by: str
    state: TaskState
    reason: str
    """Why it failed, or was stopped by other means than an action."""
    run_id: str
    """The run that works or worked on it last; empty before the first."""
    run_ids: tuple[str, ...]
    created_at: datetime
    started_at: datetime | None
    """When it was first started."""
    ended_at: datetime | None
    """When it last came to an end; None while it works, or before."""
    changed_at: datetime
    """When its state last changed."""
    listed_at: datetime | None
    """When it was known how many items there are; None: not yet."""
    worked_at: datetime | None
    """When its run began to work; None: it waits for its turn, or none does."""
    worked_from: int
    """Items that were settled then: what its rate is counted from."""
    total: int
    done: int
    skipped: int
    failed: int
    created: int
    updated: int
    unchanged: int
    duplicates: int
    remove_records: bool
    """Of one that is being deleted: whether what it brought in goes too."""
    definition_json: bytes = b""
    """Empty in lists."""

    @property
    def definition(self) -> TaskDefinition:
        """What it was told; of a task that was found by its id."""
        return _decode(self.definition_json)

    @property
    def settled(self) -> int:
        """Items of which it is known what became of them."""
        return self.done + self.skipped + self.failed

    @property
    def pending(self) -> int:
        """Items that are still to be taken up."""
        return self.total - self.settled


@dataclass(frozen=True)
class StoredEvent:
    """A change of a task's state."""

    id: int
    """Grows with time over all tasks."""
    project: str
    task_id: int
    at: datetime
    actor: str
    action: str
    """A `TaskAction` or a `TaskEvent`."""
    old_state: str
    """Empty of the first one."""
    state: TaskState
    run_id: str
    reason: str


class ItemResult(msgspec.Struct, frozen=True, gc=False):
    """What became of one item."""

    number: int
    state: ItemState
    outcome: Outcome = ""
    rule: str = ""
    message: str = ""
    size: int | None = None
    fingerprint: str = ""
    sha256: str = ""
    target_item: int | None = None


class TransitionError(ConflictError):
    """A task is not in a state for what is asked. Its facts have `state`, and `can`: what would change something now."""

    retryable = False


def to_task(row: Any, definition: str = "") -> StoredTask:
    """A row of tasks."""
    found = row._asdict()
    moments = ("created_at", "started_at", "ended_at", "changed_at", "listed_at", "worked_at")
    values = {
        name: found[name]
        for name in StoredTask.__dataclass_fields__
        if name in found and name not in moments
    }
    values |= {name: None if found[name] is None else to_moment(found[name]) for name in moments}
    values["run_ids"] = tuple(msgspec.json.decode(found["run_ids"]))
    values["remove_records"] = bool(found["remove_records"])
    return StoredTask(**values, definition_json=definition.encode())


def to_event(row: Any) -> StoredEvent:
    """A row of events."""
    return StoredEvent(
        row.id,
        row.project,
        row.task_id,
        to_moment(row.at),
        row.actor,
        row.action,
        row.old_state,
        row.state,
        row.run_id,
        row.reason,
    )
