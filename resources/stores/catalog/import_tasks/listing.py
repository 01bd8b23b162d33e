"""Import tasks found: filtered by state and text together, sorted, a page at a time, with the counts that the tabs show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import sqlalchemy as sa

from resources.import_tasks.states import TaskState
from resources.stores.catalog.collections.records import to_micros
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.records import StoredTask, to_task
from resources.stores.catalog.import_tasks.tables import LISTED, TASKS

TaskSort = Literal["created", "changed", "name", "state", "target", "total", "failed"]
SORTS: tuple[TaskSort, ...] = get_args(TaskSort)
_COLUMNS: dict[TaskSort, Any] = {
    "created": TASKS.c.id,
    "changed": TASKS.c.changed_at,
    "name": TASKS.c.folded_name,
    "state": TASKS.c.state,
    "target": TASKS.c.target,
    "total": TASKS.c.total,
    "failed": TASKS.c.failed,
}


@dataclass(frozen=True)
class TaskSearch:
    """Which tasks, in which order.

    Args:
        project: of which.
        states: those in one of them; in any when empty.
        q: part of the name, in any case.
        target_kind: of their target; any when empty.
        target: its name; any when empty.
        sort: by what.
        descending: whether the greatest comes first.
    """

    project: str
    states: tuple[TaskState, ...] = ()
    q: str = ""
    target_kind: str = ""
    target: str = ""
    sort: TaskSort = "created"
    descending: bool = True


class TaskListing:
    """Finds tasks of a catalog. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self.database = database

    def page(
        self, wanted: TaskSearch, *, after: Sequence[Any] | None = None, limit: int
    ) -> list[StoredTask]:
        """Some tasks in order.

        Args:
            wanted: which.
            after: `place` of the last one of the page before; None: the first page.
            limit: most of them.
        """
        column = _COLUMNS[wanted.sort]
        chosen = sa.select(*LISTED).where(*_conditions(wanted))
        if wanted.states:
            chosen = chosen.where(TASKS.c.state.in_(wanted.states))
        if after is not None:
            here, place = sa.tuple_(column, TASKS.c.id), sa.tuple_(*map(sa.literal, after))
            chosen = chosen.where(here < place if wanted.descending else here > place)
        by = (column, TASKS.c.id)
        order = [one.desc() for one in by] if wanted.descending else by
        with self.database.read() as connection:
            return [
                to_task(row) for row in connection.execute(chosen.order_by(*order).limit(limit))
            ]

    def counts(self, wanted: TaskSearch) -> dict[TaskState, int]:
        """How many tasks of each state the same search finds, whatever states it asks for."""
        chosen = (
            sa.select(TASKS.c.state, sa.func.count())
            .where(*_conditions(wanted))
            .group_by(TASKS.c.state)
        )
        with self.database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(chosen)}


def place(task: StoredTask, sort: TaskSort) -> tuple[Any, int]:
    """Where a task stands in a sorted list."""
    values: dict[TaskSort, Any] = {
        "created": task.id,
        "changed": to_micros(task.changed_at),
        "name": task.name.casefold(),
        "state": task.state,
        "target": task.target,
        "total": task.total,
        "failed": task.failed,
    }
    return values[sort], task.id


def _conditions(wanted: TaskSearch) -> list[Any]:
    found: list[Any] = [TASKS.c.project == wanted.project]
    if wanted.q:
        words = wanted.q.casefold()
        found.append(TASKS.c.folded_name.contains(words, autoescape=True))
    if wanted.target_kind:
        found.append(TASKS.c.target_kind == wanted.target_kind)
    if wanted.target:
        found.append(TASKS.c.target == wanted.target)
    return found
