"""A task as people and programs see it: how far it is, how long it takes yet, what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from orchestration.services.import_tasks.waiting import waits
from resources.import_tasks.definition import SourceKind, TargetKind, Via
from resources.import_tasks.items import ItemState, Outcome, TaskItem
from resources.import_tasks.states import GOING, TITLES, TaskAction, TaskState, actions_in
from resources.stores.catalog.collections.records import to_moment
from resources.stores.catalog.import_tasks.records import StoredEvent, StoredTask


@dataclass(frozen=True)
class TaskEventLine:
    """A change of a task's state."""

    at: datetime
    actor: str
    action: str
    state: TaskState
    reason: str
    run_id: str


@dataclass(frozen=True)
class ImportTask:
    """A task, and how far it is."""

    id: int
    project: str
    name: str
    target_kind: TargetKind
    target: str
    folder: str
    source_kind: SourceKind
    source: str
    """In some words."""
    via: Via
    asked_by: str
    created_at: datetime
    started_at: datetime | None
    """When it was first started."""
    ended_at: datetime | None
    """When it came to an end; None before and while it works."""
    changed_at: datetime
    """When its state last changed."""
    state: TaskState
    state_title: str
    queued: bool
    """Whether it was started and waits for its turn."""
    waits_for: str
    """For what, where something is in its way; empty: it begins at once, or does not wait."""
    reason: str
    """Why it failed, or was stopped by other means than an action."""
    total: int | None
    """Items; None: it is not known yet."""
    done: int
    skipped: int
    failed: int
    pending: int
    percent: float | None
    """Of the items that are settled; None: it is not known yet."""
    created: int
    updated: int
    unchanged: int
    duplicates: int
    rate: float | None
    """Items a second in the present or last run; None: too early to tell."""
    seconds_left: float | None
    """At this rate; None: too early to tell, or it does not work."""
    run_id: str
    """The run that works or worked on it last; empty before the first."""
    run_ids: tuple[str, ...]
    can: tuple[TaskAction, ...]
    """What would change something now."""
    next_step: str
    """The same as a sentence; empty when nothing is left to do."""
    item_filter: str = ""
    """Finds what it brought in, and no later task has taken up, among the items of its collection; empty of other targets."""
    definition: Mapping[str, Any] | None = None
    """What it was told, as JSON has it; None in lists."""
    events: tuple[TaskEventLine, ...] = ()
    """What happened to it, oldest first; empty in lists."""

    @property
    def settled(self) -> int:
        """Items of which it is known what became of them."""
        return self.done + self.skipped + self.failed

    @property
    def is_working(self) -> bool:
        """Whether it changes by itself."""
        return self.state in GOING


@dataclass(frozen=True)
class ItemLine:
    """One item of a task."""

    number: int
    name: str
    reference: str
    state: ItemState
    outcome: Outcome
    rule: str
    message: str
    attempts: int
    size: int | None
    when: datetime | None
    """When it was last taken up; None: not yet."""
    item_id: int | None
    """The item of the collection that it became."""


def shown(
    stored: StoredTask,
    *,
    events: tuple[StoredEvent, ...] | None = None,
    waits_for: str = "",
    at: datetime | None = None,
) -> ImportTask:
    """A task as it stands in the catalog.

    Args:
        stored: the task.
        events: what happened to it; None: in a list, without its definition.
        waits_for: what is in its way.
        at: this moment.
    """
    rate = _rate(stored, at or datetime.now(UTC))
    is_listed = stored.listed_at is not None
    can = actions_in(stored.state, failed=stored.failed)
    own = {name: getattr(stored, name) for name in _AS_THEY_ARE}
    return ImportTask(
        **own,
        state_title=TITLES[stored.state],
        queued=waits(stored),
        waits_for=waits_for,
        total=stored.total if is_listed else None,
        pending=stored.pending,
        percent=_percent(stored) if is_listed else None,
        rate=rate,
        seconds_left=_seconds_left(stored, rate),
        can=can,
        next_step=_next_step(stored, can),
        item_filter=f"import_task = {stored.id}" if stored.target_kind == "collection" else "",
        definition=None if events is None else msgspec.to_builtins(stored.definition),
        events=tuple(map(_line, events or ())),
    )


_AS_THEY_ARE = (
    "id", "project", "name", "target_kind", "target", "folder", "source_kind", "source", "via", "asked_by", "created_at",
    "started_at", "ended_at", "changed_at", "state", "reason", "done", "skipped", "failed", "created", "updated",
    "unchanged", "duplicates", "run_id", "run_ids",
)  # fmt: skip


def item_line(item: TaskItem) -> ItemLine:
    """An item as it stands in the catalog."""
    return ItemLine(
        item.number,
        item.name,
        item.reference,
        item.state,
        item.outcome,
        item.rule,
        item.message,
        item.attempts,
        item.size,
        to_moment(item.changed_at) if item.changed_at else None,
        item.target_item,
    )


def _percent(stored: StoredTask) -> float:
    """Cut off, not rounded: 100 means that nothing is left."""
    return stored.settled * 1_000 // stored.total / 10 if stored.total else 100.0


def _rate(stored: StoredTask, at: datetime) -> float | None:
    if stored.worked_at is None:
        return None
    seconds = ((stored.ended_at or at) - stored.worked_at).total_seconds()
    count = stored.settled - stored.worked_from
    return count / seconds if seconds > 0 and count > 0 else None


def _seconds_left(stored: StoredTask, rate: float | None) -> float | None:
    if stored.state != "importing" or not rate or stored.listed_at is None:
        return None
    return stored.pending / rate


def _next_step(stored: StoredTask, can: tuple[TaskAction, ...]) -> str:
    items = "1 item is" if stored.pending == 1 else f"{stored.pending:,} items are"
    left = f"{items} left" if stored.listed_at else "it is not known yet how many items there are"
    failed = "1 failed item" if stored.failed == 1 else f"{stored.failed:,} failed items"
    if "start" in can:
        is_new = stored.state == "not_started"
        return "start it" if is_new else f"start goes on: {left}"
    if "retry" not in can:
        return ""
    if stored.failed:
        return f"retry takes the {failed} once more"
    is_done = stored.listed_at is not None and not stored.pending
    return (
        "retry shows what it imported: its items are done" if is_done else f"retry goes on: {left}"
    )


def _line(event: StoredEvent) -> TaskEventLine:
    return TaskEventLine(
        event.at, event.actor, event.action, event.state, event.reason, event.run_id
    )
