"""The runs of classification sets: what a run is told, and by which tags it is found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.classifications.declaration import DECLARATION, ClassificationSpec
from resources.references import metadata_value

SET_TAG = "waybill/classification_set"
FILE_TAG = "waybill/classification_file"
AUTHOR_TAG = "waybill/author"
ETAG_TAG = "waybill/etag"
MAX_RUNTIME_SECONDS = 3600
_TAG_LIMIT = 250


def declared_sets(definitions: dg.Definitions) -> dict[str, ClassificationSpec]:
    """The sets of a code location by name, in order: from the assets, before anything is resolved."""
    found = [
        ClassificationSpec.from_metadata(metadata_value(spec.metadata[DECLARATION]))
        for item in definitions.assets or []
        if isinstance(item, dg.AssetsDefinition)
        for spec in item.specs
        if DECLARATION in spec.metadata
    ]
    return {spec.name: spec for spec in sorted(found, key=lambda spec: spec.name)}


def build_job(spec: ClassificationSpec) -> Any:
    """The job that takes a file of the set, or goes back to a version: its asset alone."""
    return dg.define_asset_job(
        spec.job,
        selection=dg.AssetSelection.assets(dg.AssetKey(spec.key)),
        description=f"Takes a file into the classification set {spec.name}",
        tags={SET_TAG: spec.name, "dagster/max_runtime": str(MAX_RUNTIME_SECONDS)},
    )


def run_config(spec: ClassificationSpec, order: Mapping[str, object]) -> dict[str, Any]:
    """A run's config; `order` are fields of the asset's config."""
    return {"ops": {dg.AssetKey(spec.key).to_python_identifier(): {"config": dict(order)}}}


def run_tags(name: str, file: str, author: str) -> dict[str, str]:
    """The tags by which the runs of a set and their files are found."""
    return {SET_TAG: name, FILE_TAG: file[-_TAG_LIMIT:], AUTHOR_TAG: author[:_TAG_LIMIT]}
