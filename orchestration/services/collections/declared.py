"""Collections: which there are, and what each holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from assets.collections.declaration import DECLARATION, CollectionSpec
from orchestration.location import Location
from resources.kernel.errors import UnknownNameError
from resources.references import metadata_value
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.items import ItemCatalog


@dataclass(frozen=True)
class CollectionSummary:
    """One line of the list."""

    name: str
    description: str
    types: tuple[str, ...]
    """All when empty."""
    connectors: tuple[str, ...]
    metadata_schema: str
    items: int
    pending: int
    failed: int
    last_import: int | None
    imported_at: datetime | None
    """When the last import was begun."""
    owners: tuple[str, ...]
    tags: Mapping[str, str]


def find_collections(location: Location) -> dict[str, CollectionSpec]:
    """The collections that the project declares, by name."""
    return {
        name: CollectionSpec.from_metadata(metadata_value(asset.metadata[DECLARATION]))
        for name, asset in location.datasets().items()
        if DECLARATION in asset.metadata
    }


def find_collection(location: Location, name: str) -> CollectionSpec:
    """The collection `name`.

    Raises:
        UnknownNameError: it is not declared; lists the known ones.
    """
    known = find_collections(location)
    if name not in known:
        raise UnknownNameError("collection", name, known)
    return known[name]


def list_collections(location: Location) -> list[CollectionSummary]:
    """Every declared collection and what it holds, in order of name."""
    catalog, found = catalog_of(location), []
    for spec in find_collections(location).values():
        imports = catalog.imports(spec.name, limit=1) if catalog.database.exists() else []
        counts = _counts(catalog, spec.name) if imports else (0, 0, 0)
        found.append(
            CollectionSummary(
                name=spec.name,
                description=spec.description,
                types=spec.types,
                connectors=spec.connectors,
                metadata_schema=spec.metadata_schema,
                items=counts[0],
                pending=counts[1],
                failed=counts[2],
                last_import=imports[0].id if imports else None,
                imported_at=imports[0].created_at if imports else None,
                owners=spec.owners,
                tags=spec.tags,
            )
        )
    return found


def _counts(catalog: CollectionCatalog, name: str) -> tuple[int, int, int]:
    """All items, those that were not looked at yet, those that failed."""
    items = ItemCatalog(catalog.database)
    return (
        items.count(name),
        items.count(name, "state = pending"),
        items.count(name, "state = failed"),
    )


def catalog_of(location: Location) -> CollectionCatalog:
    """The catalog that the runs of the project use.

    Raises:
        ConfigError: the definitions have none.
    """
    return location.catalog().collections()
