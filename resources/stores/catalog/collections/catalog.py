"""Imports into collections: begun, registered exactly once, looked at item by item, told about.

`items.py` answers and changes single items, `metadata.py` has the schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

import msgspec
import sqlalchemy as sa

from resources.collections.duplicates import DuplicateFlags, Sorter
from resources.collections.items import ItemDraft, ItemOutcome
from resources.kernel.errors import ConflictError
from resources.kernel.garbage import no_full_collections
from resources.stores.catalog.collections import settling
from resources.stores.catalog.collections.ends import note_end
from resources.stores.catalog.collections.facets import FacetTable
from resources.stores.catalog.collections.folder_look import FolderLook
from resources.stores.catalog.collections.imports import (
    SELECT_IMPORTS,
    ensured_collection,
    ensured_folder,
    ensured_import,
    find_collection,
    find_folder,
    known_collection,
    known_import,
    to_import,
)
from resources.stores.catalog.collections.indexes import ensure_indexes
from resources.stores.catalog.collections.loading import ImportTarget, Loader, Moved
from resources.stores.catalog.collections.loading_postgresql import PostgresLoader
from resources.stores.catalog.collections.loading_sqlite import SqliteLoader
from resources.stores.catalog.collections.records import (
    FailedFile,
    ImportCounts,
    ImportRequest,
    Registered,
    StoredCollection,
    StoredImport,
    StoredItem,
)
from resources.stores.catalog.collections.rows import (
    FAILURE_COLUMNS,
    item_columns,
    to_failed,
    to_item,
)
from resources.stores.catalog.collections.schemas import find_schema
from resources.stores.catalog.collections.tables import COLLECTIONS, IMPORTS
from resources.stores.catalog.database import CatalogDatabase

Batches = Callable[[], Iterable[Sequence[ItemDraft]]]
"""The drafts of a specification, some thousand at a time; asked for again when the collection changed meanwhile."""

_TRIES = 5
_PAGE = 1_000


class CollectionCatalog:
    """All collections of a catalog. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self.database = database

    def lock(self, collection: str) -> AbstractContextManager[None]:
        """Serialises what registers items of a collection, wherever the runs are."""
        return self.database.lock(f"collection-{collection}")

    def find(self, collection: str) -> StoredCollection | None:
        """A collection; None when nothing was imported into it yet."""
        with self.database.read() as connection:
            return find_collection(connection, collection)

    def begin(self, collection: str, order: ImportRequest) -> int:
        """Writes down that an import was asked for; the same key is the same import."""
        with self.database.write() as connection:
            stored = ensured_collection(
                connection, collection, order.schema, is_sqlite=self.database.is_sqlite
            )
            folder = ensured_folder(connection, stored.id, order.folder)
            return ensured_import(connection, stored, folder, order)

    def work(self, import_id: int, run_id: str) -> StoredImport:
        """Notes that a run works on an import, which has not ended then.

        Raises:
            NotFoundError: there is no such import.
        """
        with self.database.write() as connection:
            _note_run(connection, known_import(connection, import_id), run_id)
            return known_import(connection, import_id)

    def await_run(self, import_id: int, run_id: str) -> None:
        """Notes a run that was asked to work on an import and may not have begun; one that is known already changes nothing."""
        with self.database.write() as connection:
            stored = known_import(connection, import_id)
            if run_id not in stored.run_ids:
                _note_run(connection, stored, run_id)

    def end(self, import_id: int, outcome: str, message: str = "") -> None:
        """Notes that an import ended, and how; webhooks are told of it."""
        with self.database.write() as connection:
            note_end(connection, import_id, outcome, message)

    def preview(
        self, collection: str, folder: str, batches: Batches, flags: DuplicateFlags
    ) -> Registered:
        """What `register` would do now; writes nothing."""
        if not self.database.exists():
            return _sorted(batches, Sorter(flags, lambda _: None))
        with self.database.read() as connection:
            stored = find_collection(connection, collection)
            found = None if stored is None else find_folder(connection, stored.id, folder)
            driver = connection.connection.driver_connection
            facets = "" if stored is None else f"facets_{stored.id}"
            look = FolderLook(driver, found, facets, is_sqlite=self.database.is_sqlite)
            return _sorted(batches, Sorter(flags, look.known))

    def register(self, import_id: int, batches: Batches, flags: DuplicateFlags) -> Registered:
        """Brings the items of a specification in, by one transaction; an import does so once, however often it is tried.

        Args:
            import_id: of `begin`.
            batches: the drafts, checked.
            flags: of the specification.

        Raises:
            NotFoundError: there is no such import.
            ConflictError: the collection changed again and again meanwhile, or another import has it for too long.
        """
        stored = self.find_import(import_id)
        if stored.registered_at is not None:
            return stored.registered
        with self.lock(stored.collection):
            for _ in range(_TRIES):
                stored = self.find_import(import_id)
                if stored.registered_at is not None:
                    return stored.registered
                try:
                    registered = self._register(stored, batches, flags)
                except Moved:
                    continue
                ensure_indexes(self.database, stored.collection)
                return registered
        raise ConflictError(
            f"collection {stored.collection!r} changed each time that {stored.file_name!r} was read",
            hint="Try again when fewer changes are made to its items",
        )

    def pending(self, import_id: int, after: int = 0, limit: int = _PAGE) -> list[StoredItem]:
        """Items of an import that were not looked at yet, by id, those behind the id `after`."""
        columns = item_columns(is_sqlite=self.database.is_sqlite)
        chosen = sa.text(
            f"SELECT {columns} FROM collection_items i JOIN collection_folders d"
            " ON d.id = i.folder_id WHERE i.import_id = :import AND i.state = 'pending'"
            " AND i.id > :after ORDER BY i.id LIMIT :limit"
        )
        values = {"import": import_id, "after": after, "limit": limit}
        with self.database.read() as connection:
            return [to_item(row) for row in connection.execute(chosen, values)]

    def settle(self, import_id: int, outcomes: Sequence[ItemOutcome]) -> int:
        """Writes down what was found out about items; once, and only of items that this import still has to look at.

        Returns:
            How many were.
        """
        with self.database.write() as connection:
            collection_id = _collection_of(connection, import_id)
            return settling.settle(connection, collection_id, import_id, outcomes)

    def retry(self, import_id: int) -> int:
        """Makes the failed items of an import pending again; says how many."""
        with self.database.write() as connection:
            collection_id = _collection_of(connection, import_id)
            return settling.retry(connection, collection_id, import_id)

    def counts(self, import_id: int) -> ImportCounts:
        """How far an import is."""
        chosen = sa.text(
            "SELECT state, count(*) FROM collection_items"
            " WHERE import_id = :import AND state <> 'ready' GROUP BY state"
        )
        with self.database.read() as connection:
            found = {row[0]: row[1] for row in connection.execute(chosen, {"import": import_id})}
            ready = connection.execute(
                sa.select(IMPORTS.c.ready).where(IMPORTS.c.id == import_id)
            ).scalar_one()
        return ImportCounts(found.get("pending", 0), ready, found.get("failed", 0))

    def failures(self, import_id: int) -> Iterator[FailedFile]:
        """The files that failed in an import and were not mended by it since, in order; any number, in bounded memory."""
        after = (0, 0)
        while page := self.failures_after(import_id, after, _PAGE):
            yield from page
            after = (page[-1].item_id, page[-1].position)

    def failures_after(
        self, import_id: int, after: tuple[int, int], limit: int
    ) -> list[FailedFile]:
        """Some of them: of files behind the item and position `after`."""
        page = sa.text(
            f"SELECT {FAILURE_COLUMNS} FROM collection_file_failures WHERE import_id = :import"
            " AND (item_id, position) > (:item, :position)"
            " ORDER BY item_id, position LIMIT :limit"
        )
        values = {"import": import_id, "item": after[0], "position": after[1], "limit": limit}
        with self.database.read() as connection:
            return [to_failed(row) for row in connection.execute(page, values)]

    def find_import(self, import_id: int) -> StoredImport:
        """An import.

        Raises:
            NotFoundError: there is none.
        """
        with self.database.read() as connection:
            return known_import(connection, import_id)

    def newest_imports(self, collections: Collection[str], *, limit: int) -> list[StoredImport]:
        """The newest imports of some collections together."""
        chosen = SELECT_IMPORTS.where(COLLECTIONS.c.name.in_(list(collections)))
        with self.database.read() as connection:
            rows = connection.execute(chosen.order_by(IMPORTS.c.id.desc()).limit(limit))
            return [to_import(row) for row in rows]

    def imports(
        self, collection: str, *, limit: int = 100, before: int | None = None
    ) -> list[StoredImport]:
        """The imports of a collection, newest first; those before an id."""
        chosen = SELECT_IMPORTS.where(COLLECTIONS.c.name == collection)
        if before is not None:
            chosen = chosen.where(IMPORTS.c.id < before)
        with self.database.read() as connection:
            rows = connection.execute(chosen.order_by(IMPORTS.c.id.desc()).limit(limit))
            return [to_import(row) for row in rows]

    def _register(
        self, stored: StoredImport, batches: Batches, flags: DuplicateFlags
    ) -> Registered:
        kind: type[Loader] = SqliteLoader if self.database.is_sqlite else PostgresLoader
        with no_full_collections(), kind(self.database, self._target(stored)) as loader:
            sorter = Sorter(flags, loader.folder.known)
            for batch in batches():
                loader.take(sorter.sort(batch))
            return Registered(loader.commit(sorter.tally()))

    def _target(self, stored: StoredImport) -> ImportTarget:
        is_sqlite = self.database.is_sqlite
        with self.database.write() as connection:
            collection = known_collection(connection, stored.collection)
            collection = ensured_collection(
                connection, collection.name, collection.schema, is_sqlite=is_sqlite
            )
            schema, _ = find_schema(connection, collection.schema)
            return ImportTarget(
                import_id=stored.id,
                collection_id=collection.id,
                folder_id=ensured_folder(connection, collection.id, stored.folder),
                revision=collection.revision,
                look=stored.look,
                facets=FacetTable.of(collection.id, schema, is_sqlite=is_sqlite),
            )


def _note_run(connection: sa.Connection, stored: StoredImport, run_id: str) -> None:
    runs = list(dict.fromkeys([*stored.run_ids, run_id]))
    connection.execute(
        sa.update(IMPORTS)
        .where(IMPORTS.c.id == stored.id)
        .values(run_ids=msgspec.json.encode(runs).decode(), ended_at=None, outcome="", message="")
    )


def _sorted(batches: Batches, sorter: Sorter) -> Registered:
    for batch in batches():
        sorter.sort(batch)
    return Registered(sorter.tally())


def _collection_of(connection: sa.Connection, import_id: int) -> int:
    return int(
        connection.execute(
            sa.select(IMPORTS.c.collection_id).where(IMPORTS.c.id == import_id)
        ).scalar_one()
    )
