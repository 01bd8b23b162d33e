"""Metadata schemas: what they are, who changed them when, and what of the stored metadata no longer fits.

Collections follow a change within its transaction: their tables of facets are made anew, and until then they answer by the
schema as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa

from resources.collections.declared_values import MetadataReader
from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from resources.collections.schema_changes import SchemaChange, changed, changes_to, marked
from resources.kernel.errors import ConflictError
from resources.stores.catalog.collections.imports import ensured_collection
from resources.stores.catalog.collections.records import now, to_moment
from resources.stores.catalog.collections.schemas import find_schema, written_keys
from resources.stores.catalog.collections.tables import COLLECTIONS, SCHEMA_CHANGES, SCHEMAS
from resources.stores.catalog.database import CatalogDatabase

_CHANGE = msgspec.json.Decoder(SchemaChange)
_PAGE = 4_096


@dataclass(frozen=True)
class StoredSchema:
    """A schema as it is now."""

    schema: MetadataSchema
    revision: int
    """0: it was never made."""


@dataclass(frozen=True)
class SchemaEntry:
    """One change of a schema."""

    revision: int
    actor: str
    change: SchemaChange
    changed_at: datetime


class MetadataCatalog:
    """All schemas of a catalog. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self.database = database

    def schema(self, name: str) -> StoredSchema:
        """A schema; one that was never made is empty."""
        with self.database.read() as connection:
            return StoredSchema(*find_schema(connection, name))

    def names(self) -> list[str]:
        """The schemas that there are."""
        chosen = sa.select(SCHEMAS.c.name).order_by(SCHEMAS.c.name)
        with self.database.read() as connection:
            return sorted(connection.execute(chosen).scalars())

    def apply(
        self, name: str, change: SchemaChange, actor: str, *, revision: int | None = None
    ) -> StoredSchema:
        """Makes a change, for the collections too.

        Args:
            name: of the schema.
            change: what to change.
            actor: who does.
            revision: the one that the change was decided upon; None: whichever there is.

        Raises:
            SchemaChangeError: a rule forbids it; nothing has changed then.
            ConflictError: the schema was changed since.
        """
        with self.database.write() as connection:
            stored = self._locked(connection, name)
            if revision is not None and stored.revision != revision:
                raise ConflictError(
                    f"metadata schema {name!r} has revision {stored.revision}, not {revision}:"
                    " it was changed meanwhile",
                    hint="Look at it again, then change it",
                )
            made = _written(connection, stored, change, actor)
            self._follow(connection, name)
            return made

    def declare(self, name: str, keys: Sequence[MetadataKey], actor: str) -> StoredSchema:
        """Gives a schema the keys that a project's files declare; those that were made by commands stay.

        Raises:
            SchemaChangeError: a rule forbids it; nothing has changed then.
        """
        with self.database.write() as connection:
            made = self._locked(connection, name)
            for change in list(changes_to(made.schema, keys)):
                made = _written(connection, made, change, actor)
            known = marked(made.schema, keys)
            if known != made.schema:
                made = _marked(connection, StoredSchema(known, made.revision))
            self._follow(connection, name)
            return made

    def history(self, name: str) -> list[SchemaEntry]:
        """The changes of a schema, newest first."""
        chosen = (
            sa.select(SCHEMA_CHANGES)
            .where(SCHEMA_CHANGES.c.name == name)
            .order_by(SCHEMA_CHANGES.c.revision.desc())
        )
        with self.database.read() as connection:
            return [
                SchemaEntry(
                    row.revision, row.actor, _CHANGE.decode(row.change), to_moment(row.changed_at)
                )
                for row in connection.execute(chosen)
            ]

    def misfits(self, name: str, key: MetadataKey) -> dict[str, int]:
        """How many stored values would not fit `key`, by collection: of a key as it is, or as it is to become."""
        with self.database.read() as connection:
            counts = {
                collection: self._misfits(connection, collection_id, key)
                for collection_id, collection in self._collections(connection, name)
            }
        return {collection: count for collection, count in counts.items() if count}

    def holding(self, name: str, key: str) -> dict[str, int]:
        """How many items have a value under a key, by collection, whatever the schema says of it."""
        with self.database.read() as connection:
            counts = {
                collection: self._holding(connection, collection_id, key)
                for collection_id, collection in self._collections(connection, name)
            }
        return {collection: count for collection, count in counts.items() if count}

    def collections(self, name: str) -> list[str]:
        """The collections whose metadata a schema is for, as far as they have taken an import."""
        with self.database.read() as connection:
            return [collection for _, collection in self._collections(connection, name)]

    def _follow(self, connection: sa.Connection, name: str) -> None:
        """Fits the collections of a schema to its newest revision; those that are fitted already are left alone."""
        is_sqlite = self.database.is_sqlite
        for collection_id, collection in self._collections(connection, name):
            if not is_sqlite:
                # An import that registers has the table first and the collection's row last: in its order, or both wait forever.
                connection.exec_driver_sql(
                    f"LOCK TABLE facets_{collection_id} IN SHARE ROW EXCLUSIVE MODE"
                )
            ensured_collection(connection, collection, name, is_sqlite=is_sqlite)

    def _locked(self, connection: sa.Connection, name: str) -> StoredSchema:
        """The schema; others who change it wait."""
        connection.execute(
            sa.text(
                "INSERT INTO metadata_schemas (name, revision, keys, changed_at)"
                " VALUES (:name, 0, '[]', :now) ON CONFLICT (name) DO NOTHING"
            ),
            {"name": name, "now": now()},
        )
        connection.execute(
            sa.select(SCHEMAS.c.name).where(SCHEMAS.c.name == name).with_for_update()
        )
        return StoredSchema(*find_schema(connection, name))

    def _collections(self, connection: sa.Connection, name: str) -> list[tuple[int, str]]:
        chosen = sa.select(COLLECTIONS.c.id, COLLECTIONS.c.name)
        chosen = chosen.where(COLLECTIONS.c.schema_name == name).order_by(COLLECTIONS.c.name)
        return [(row[0], row[1]) for row in connection.execute(chosen)]

    def _given(self, key: str) -> tuple[str, str]:
        """The condition that an item has a value under a key, and its parameter `path`."""
        if self.database.is_sqlite:
            return "json_type(i.metadata, :path) <> 'null'", f'$."{key}"'
        return "jsonb_typeof(i.metadata -> CAST(:path AS text)) <> 'null'", key

    def _holding(self, connection: sa.Connection, collection_id: int, key: str) -> int:
        given, path = self._given(key)
        counted = sa.text(
            "SELECT count(*) FROM collection_items i"
            f" WHERE i.collection_id = :collection AND {given}"
        )
        values = {"collection": collection_id, "path": path}
        return int(connection.execute(counted, values).scalar_one())

    def _misfits(self, connection: sa.Connection, collection_id: int, key: MetadataKey) -> int:
        is_sqlite = self.database.is_sqlite
        given, path = self._given(key.name)
        page = sa.text(
            f"SELECT i.id, {'i.metadata' if is_sqlite else 'i.metadata::text'}"
            f" FROM facets_{collection_id} f JOIN collection_items i ON i.id = f.item"
            f" WHERE f.item > :after AND {given} ORDER BY f.item LIMIT {_PAGE}"
        )
        read, after, count = MetadataReader([key]), 0, 0
        while rows := connection.execute(page, {"path": path, "after": after}).fetchall():
            [values] = read.columns([row[1] for row in rows])
            count += values.count(None)
            after = rows[-1][0]
        return count


def _marked(connection: sa.Connection, stored: StoredSchema) -> StoredSchema:
    """Keeps which keys are declared: no change of the schema, so of the same revision."""
    connection.execute(
        sa.update(SCHEMAS)
        .where(SCHEMAS.c.name == stored.schema.name)
        .values(keys=written_keys(stored.schema))
    )
    return stored


def _written(
    connection: sa.Connection, stored: StoredSchema, change: SchemaChange, actor: str
) -> StoredSchema:
    schema = changed(stored.schema, change)
    made = StoredSchema(schema, stored.revision + 1)
    moment = now()
    connection.execute(
        sa.update(SCHEMAS)
        .where(SCHEMAS.c.name == schema.name)
        .values(revision=made.revision, keys=written_keys(schema), changed_at=moment)
    )
    connection.execute(
        sa.insert(SCHEMA_CHANGES).values(
            name=schema.name,
            revision=made.revision,
            actor=actor,
            change=msgspec.json.encode(change).decode(),
            changed_at=moment,
        )
    )
    return made
