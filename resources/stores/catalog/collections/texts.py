"""The texts of a collection's items, as they are kept."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

import sqlalchemy as sa

from resources.stores.catalog.collections.imports import known_collection
from resources.stores.catalog.collections.tables import DOCUMENTS, FOLDERS, ITEMS
from resources.stores.catalog.database import CatalogDatabase

_FETCHED = 100
PackedText = tuple[int, str, str, str, bytes]
"""An item's id, title, URL and folder, and its text."""


class StoredTexts:
    """Reads texts. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self.database = database

    def find(self, item_id: int) -> bytes | None:
        """The text of an item; None: it has none."""
        chosen = sa.select(DOCUMENTS.c.document).where(DOCUMENTS.c.item_id == item_id)
        with self.database.read() as connection:
            return connection.execute(chosen).scalar_one_or_none()

    @contextmanager
    def stream(self, collection: str) -> Iterator[tuple[int, Iterator[PackedText]]]:
        """All texts of a collection in the order of its items; with them after how many changes, in one snapshot.

        Raises:
            NotFoundError: nothing was imported into it yet.
        """
        with self.database.read() as connection:
            stored = known_collection(connection, collection)
            with closing(_rows(connection, stored.id)) as rows:
                yield stored.changes, rows


def _rows(connection: sa.Connection, collection_id: int) -> Generator[PackedText]:
    chosen = (
        sa.select(ITEMS.c.id, ITEMS.c.title, ITEMS.c.urls, FOLDERS.c.path, DOCUMENTS.c.document)
        .select_from(DOCUMENTS)
        .join(ITEMS, ITEMS.c.id == DOCUMENTS.c.item_id)
        .join(FOLDERS, FOLDERS.c.id == ITEMS.c.folder_id)
        .where(DOCUMENTS.c.collection_id == collection_id)
        .order_by(ITEMS.c.id)
        .execution_options(stream_results=True, max_row_buffer=_FETCHED)
    )
    with connection.execute(chosen) as result:
        for row in result:
            yield row[0], row[1], row[2], row[3], row[4]
