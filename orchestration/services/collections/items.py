"""Items of collections: found by filters, page by page, and one whole (F093)."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from orchestration.services.collections.declared import DeclaredCollections
from orchestration.services.collections.detail import schema_now
from orchestration.services.paging import Page
from resources.collections.filter_fields import bind_filter
from resources.collections.items import ItemState, MediaType
from resources.stores.catalog.collections.items import Neighbours
from resources.stores.catalog.collections.paging import Order
from resources.stores.catalog.collections.records import StoredItem

LIMIT = 100
MOST = 1_000


@dataclass(frozen=True)
class ShownItem:
    """An item as it is shown."""

    id: int
    folder: str
    type: MediaType
    title: str
    urls: tuple[str, ...]
    state: ItemState
    media: dict[str, Any] | None
    metadata: dict[str, Any] | None
    """Custom metadata; a list leaves it out where it is longer than 20,000 bytes."""
    metadata_size: int
    """Its bytes."""
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
    revision: str
    """Another one after each change: a change that names it is refused once the item was changed since."""


@dataclass(frozen=True)
class CollectionFolder:
    """A folder of a collection."""

    path: str
    items: int
    """In itself, not in those below it."""


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

    @property
    def is_as_they_came(self) -> bool:
        """Whether they are in the order of their ids, or the other way round."""
        return self.sort.removeprefix("-") in {"", "id"}


def list_items(collections: DeclaredCollections, name: str, wanted: ItemsQuery) -> Page[ShownItem]:
    """A page of items of a collection; an empty one where nothing was imported yet.

    Raises:
        UnknownNameError: no such collection.
        InputError: a filter, an order or a cursor that cannot be; with the place.
    """
    spec = collections.find(name)
    if not collections.has_taken(name):
        schema = schema_now(collections, spec)
        Order.parse(wanted.sort, schema)
        if wanted.filter.strip():
            bind_filter(wanted.filter, schema)
        return Page((), None, 0)
    count: Callable[[], int] = partial(collections.tallies.count, name, wanted.filter)
    with ThreadPoolExecutor(1, "count") as beside:
        # In another order all items are looked at: they are counted meanwhile, not afterwards.
        if not wanted.is_as_they_came:
            count = beside.submit(count).result
        page = collections.items.items(
            name,
            filter_text=wanted.filter,
            sort=wanted.sort,
            cursor=wanted.cursor,
            limit=min(wanted.limit, MOST),
        )
    is_all = not wanted.cursor and not page.cursor
    total = len(page.items) if is_all else count()
    return Page(tuple(map(_shown, page.items)), page.cursor or None, total)


def show_item(collections: DeclaredCollections, name: str, item_id: int) -> ShownItem:
    """One item.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: it has no such item.
    """
    collections.find(name)
    return _shown(collections.items.item(name, item_id))


def neighbours_of(
    collections: DeclaredCollections, name: str, item_id: int, filter_text: str, sort: str
) -> Neighbours:
    """The items beside one in a list.

    Raises:
        NotFoundError: the collection has no such item.
        InputError: a filter or an order that cannot be.
    """
    return collections.items.neighbours(name, item_id, filter_text=filter_text, sort=sort)


def list_folders(collections: DeclaredCollections, name: str) -> list[CollectionFolder]:
    """The folders of a collection, in order, and how many items each has (F110)."""
    collections.find(name)
    if not collections.has_taken(name):
        return []
    return [CollectionFolder(one.path, one.items) for one in collections.tallies.folders(name)]


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
        metadata_size=item.metadata_size,
        objects=tuple(_json(item.objects) or ()),
        rule=item.rule,
        message=item.message,
        error_url=item.error_url,
        place=item.place,
        import_id=item.import_id,
        attempts=item.attempts,
        created_at=item.created_at,
        changed_at=item.changed_at,
        revision=item.revision,
    )


def _json(text: bytes | None) -> Any:
    return None if text is None else json.loads(text)
