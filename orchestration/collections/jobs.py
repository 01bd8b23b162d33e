"""The runs of collections: what a run is told, and by which tags it is found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.collections.declaration import DECLARATION, CollectionSpec
from resources.kernel.keys import asset_key
from resources.references import metadata_value

COLLECTION_TAG = "waybill/collection"
IMPORT_TAG = "waybill/import"
"""The import that a run works on; one of a watched place finds out by itself which it is, and has none."""
SPECIFICATION_TAG = "waybill/specification"
_TAG_LIMIT = 250


def declared_collections(definitions: dg.Definitions) -> dict[str, CollectionSpec]:
    """The collections of a code location by name, in order: from the assets, before anything is resolved."""
    found = [
        CollectionSpec.from_metadata(metadata_value(spec.metadata[DECLARATION]))
        for item in definitions.assets or []
        if isinstance(item, dg.AssetsDefinition)
        for spec in item.specs
        if DECLARATION in spec.metadata
    ]
    return {spec.name: spec for spec in sorted(found, key=lambda spec: spec.name)}


def build_job(spec: CollectionSpec) -> Any:
    """The job that takes a specification, or works on a task: the collection, then what is made of it: vectors, chunks."""
    embeddings = (asset_key("embeddings", name) for name in spec.embeddings)
    chunks = [] if spec.chunks_key is None else [spec.chunks_key]
    return dg.define_asset_job(
        spec.job,
        selection=dg.AssetSelection.assets(*map(dg.AssetKey, [spec.key, *embeddings, *chunks])),
        description=f"Takes a specification into the collection {spec.name}",
        tags={COLLECTION_TAG: spec.name},
    )


def run_config(spec: CollectionSpec, order: Mapping[str, object]) -> dict[str, Any]:
    """A run's config; `order` are fields of the asset's config."""
    return {"ops": {dg.AssetKey(spec.key).to_python_identifier(): {"config": dict(order)}}}


def run_tags(spec: CollectionSpec, specification: str, import_id: int = 0) -> dict[str, str]:
    """The tags by which the runs of a collection and of an import are found."""
    tags = {COLLECTION_TAG: spec.name, SPECIFICATION_TAG: specification[-_TAG_LIMIT:]}
    return {**tags, IMPORT_TAG: str(import_id)} if import_id else tags
