"""A loaded project as lists see it."""

from __future__ import annotations

from dataclasses import asdict

import dagster as dg

from orchestration.loading import PROBLEMS
from orchestration.location import Location
from orchestration.services.classifications import find_sets
from orchestration.services.collections.declared import find_collections
from orchestration.services.connectors import list_connectors
from orchestration.services.dataset_entries import dataset_entries, image_folder_entries
from orchestration.services.datasources import list_datasources
from orchestration.services.embedding_entries import embedding_entries
from orchestration.services.exports.declared import exporter_entries
from orchestration.services.import_tasks.target_connectors import connectors_by_target
from orchestration.services.metadata_schemas.declared import declared_schemas
from orchestration.services.pipelines.declared import pipeline_entries
from orchestration.services.snapshot import Declaration, Snapshot
from resources.references import NamedComponent, Registry, registry_of


def snapshot_of(location: Location, problems: tuple[str, ...]) -> Snapshot:
    """What lists need of a location. Connects to nothing."""
    return Snapshot(
        datasets=tuple(dataset_entries(location)),
        problems=problems,
        connectors=tuple(asdict(found) for found in list_connectors(location)),
        exporters=tuple(exporter_entries(location)),
        datasources=tuple(asdict(found) for found in list_datasources(location)),
        store=location.store().url if "store" in (location.definitions.resources or {}) else "",
        pipelines=tuple(pipeline_entries(location)),
        classifications=tuple(spec.to_metadata() for spec in find_sets(location).values()),
        image_folders=tuple(image_folder_entries(location)),
        collections=tuple(spec.to_metadata() for spec in find_collections(location).values()),
        embeddings=tuple(embedding_entries(location)),
        metadata_schemas=tuple(declared_schemas(location)),
        task_connectors=connectors_by_target(location),
        declarations=tuple(declarations(location)),
    )


def declarations(location: Location) -> list[Declaration]:
    """Every component that stands, in order of noun and name."""
    registry = registry_of(location.definitions.component_tree)
    if registry is None:
        return []
    found = [_declaration(component, registry) for component in registry.entries()]
    return sorted(found, key=lambda one: (one.noun, one.name))


def problems_of(location: Location) -> tuple[str, ...]:
    """What was left out of a location that is served all the same, a line each."""
    told = (location.definitions.metadata or {}).get(PROBLEMS)
    lines = told.data if isinstance(told, dg.JsonMetadataValue) else []
    return tuple(str(line) for line in lines or [])


def _declaration(component: NamedComponent, registry: Registry) -> Declaration:
    document = registry.document_of(component)
    file, line = registry.place_of(component)
    return Declaration(
        noun=getattr(component, "noun", ""),
        name=component.name,
        type=document.type if document is not None else type(component).__qualname__,
        file=file,
        line=line,
        description=getattr(component, "description", ""),
    )
