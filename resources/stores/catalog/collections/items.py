"""Items of collections: found by filters, page by page, and changed one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources.collections.filter_fields import bind_filter
from resources.stores.catalog.collections import editing
from resources.stores.catalog.collections.filtering import Compiler
from resources.stores.catalog.collections.imports import known_collection
from resources.stores.catalog.collections.opened import Opened, look_at
from resources.stores.catalog.collections.paging import Order
from resources.stores.catalog.collections.records import Folder, StoredItem
from resources.stores.catalog.collections.rows import item_columns, to_item
from resources.stores.catalog.collections.tallies import read_folders
from resources.stores.catalog.database import CatalogDatabase

MOST_ITEMS = 1_000
"""Of a page."""
LISTED_METADATA = 20_000
"""Bytes of custom metadata of an item that a list has; an item may have 10 MB, a page of them more than any memory."""


@dataclass(frozen=True)
class ItemPage:
    """Some items in order."""

    items: list[StoredItem]
    cursor: str
    """What the next page is asked for with; empty: this is the last one."""


@dataclass(frozen=True)
class Neighbours:
    """The items beside one in a list."""

    previous: int | None
    next: int | None


class ItemCatalog:
    """The items of all collections of a catalog. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self.database = database

    def items(
        self,
        collection: str,
        *,
        filter_text: str = "",
        sort: str = "",
        cursor: str = "",
        limit: int = 100,
    ) -> ItemPage:
        """Items of a collection, without custom metadata longer than `LISTED_METADATA`.

        Args:
            collection: of which.
            filter_text: which of them; see `resources/collections/filters.py`. Empty: all.
            sort: the name of a field, `-` before it for the other way round. Empty: as they came.
            cursor: of the page before.
            limit: most of them.

        Raises:
            NotFoundError: nothing was imported into it yet.
            FilterError: the filter cannot be understood; with the place.
            InputError: so it cannot be sorted, or the cursor is none of this list.
        """
        limit = min(limit, MOST_ITEMS)
        with look_at(self.database, collection) as (connection, opened):
            order = Order.parse(sort, opened.schema)
            compiler = Compiler(opened.facets)
            conditions = _conditions(compiler, opened, filter_text)
            value = order.value(compiler).label("sorted_by")
            found: list[Any] = []
            for part in order.parts(compiler, cursor):
                if len(found) > limit:
                    break
                chosen = (
                    sa.select(compiler.table.c.item, value)
                    .select_from(compiler.source())
                    .where(*conditions, *part.conditions)
                    .order_by(*part.columns)
                    .limit(limit + 1 - len(found))
                )
                found += connection.execute(chosen).fetchall()
            ids = [row[0] for row in found[:limit]]
            items = self._fetch(connection, ids, metadata_limit=LISTED_METADATA)
        is_last = len(found) <= limit
        last = "" if is_last else order.cursor(found[limit - 1][1], found[limit - 1][0])
        return ItemPage(items, last)

    def count(self, collection: str, filter_text: str = "") -> int:
        """How many items a filter finds.

        Raises:
            NotFoundError: nothing was imported into the collection yet.
            FilterError: the filter cannot be understood; with the place.
        """
        with look_at(self.database, collection) as (connection, opened):
            compiler = Compiler(opened.facets)
            conditions = _conditions(compiler, opened, filter_text)
            chosen = sa.select(sa.func.count()).select_from(compiler.source()).where(*conditions)
            return int(connection.execute(chosen).scalar_one())

    def item(self, collection: str, item_id: int) -> StoredItem:
        """One item.

        Raises:
            NotFoundError: the collection has none of this id.
        """
        with self.database.read() as connection:
            stored = known_collection(connection, collection)
            found = self._fetch(connection, [item_id], collection_id=stored.id)
        if not found:
            raise editing.no_item(collection, item_id)
        return found[0]

    def neighbours(
        self, collection: str, item_id: int, *, filter_text: str = "", sort: str = ""
    ) -> Neighbours:
        """Which items come before and after one in the list of a filter, whether it is in the list itself or not.

        Raises:
            NotFoundError: the collection has no such item.
            FilterError: the filter cannot be understood; with the place.
            InputError: so it cannot be sorted.
        """
        with look_at(self.database, collection) as (connection, opened):
            order, compiler = Order.parse(sort, opened.schema), Compiler(opened.facets)
            item, value = compiler.table.c.item, order.value(compiler)
            own = sa.select(value).select_from(compiler.source()).where(item == item_id)
            row = connection.execute(own).one_or_none()
            if row is None:
                raise editing.no_item(collection, item_id)
            conditions = _conditions(compiler, opened, filter_text)

            def nearest(beside: Any, order_by: list[Any]) -> int | None:
                chosen = (
                    sa.select(item)
                    .select_from(compiler.source())
                    .where(*conditions, beside)
                    .order_by(*order_by)
                    .limit(1)
                )
                found = connection.execute(chosen).scalar_one_or_none()
                return None if found is None else int(found)

            before = order.before(compiler, row[0], item_id)
            after = order.after(compiler, row[0], item_id)
            return Neighbours(
                nearest(before, order.backwards(compiler)), nearest(after, order.columns(compiler))
            )

    def folders(self, collection: str) -> list[Folder]:
        """The folders of a collection with the number of their items, in order of their paths."""
        with self.database.read() as connection:
            stored = known_collection(connection, collection)
            return list(read_folders(connection, stored.id))

    def rename(self, collection: str, item_id: int, title: str) -> None:
        """Gives an item another title.

        Raises:
            NotFoundError: the collection has none of this id.
            InputError: the title is too long, or empty.
        """
        with self.database.write() as connection:
            editing.rename(connection, known_collection(connection, collection), item_id, title)

    def merge_metadata(
        self, collection: str, item_id: int, patch: Mapping[str, Any], *, revision: str = ""
    ) -> StoredItem:
        """Changes keys of an item's custom metadata and leaves the others; null takes a key out.

        Args:
            collection: of which.
            item_id: of the item.
            patch: values by key.
            revision: of the item that the change was decided upon; empty: whichever there is.

        Raises:
            NotFoundError: the collection has none of this id.
            ConflictError: the item was changed since.
            InputError: a value is not what its key declares, or cannot be kept; its facts name the rule.
        """
        with self.database.write() as connection:
            is_sqlite = self.database.is_sqlite
            opened = Opened.held(connection, collection, is_sqlite=is_sqlite, for_change=True)
            editing.merge_metadata(connection, opened, item_id, patch, revision)
            return self._fetch(connection, [item_id])[0]

    def move(self, collection: str, ids: Sequence[int], folder: str) -> int:
        """Puts items into a folder, which is made if it is not there; says how many.

        They are known again by their URLs there. Two of the same URLs may then lie beside each other.
        """
        with self.database.write() as connection:
            stored = known_collection(connection, collection)
            return editing.move(connection, stored, ids, folder)

    def remove(self, collection: str, ids: Sequence[int]) -> int:
        """Takes items out; says how many. Logs of imports keep what failed; objects are not touched."""
        with self.database.write() as connection:
            return editing.remove(connection, known_collection(connection, collection), ids)

    def remove_collection(self, collection: str) -> int:
        """Takes a collection out with its items and its imports; says how many items it had. Its schema stays."""
        with self.database.write() as connection:
            return editing.remove_collection(connection, known_collection(connection, collection))

    def _fetch(
        self,
        connection: sa.Connection,
        ids: Sequence[int],
        *,
        collection_id: int | None = None,
        metadata_limit: int | None = None,
    ) -> list[StoredItem]:
        """Items by their ids, in that order."""
        columns = item_columns(is_sqlite=self.database.is_sqlite, metadata_limit=metadata_limit)
        own = "" if collection_id is None else " AND i.collection_id = :collection"
        chosen = sa.text(
            f"SELECT {columns} FROM collection_items i JOIN collection_folders d"
            f" ON d.id = i.folder_id WHERE i.id IN :ids{own}"
        ).bindparams(sa.bindparam("ids", expanding=True))
        values: dict[str, Any] = {"ids": list(ids)}
        if collection_id is not None:
            values["collection"] = collection_id
        found = {row[0]: to_item(row) for row in connection.execute(chosen, values)}
        return [found[number] for number in ids if number in found]


def _conditions(compiler: Compiler, opened: Opened, filter_text: str) -> list[Any]:
    if not filter_text.strip():
        return []
    return [compiler.where(bind_filter(filter_text, opened.schema))]
