"""One collection: what is declared of it, what it holds, and whether its dataset shows all of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assets.collections.declaration import CollectionSpec, Probe
from assets.collections.publishing import lags
from orchestration.services.collections.declared import (
    CollectionSummary,
    DeclaredCollections,
    summary_of,
)
from resources.collections.metadata_schema import MetadataSchema
from resources.stores.versions import VersionStore


@dataclass(frozen=True)
class CollectionKey:
    """A declared key of custom metadata."""

    name: str
    kind: str
    options: tuple[str, ...] = ()
    size: int = 0
    """Of an embedding."""


@dataclass(frozen=True)
class CollectionDetail:
    """A collection."""

    summary: CollectionSummary
    types: Mapping[str, int]
    """Items by type."""
    states: Mapping[str, int]
    folder: str
    """Where items go unless an import says otherwise."""
    web: bool
    """Whether URLs may lead to the public web."""
    probe: Probe
    keep_copies: bool
    watched: str
    """The place whose new objects come in by themselves, as `connector: path`; empty: none."""
    keys: tuple[CollectionKey, ...]
    """What its metadata schema declares now."""
    is_published: bool
    """Whether the dataset of its name shows all that it holds."""
    dagster: str
    """Its page in Dagster's UI."""


def show_collection(
    collections: DeclaredCollections, store: VersionStore, name: str
) -> CollectionDetail:
    """A collection.

    Args:
        collections: of the project.
        store: where the project keeps its datasets.
        name: of the collection.

    Raises:
        UnknownNameError: it is not declared; lists the known ones.
    """
    spec = collections.find(name)
    stored = collections.catalog.find(name) if collections.has_taken(name) else None
    tally = None if stored is None else collections.tallies.of(name)
    return CollectionDetail(
        summary=summary_of(collections, spec),
        types=tally.types if tally else {},
        states=tally.states if tally else {},
        folder=spec.folder,
        web=spec.web,
        probe=spec.probe,
        keep_copies=spec.keep_copies,
        watched=f"{spec.watch.connector}: {spec.watch.path}" if spec.watch else "",
        keys=_keys(schema_now(collections, spec)),
        is_published=stored is None or not lags(store, spec, stored),
        dagster=f"/assets/{'/'.join(spec.key)}",
    )


def schema_now(collections: DeclaredCollections, spec: CollectionSpec) -> MetadataSchema:
    """The schema that items are filtered by: what the catalog has, else what is declared."""
    if not spec.metadata_schema:
        return MetadataSchema("")
    if collections.catalog.database.exists():
        stored = collections.schemas.schema(spec.metadata_schema)
        if stored.revision:
            return stored.schema
    return MetadataSchema(spec.metadata_schema, {key.name: key for key in spec.schema_keys})


def _keys(schema: MetadataSchema) -> tuple[CollectionKey, ...]:
    active = (key for key in schema.keys.values() if key.state == "active")
    return tuple(
        CollectionKey(key.name, key.kind, key.options, key.size)
        for key in sorted(active, key=lambda one: one.name)
    )
