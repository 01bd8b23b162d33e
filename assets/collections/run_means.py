"""What a run of a collection is given beside its order: its connectors, and the schema of its metadata."""

from __future__ import annotations

import dagster as dg

from assets.collections.declaration import CollectionSpec
from resources.collections.metadata_schema import MetadataSchema
from resources.connectors.base import FileConnector
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog


def connectors_of(
    context: dg.AssetExecutionContext, spec: CollectionSpec
) -> dict[str, FileConnector]:
    """The collection's connectors, their secrets read from the environment."""
    return {name: getattr(context.resources, name).files() for name in spec.connectors}


def declared_schema(spec: CollectionSpec, catalog: CollectionCatalog) -> MetadataSchema | None:
    """The schema as the catalog has it, once it follows what the project declares."""
    if not spec.metadata_schema:
        return None
    schemas = MetadataCatalog(catalog.database)
    return schemas.declare(spec.metadata_schema, spec.schema_keys, "project").schema
