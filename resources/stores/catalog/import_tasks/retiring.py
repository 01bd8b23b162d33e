"""Tasks that made themselves and ended long ago: they would be without end, so the newest are kept and the others go."""

from __future__ import annotations

import sqlalchemy as sa

from resources.import_tasks.states import TaskState
from resources.kernel.errors import NotFoundError
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks import changing
from resources.stores.catalog.import_tasks.changing import StateChange, locked_task
from resources.stores.catalog.import_tasks.records import BY_ITSELF, StoredTask
from resources.stores.catalog.import_tasks.removal import remove_task
from resources.stores.catalog.import_tasks.tables import EVENTS, TASKS

AT_ONCE = 20
"""Each task that is made removes so many at most: what has piled up goes little by little."""
_ENDED: tuple[TaskState, ...] = ("completed", "failed")
"""One that was stopped waits for somebody."""
_BY_THEMSELVES = ("sensor", "schedule")


def retire_tasks(database: CatalogDatabase, like: StoredTask, keep: int) -> int:
    """Removes ended tasks of the same recurring import with their histories; what they brought in stays.

    Args:
        database: has them.
        like: the newest one.
        keep: so many ended ones stay, the newest.

    Returns:
        How many went.
    """
    return sum(_retire(database, task_id) for task_id in _past(database, like, keep))


def _past(database: CatalogDatabase, like: StoredTask, keep: int) -> list[int]:
    chosen = (
        sa.select(TASKS.c.id)
        .where(
            TASKS.c.project == like.project,
            TASKS.c.state.in_(_ENDED),
            TASKS.c.via.in_(_BY_THEMSELVES),
            TASKS.c.name == like.name,
            TASKS.c.target_kind == like.target_kind,
            TASKS.c.target == like.target,
        )
        .order_by(TASKS.c.id.desc())
        .offset(keep)
        .limit(AT_ONCE)
    )
    with database.read() as connection:
        return list(connection.execute(chosen).scalars())


def _retire(database: CatalogDatabase, task_id: int) -> bool:
    try:
        with database.write() as connection:
            stored = locked_task(connection, task_id)
            if stored.state not in _ENDED:
                return False  # somebody has it tried again just now
            changing.act(connection, stored, "delete", StateChange("delete", BY_ITSELF))
    except NotFoundError:
        return False  # somebody deleted it
    remove_task(database, task_id)
    with database.write() as connection:
        connection.execute(sa.delete(EVENTS).where(EVENTS.c.task_id == task_id))
    return True
