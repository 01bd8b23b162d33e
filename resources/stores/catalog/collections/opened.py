"""A collection within a transaction: itself, its schema, its table of facets."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from resources.collections.metadata_schema import MetadataSchema
from resources.kernel.errors import ConflictError
from resources.stores.catalog.collections.facets import FacetTable
from resources.stores.catalog.collections.imports import known_collection
from resources.stores.catalog.collections.records import StoredCollection
from resources.stores.catalog.collections.schemas import find_schema


@dataclass(frozen=True)
class Opened:
    """A collection within a transaction, with what is needed to ask for its items."""

    stored: StoredCollection
    schema: MetadataSchema
    facets: FacetTable

    @classmethod
    def of(cls, connection: sa.Connection, collection: str, *, is_sqlite: bool) -> Opened:
        """A collection.

        Raises:
            NotFoundError: nothing was imported into it yet.
            ConflictError: its schema was changed, and its table of facets follows just now.
        """
        stored = known_collection(connection, collection)
        schema, revision = find_schema(connection, stored.schema)
        if revision != stored.schema_revision:
            raise ConflictError(
                f"collection {collection!r} is being fitted to a change of its metadata schema",
                hint="Try again in a minute",
            )
        return cls(stored, schema, FacetTable.of(stored.id, schema, is_sqlite=is_sqlite))
