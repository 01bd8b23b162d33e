"""Rows of collections, folders and imports: found, made, and read as values."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from resources.kernel.errors import NotFoundError
from resources.stores.catalog.collections.facets import FacetTable
from resources.stores.catalog.collections.records import (
    ImportRequest,
    Registered,
    StoredCollection,
    StoredImport,
    now,
    to_moment,
)
from resources.stores.catalog.collections.schemas import find_schema
from resources.stores.catalog.collections.tables import COLLECTIONS, FOLDERS, IMPORTS

SELECT_IMPORTS = (
    sa.select(
        *IMPORTS.c, COLLECTIONS.c.name.label("collection_name"), FOLDERS.c.path.label("folder_path")
    )
    .join(COLLECTIONS, COLLECTIONS.c.id == IMPORTS.c.collection_id)
    .join(FOLDERS, FOLDERS.c.id == IMPORTS.c.folder_id)
)


def find_collection(connection: sa.Connection, name: str) -> StoredCollection | None:
    """A collection; None when nothing was imported into it yet."""
    row = connection.execute(sa.select(COLLECTIONS).where(COLLECTIONS.c.name == name)).one_or_none()
    if row is None:
        return None
    return StoredCollection(
        id=row.id,
        name=row.name,
        schema=row.schema_name,
        schema_revision=row.schema_revision,
        revision=row.revision,
        changes=row.changes,
    )


def known_collection(connection: sa.Connection, name: str) -> StoredCollection:
    """A collection.

    Raises:
        NotFoundError: nothing was imported into it yet.
    """
    found = find_collection(connection, name)
    if found is None:
        raise NotFoundError(
            f"collection {name!r} holds nothing: nothing was imported into it yet",
            hint="Import a specification first",
        )
    return found


def ensured_collection(
    connection: sa.Connection, name: str, schema: str, *, is_sqlite: bool
) -> StoredCollection:
    """The collection with its table of facets for the newest revision of `schema`; made where it is missing."""
    connection.execute(
        sa.text(
            "INSERT INTO collections"
            " (name, schema_name, schema_revision, revision, changes, created_at)"
            " VALUES (:name, :schema, -1, 0, 0, :now) ON CONFLICT (name) DO NOTHING"
        ),
        {"name": name, "schema": schema, "now": now()},
    )
    # On PostgreSQL other writers of this row wait here; on SQLite the whole file is locked.
    connection.execute(
        sa.select(COLLECTIONS.c.id).where(COLLECTIONS.c.name == name).with_for_update()
    )
    stored = known_collection(connection, name)
    keys, revision = find_schema(connection, schema)
    if (stored.schema, stored.schema_revision) == (schema, revision):
        return stored
    facets = FacetTable.of(stored.id, keys, is_sqlite=is_sqlite)
    if stored.schema_revision < 0:
        facets.create(connection)
    else:
        facets.remake(connection)
    connection.execute(
        sa.update(COLLECTIONS)
        .where(COLLECTIONS.c.id == stored.id)
        .values(
            schema_name=schema,
            schema_revision=revision,
            revision=COLLECTIONS.c.revision + 1,
            changes=COLLECTIONS.c.changes + 1,
        )
    )
    return known_collection(connection, name)


def ensured_folder(connection: sa.Connection, collection_id: int, path: str) -> int:
    """The id of a folder; made where it is missing."""
    connection.execute(
        sa.text(
            "INSERT INTO collection_folders (collection_id, path) VALUES (:collection, :path)"
            " ON CONFLICT (collection_id, path) DO NOTHING"
        ),
        {"collection": collection_id, "path": path},
    )
    found = find_folder(connection, collection_id, path)
    if found is None:
        raise NotFoundError(f"folder {path!r} was removed just now", hint="Try again")
    return found


def find_folder(connection: sa.Connection, collection_id: int, path: str) -> int | None:
    """The id of a folder; None when there is none."""
    chosen = sa.select(FOLDERS.c.id).where(
        FOLDERS.c.collection_id == collection_id, FOLDERS.c.path == path
    )
    return connection.execute(chosen).scalar_one_or_none()


def ensured_import(
    connection: sa.Connection, stored: StoredCollection, folder_id: int, order: ImportRequest
) -> int:
    """The id of an import; made unless its key is known."""
    connection.execute(
        sa.text(
            "INSERT INTO collection_imports (collection_id, folder_id, key, file_name, sha256,"
            " asked_by, look, ignore_errors, run_ids, created_at, counts, ready, outcome, message)"
            " VALUES (:collection_id, :folder_id, :key, :file_name, :sha256, :asked_by, :look,"
            " :ignore_errors, '[]', :created_at, '{}', 0, '', '')"
            " ON CONFLICT (collection_id, key) DO NOTHING"
        ),
        {
            "collection_id": stored.id,
            "folder_id": folder_id,
            "key": order.key,
            "file_name": order.file_name,
            "sha256": order.sha256,
            "asked_by": order.asked_by,
            "look": order.look,
            "ignore_errors": order.ignore_errors,
            "created_at": now(),
        },
    )
    chosen = sa.select(IMPORTS.c.id).where(
        IMPORTS.c.collection_id == stored.id, IMPORTS.c.key == order.key
    )
    return int(connection.execute(chosen).scalar_one())


def known_import(connection: sa.Connection, import_id: int) -> StoredImport:
    """An import.

    Raises:
        NotFoundError: there is none.
    """
    row = connection.execute(SELECT_IMPORTS.where(IMPORTS.c.id == import_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no import {import_id}", hint="List the collection's imports")
    return to_import(row)


def to_import(row: Any) -> StoredImport:
    """A row of `SELECT_IMPORTS`."""
    return StoredImport(
        id=row.id,
        collection=row.collection_name,
        folder=row.folder_path,
        key=row.key,
        file_name=row.file_name,
        sha256=row.sha256,
        asked_by=row.asked_by,
        look=row.look,
        ignore_errors=bool(row.ignore_errors),
        run_ids=tuple(msgspec.json.decode(row.run_ids)),
        created_at=to_moment(row.created_at),
        registered_at=None if row.registered_at is None else to_moment(row.registered_at),
        registered=Registered(msgspec.json.decode(row.counts)),
        ended_at=None if row.ended_at is None else to_moment(row.ended_at),
        outcome=row.outcome,
        message=row.message,
    )
