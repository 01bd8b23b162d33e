"""Items of collections: found by filters, page by page, and one whole (F093)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestration.location import Location
from orchestration.services.collections.declared import catalog_of, find_collection
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.records import Folder, StoredItem

LIMIT = 100
MOST = 1_000


@dataclass(frozen=True)
class ShownItem:
    """An item as it is shown."""

    id: int
    folder: str
    type: str
    title: str
    urls: tuple[str, ...]
    state: str
    media: dict[str, Any] | None
    metadata: dict[str, Any] | None
    objects: tuple[str, ...]
    """SHA-256 of the bytes that are kept, in the order of the URLs."""
    rule: str
    message: str
    error_url: str
    place: str
    """Where it stood in the specification."""
    import_id: int
    attempts: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class ItemsQuery:
    """Which items are wanted."""

    filter: str = ""
    """`type = image and lux in 1..5`; all when empty."""
    sort: str = ""
    """The name of a field, `-` before it for the other way round; as they came when empty."""
    cursor: str = ""
    """`next` of the page before."""
    limit: int = LIMIT


@dataclass(frozen=True)
class ShownItems:
    """A page of items."""

    items: tuple[ShownItem, ...]
    next: str
    """Empty: this is the last one."""
    total: int
    """Of all that the filter finds."""


def list_items(location: Location, name: str, wanted: ItemsQuery) -> ShownItems:
    """Items of a collection.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: nothing was imported into it yet.
        InputError: a filter, an order or a cursor that cannot be; with the place.
    """
    items = _items(location, name)
    page = items.items(
        name,
        filter_text=wanted.filter,
        sort=wanted.sort,
        cursor=wanted.cursor,
        limit=min(wanted.limit, MOST),
    )
    total = items.count(name, wanted.filter)
    return ShownItems(tuple(map(_shown, page.items)), page.cursor, total)


def show_item(location: Location, name: str, item_id: int) -> ShownItem:
    """One item.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: it has no such item.
    """
    return _shown(_items(location, name).item(name, item_id))


def list_folders(location: Location, name: str) -> list[Folder]:
    """The folders of a collection, in order, and how many items each has (F110)."""
    return _items(location, name).folders(name)


def _items(location: Location, name: str) -> ItemCatalog:
    find_collection(location, name)
    return ItemCatalog(catalog_of(location).database)


def _shown(item: StoredItem) -> ShownItem:
    return ShownItem(
        id=item.id,
        folder=item.folder,
        type=item.type,
        title=item.title,
        urls=item.urls,
        state=item.state,
        media=_json(item.media),
        metadata=_json(item.metadata),
        objects=tuple(_json(item.objects) or ()),
        rule=item.rule,
        message=item.message,
        error_url=item.error_url,
        place=item.place,
        import_id=item.import_id,
        attempts=item.attempts,
        created_at=item.created_at,
        changed_at=item.changed_at,
    )


def _json(text: bytes | None) -> Any:
    return None if text is None else json.loads(text)
