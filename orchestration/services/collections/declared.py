"""Collections: which there are, and what each holds. A snapshot and the catalog tell all of it: no loaded project is needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from assets.collections.declaration import DECLARATION, CollectionSpec
from orchestration.location import Location
from orchestration.services.paging import LIMIT, Page, page_of_named
from resources.kernel.errors import NotFoundError, UnknownNameError
from resources.references import metadata_value
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.tallies import Tallies


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


@dataclass(frozen=True)
class DeclaredCollections:
    """The collections of a project, and the catalog that knows what they hold.

    Args:
        specs: by name, in order.
        catalog: of the server, or of the project's runs: the same database.
    """

    specs: Mapping[str, CollectionSpec]
    catalog: CollectionCatalog

    @classmethod
    def of(cls, location: Location) -> DeclaredCollections:
        """Those of a loaded project.

        Raises:
            ConfigError: the definitions have no catalog.
        """
        return cls(find_collections(location), catalog_of(location))

    def find(self, name: str) -> CollectionSpec:
        """The collection `name`.

        Raises:
            UnknownNameError: it is not declared; lists the known ones.
        """
        if name not in self.specs:
            raise UnknownNameError("collection", name, self.specs)
        return self.specs[name]

    def has_taken(self, name: str) -> bool:
        """Whether anything was ever imported into a collection."""
        return self.catalog.database.exists() and self.catalog.find(name) is not None

    @property
    def items(self) -> ItemCatalog:
        """The items of all of them."""
        return ItemCatalog(self.catalog.database)

    @property
    def tallies(self) -> Tallies:
        """How many of each kind there are."""
        return Tallies(self.catalog.database)

    @property
    def schemas(self) -> MetadataCatalog:
        """Their metadata schemas."""
        return MetadataCatalog(self.catalog.database)


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


def list_collections(collections: DeclaredCollections) -> list[CollectionSummary]:
    """Every declared collection and what it holds, in order of name."""
    return _summaries(collections, collections.specs.values())


def page_of_collections(
    collections: DeclaredCollections, *, q: str = "", cursor: str | None = None, limit: int = LIMIT
) -> Page[CollectionSummary]:
    """A page of them. Only what is shown is looked up.

    Args:
        collections: of the project.
        q: part of the name, in any case.
        cursor: of the page wanted; the first by default.
        limit: most of them.

    Raises:
        InputError: no cursor of this list, a limit out of bounds.
    """
    page = page_of_named(collections.specs.values(), q, cursor=cursor, limit=limit)
    return Page(tuple(_summaries(collections, page.items)), page.next, page.total)


def catalog_of(location: Location) -> CollectionCatalog:
    """The catalog that the runs of the project use.

    Raises:
        ConfigError: the definitions have none.
    """
    return location.catalog().collections()


def _summaries(
    collections: DeclaredCollections, specs: Iterable[CollectionSpec]
) -> list[CollectionSummary]:
    return [summary_of(collections, spec) for spec in specs]


def summary_of(collections: DeclaredCollections, spec: CollectionSpec) -> CollectionSummary:
    """One line of the list."""
    catalog = collections.catalog
    imports = catalog.imports(spec.name, limit=1) if catalog.database.exists() else []
    states = _states(collections, spec.name) if catalog.database.exists() else {}
    return CollectionSummary(
        name=spec.name,
        description=spec.description,
        types=spec.types,
        connectors=spec.connectors,
        metadata_schema=spec.metadata_schema,
        items=sum(states.values()),
        pending=states.get("pending", 0),
        failed=states.get("failed", 0),
        last_import=imports[0].id if imports else None,
        imported_at=imports[0].created_at if imports else None,
        owners=spec.owners,
        tags=spec.tags,
    )


def _states(collections: DeclaredCollections, name: str) -> Mapping[str, int]:
    """Items by state, whether an import or a task brought them in."""
    try:
        return collections.tallies.states(name)
    except NotFoundError:
        return {}  # nothing has come in yet
