"""What became of the items of a task: a page at a time, or all that failed as JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.services.csv_text import csv_lines
from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.import_tasks.shown import ItemLine, item_line
from orchestration.services.paging import LIMIT, Page, check_limit, decode_cursor, encode_cursor
from resources.import_tasks.items import TASK_ITEM_STATES, ItemState
from resources.kernel.errors import InputError

FAILURE_FIELDS = ("number", "name", "reference", "rule", "message", "attempts", "size", "when")
"""Columns of the failure list."""


def list_items(
    records: TaskRecords,
    task_id: int,
    *,
    state: str = "",
    q: str = "",
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[ItemLine]:
    """Items of a task in the order in which they were listed.

    Args:
        records: of the project.
        task_id: of the task.
        state: which of them; all when empty.
        q: part of the name.
        cursor: of the page wanted; the first by default.
        limit: most of them.

    Raises:
        NotFoundError: no such task.
        InputError: an unknown state, no cursor of this list, a limit out of bounds.
    """
    check_limit(limit)
    wanted = _state(state)
    stored = records.tasks.find(task_id, records.project)
    found = records.items.page(
        task_id, state=wanted, q=q.strip(), after=_after(cursor), limit=limit + 1
    )
    kept = found[:limit]
    more = encode_cursor([kept[-1].number]) if len(found) > limit else None
    of_state = {
        "": stored.total,
        "pending": stored.pending,
        "done": stored.done,
        "skipped": stored.skipped,
        "failed": stored.failed,
    }
    return Page(tuple(map(item_line, kept)), more, None if q.strip() else of_state[state])


def list_failures(
    records: TaskRecords, task_id: int, *, cursor: str | None = None, limit: int = LIMIT
) -> Page[ItemLine]:
    """Items that failed and were not mended since, each with its rule and its reason.

    Raises:
        NotFoundError: no such task.
        InputError: no cursor of this list, a limit out of bounds.
    """
    return list_items(records, task_id, state="failed", cursor=cursor, limit=limit)


def failures(records: TaskRecords, task_id: int) -> Iterator[Mapping[str, Any]]:
    """All of them, by `FAILURE_FIELDS`, in bounded memory.

    Raises:
        NotFoundError: no such task.
    """
    records.tasks.find(task_id, records.project)
    lines = map(item_line, records.items.all_of(task_id, "failed"))
    return ({field: getattr(line, field) for field in FAILURE_FIELDS} for line in lines)


def failures_csv(records: TaskRecords, task_id: int) -> Iterator[str]:
    """All of them as CSV below a header; a cell that a spreadsheet would compute has a `'` before it.

    Raises:
        NotFoundError: no such task.
    """
    return csv_lines(FAILURE_FIELDS, failures(records, task_id))


def _state(given: str) -> ItemState | None:
    if not given:
        return None
    found = next((one for one in TASK_ITEM_STATES if one == given), None)
    if found is None:
        raise InputError(
            f"{given[:60]!r} is no state of an item",
            hint=f"Give one of {', '.join(TASK_ITEM_STATES)}",
        )
    return found


def _after(cursor: str | None) -> int:
    if cursor is None:
        return 0
    place = decode_cursor(cursor)
    if len(place) != 1 or type(place[0]) is not int or not 0 <= place[0] < 2**31:
        raise InputError(f"{cursor[:60]!r} is no cursor of this list")
    return place[0]
