"""Indexes of what filters look at, made once a collection is large: not while its items come."""

from __future__ import annotations

from resources.stores.catalog.collections.facets import FacetTable
from resources.stores.catalog.collections.imports import known_collection
from resources.stores.catalog.collections.schemas import find_schema
from resources.stores.catalog.database import CatalogDatabase


def ensure_indexes(database: CatalogDatabase, collection: str) -> None:
    """Gives a large collection the indexes that it lacks; only PostgreSQL has any.

    A transaction of its own: one that holds items as well could wait for somebody who waits for it.

    Raises:
        NotFoundError: nothing was imported into it yet.
    """
    if database.is_sqlite:
        return
    with database.write() as connection:
        stored = known_collection(connection, collection)
        schema, revision = find_schema(connection, stored.schema)
        if revision == stored.schema_revision:  # else its table is about to be made anew
            FacetTable.of(stored.id, schema, is_sqlite=False).ensure_indexes(connection)
