"""Drafts of items, imports of them, and what a collection holds afterwards, for tests."""

from __future__ import annotations

from typing import Any

import msgspec

from resources.collections.duplicates import ImportFlags
from resources.collections.items import ItemDraft
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.records import ImportRequest, Registered, StoredItem
from resources.stores.catalog.collections.rows import item_columns, to_item

COLLECTION = "street"
SKIP = ImportFlags(skip_duplicate_urls=True)
UPSERT = ImportFlags(skip_duplicate_urls=True, upsert_metadata=True)
DOUBLE = ImportFlags()
SIZE = {"mime_type": "image/png", "file_size": 512, "width": 32, "height": 16}


def draft(
    url: str, *, kind: str = "image", metadata: Any = None, media: Any = SIZE, at: str = "/images/0"
) -> ItemDraft:
    return ItemDraft(
        at=at,
        type=kind,  # type: ignore[arg-type]
        title=url.rpartition("/")[2],
        urls=tuple(url.split()),
        media=None if media is None else msgspec.json.encode(media),
        metadata=None if metadata is None else msgspec.json.encode(metadata),
    )


def run(
    catalog: CollectionCatalog,
    key: str,
    drafts: list[ItemDraft],
    flags: ImportFlags = SKIP,
    *,
    folder: str = "",
    at_once: int = 3,
    collection: str = COLLECTION,
    **order: Any,
) -> tuple[int, Registered]:
    """Begins an import and registers its items."""
    import_id = catalog.begin(collection, ImportRequest(key=key, folder=folder, **order))
    return import_id, catalog.register(import_id, batches(drafts, at_once), flags)


def batches(drafts: list[ItemDraft], at_once: int = 3):
    return lambda: [drafts[n : n + at_once] for n in range(0, len(drafts), at_once)]


def held(catalog: CollectionCatalog) -> list[StoredItem]:
    """All items of the catalog, by id."""
    columns = item_columns(is_sqlite=catalog.database.is_sqlite)
    with catalog.database.read() as connection:
        rows = connection.exec_driver_sql(
            f"SELECT {columns} FROM collection_items i"
            " JOIN collection_folders d ON d.id = i.folder_id ORDER BY i.id"
        ).fetchall()
    return [to_item(row) for row in rows]


def facets(catalog: CollectionCatalog) -> list[tuple[Any, ...]]:
    """The facets of the collection: id, type, state, values of keys."""
    with catalog.database.read() as connection:
        number = connection.exec_driver_sql("SELECT max(id) FROM collections").scalar()
        rows = connection.exec_driver_sql(f"SELECT * FROM facets_{number} ORDER BY item")
        return [(row[0], *row[2:]) for row in rows]
