"""Metadata schemas as rows: one a schema, with all its keys, deleted ones included."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from resources.stores.catalog.collections.tables import SCHEMAS

_KEYS = msgspec.json.Decoder(list[MetadataKey])


def find_schema(connection: sa.Connection, name: str) -> tuple[MetadataSchema, int]:
    """A schema and its revision; one that was never made is empty, of revision 0."""
    chosen = sa.select(SCHEMAS.c["keys"], SCHEMAS.c.revision).where(SCHEMAS.c.name == name)
    row = connection.execute(chosen).one_or_none()
    if row is None:
        return MetadataSchema(name), 0
    return MetadataSchema(name, {key.name: key for key in _KEYS.decode(row[0])}), int(row[1])


def written_keys(schema: MetadataSchema) -> str:
    """The keys as `find_schema` reads them."""
    ordered = sorted(schema.keys.values(), key=lambda key: key.name)
    return msgspec.json.encode(ordered).decode()
