"""A collection within a transaction: itself, its schema, its table of facets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from resources.collections.metadata_schema import MetadataSchema
from resources.kernel.errors import ConflictError
from resources.stores.catalog.collections.facets import FacetTable
from resources.stores.catalog.collections.imports import known_collection
from resources.stores.catalog.collections.records import StoredCollection
from resources.stores.catalog.collections.schemas import find_schema
from resources.stores.catalog.database import CatalogDatabase

_IS_OF_NOW = sa.text(
    "SELECT CAST(to_regclass(:table) AS oid) IS NOT DISTINCT FROM (SELECT c.oid FROM pg_class c"
    " WHERE c.relname = :table AND c.relnamespace = to_regnamespace(current_schema()))"
)
"""Whether a table is the one that the transaction's snapshot has: `to_regclass` looks at what is there now."""


@dataclass(frozen=True)
class Opened:
    """A collection within a transaction, with what is needed to ask for its items."""

    stored: StoredCollection
    schema: MetadataSchema
    facets: FacetTable

    @classmethod
    def held(
        cls,
        connection: sa.Connection,
        collection: str,
        *,
        is_sqlite: bool,
        for_change: bool = False,
    ) -> Opened:
        """A collection whose table of facets stays what it is until the transaction ends.

        PostgreSQL finds a table by its name as it is called now, and rows as they were when the transaction began. A table of facets
        that was made anew in between would be empty to it, and its columns those of other keys.

        Args:
            connection: in a transaction.
            collection: its name.
            is_sqlite: the database; SQLite has tables as they were, too.
            for_change: whether facets are to be changed.

        Raises:
            NotFoundError: nothing was imported into it yet.
            ConflictError: its schema was changed, and its table of facets follows just now.
        """
        if not is_sqlite:
            table = f"facets_{known_collection(connection, collection).id}"
            mode = "ROW EXCLUSIVE" if for_change else "ACCESS SHARE"
            connection.exec_driver_sql(f"LOCK TABLE {table} IN {mode} MODE")
            if not connection.execute(_IS_OF_NOW, {"table": table}).scalar_one():
                raise _being_fitted(collection)
        return cls.of(connection, collection, is_sqlite=is_sqlite)

    @classmethod
    def of(cls, connection: sa.Connection, collection: str, *, is_sqlite: bool) -> Opened:
        """A collection, for whoever holds its row, or does without its facets.

        Raises:
            NotFoundError: nothing was imported into it yet.
            ConflictError: its schema was changed, and its table of facets follows just now.
        """
        stored = known_collection(connection, collection)
        schema, revision = find_schema(connection, stored.schema)
        if revision != stored.schema_revision:
            raise _being_fitted(collection)
        return cls(stored, schema, FacetTable.of(stored.id, schema, is_sqlite=is_sqlite))


@contextmanager
def look_at(database: CatalogDatabase, collection: str) -> Iterator[tuple[sa.Connection, Opened]]:
    """A consistent look at a collection: the transaction, and the collection in it.

    Who comes while a change of the schema is committed has waited for its end, and looks once more.

    Raises:
        NotFoundError: nothing was imported into it yet.
        ConflictError: its schema is changed all the time.
    """
    for is_last in (False, False, True):
        with database.read() as connection:
            try:
                opened = Opened.held(connection, collection, is_sqlite=database.is_sqlite)
            except ConflictError:
                if is_last:
                    raise
                continue
            yield connection, opened
            return


def _being_fitted(collection: str) -> ConflictError:
    return ConflictError(
        f"collection {collection!r} is being fitted to a change of its metadata schema",
        hint="Try again in a minute",
    )
