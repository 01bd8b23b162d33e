"""Tasks listed and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.import_tasks.shown import ImportTask, shown
from orchestration.services.import_tasks.waiting import waits_for
from orchestration.services.paging import LIMIT, check_limit, decode_cursor, encode_cursor
from resources.import_tasks.states import GOING, STATES, TaskState
from resources.kernel.errors import InputError
from resources.stores.catalog.import_tasks.listing import SORTS, TaskSearch, TaskSort, place


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks, in which order.

    Args:
        states: those in one of them; in any when empty.
        q: part of the name, in any case.
        sort: one of `SORTS`, with `-` before it for the other way round.
        target_kind: of their target; any when empty.
        target: its name; any when empty.
        cursor: of the page wanted; the first by default.
        limit: most of them.
    """

    states: tuple[TaskState, ...] = ()
    q: str = ""
    sort: str = "-created"
    target_kind: str = ""
    target: str = ""
    cursor: str | None = None
    limit: int = LIMIT


@dataclass(frozen=True)
class TaskPage:
    """A page of tasks."""

    items: tuple[ImportTask, ...]
    next: str | None
    """Cursor of the page after it; None at the end."""
    total: int
    """How many there are in these states."""
    counts: Mapping[str, int]
    """How many the same search finds in each state, and under `all`: what stands on the tabs."""


def list_tasks(records: TaskRecords, wanted: TaskFilter) -> TaskPage:
    """A page of tasks, with the counts of all tabs.

    Raises:
        InputError: an unknown state or sort, no cursor of this list, a limit out of bounds.
    """
    check_limit(wanted.limit)
    query = _query(records, wanted)
    after = None if wanted.cursor is None else _after(wanted.cursor, query.sort)
    if not records.database.exists():
        return TaskPage((), None, 0, _tabs({}))
    found = records.listing.page(query, after=after, limit=wanted.limit + 1)
    if records.settle(one for one in found if one.state in GOING):
        found = records.listing.page(query, after=after, limit=wanted.limit + 1)
    counts = _tabs(records.listing.counts(query))
    kept = found[: wanted.limit]
    more = encode_cursor(place(kept[-1], query.sort)) if len(found) > wanted.limit else None
    total = sum(counts[state] for state in wanted.states or STATES)
    told = waits_for(records.instance, kept)
    items = tuple(shown(one, waits_for=told.get(one.id, "")) for one in kept)
    return TaskPage(items, more, total, counts)


def show_task(records: TaskRecords, task_id: int) -> ImportTask:
    """A task with its definition and what happened to it.

    Raises:
        NotFoundError: there is none.
    """
    stored = records.find(task_id)
    told = waits_for(records.instance, [stored])
    return shown(
        stored, events=tuple(records.tasks.events(task_id)), waits_for=told.get(task_id, "")
    )


def _tabs(by_state: Mapping[TaskState, int]) -> dict[str, int]:
    found: dict[str, int] = {state: by_state.get(state, 0) for state in STATES}
    return {**found, "all": sum(by_state.values())}


def _query(records: TaskRecords, wanted: TaskFilter) -> TaskSearch:
    sort = wanted.sort.removeprefix("-")
    if sort not in SORTS:
        raise InputError(
            f"tasks cannot be sorted by {sort[:60]!r}", hint=f"Give one of {', '.join(SORTS)}"
        )
    for state in wanted.states:
        if state not in STATES:
            raise InputError(
                f"{state[:60]!r} is no state of a task", hint=f"Give one of {', '.join(STATES)}"
            )
    return TaskSearch(
        records.project,
        wanted.states,
        wanted.q.strip(),
        wanted.target_kind,
        wanted.target,
        _sort(sort),
        wanted.sort.startswith("-"),
    )


def _sort(name: str) -> TaskSort:
    return next(one for one in SORTS if one == name)


def _after(cursor: str, sort: TaskSort) -> list[str | int]:
    found = decode_cursor(cursor)
    kind = str if sort in ("name", "state", "target") else int
    is_own = len(found) == 2 and type(found[0]) is kind and type(found[1]) is int
    if not is_own or any(isinstance(part, int) and abs(part) >= 2**63 for part in found):
        raise InputError(f"{cursor[:60]!r} is no cursor of this list")
    return found
