"""The end of a task that is being deleted: its uploads and items go, what it brought in stays unless it was asked to go too."""

from __future__ import annotations

import sqlalchemy as sa

from resources.kernel.errors import NotFoundError
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.tables import COLLECTIONS, FOLDERS, KNOWN
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.records import BY_ITSELF
from resources.stores.task_uploads import TaskUploads

_AT_ONCE = 1_000


def remove_task(database: CatalogDatabase, task_id: int) -> None:
    """Removes a task that is being deleted, with its uploads; begun again it goes on, done already it does nothing."""
    tasks = ImportTaskCatalog(database)
    try:
        stored = tasks.find(task_id)
        if stored.state != "deleting":
            return
        if stored.remove_records:
            remove_records(database, task_id)
        tasks.remove(task_id, BY_ITSELF)
    except NotFoundError:
        pass  # another one did the same
    TaskUploads.open().remove(task_id)


def remove_records(database: CatalogDatabase, task_id: int) -> int:
    """Removes from collections what a task brought in and no later one has taken up; says how many items."""
    removed = 0
    while found := _some(database, task_id):
        for collection in {name for name, _ in found}:
            ids = [item for name, item in found if name == collection]
            removed += ItemCatalog(database).remove(collection, ids)
        _forget(database, task_id, [item for _, item in found])
    return removed


def _some(database: CatalogDatabase, task_id: int) -> list[tuple[str, int]]:
    chosen = (
        sa.select(COLLECTIONS.c.name, KNOWN.c.item_id)
        .join(FOLDERS, FOLDERS.c.id == KNOWN.c.folder_id)
        .join(COLLECTIONS, COLLECTIONS.c.id == FOLDERS.c.collection_id)
        .where(KNOWN.c.task_id == task_id)
        .limit(_AT_ONCE)
    )
    with database.read() as connection:
        return [(row[0], row[1]) for row in connection.execute(chosen)]


def _forget(database: CatalogDatabase, task_id: int, ids: list[int]) -> None:
    """Those that had been removed before."""
    with database.write() as connection:
        connection.execute(
            sa.delete(KNOWN).where(KNOWN.c.task_id == task_id, KNOWN.c.item_id.in_(ids))
        )
