"""Classification sets: which there are, and what each holds.

Whatever changes a set is a Dagster run: `classification_runs.py`. What only looks at one is in the other neighbours:
`classification_checks.py`, `classification_rows.py`, `classification_history.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from assets.classifications.build import parse_options
from assets.classifications.declaration import DECLARATION, ClassificationSpec
from assets.classifications.publishing import lags
from assets.classifications.schema import ParseOptions
from orchestration.location import Location
from orchestration.services.paging import LIMIT, Page, page_of_named
from resources.kernel.errors import (
    SchemaMismatchError,
    UnknownNameError,
)
from resources.references import metadata_value
from resources.stores.catalog.classifications.catalog import ClassificationCatalog, added_columns
from resources.stores.catalog.classifications.records import StoredSet
from resources.stores.versions import VersionStore


@dataclass(frozen=True)
class SetSummary:
    """One line of the list."""

    name: str
    description: str
    columns: tuple[tuple[str, str], ...]
    """(name, type)"""
    keys: int
    version: int
    changed_at: datetime | None
    owners: tuple[str, ...]
    tags: Mapping[str, str]
    is_published: bool = True
    """Whether the dataset shows what the set holds."""
    max_bytes: int = 0
    """The largest file that it takes."""
    problem: str = ""
    """Why the set takes no file: the declaration contradicts what is stored."""


@dataclass(frozen=True)
class ReadingChoice:
    """How an upload is read where it differs from the set (F134); empty: as the set says."""

    encoding: str = ""
    list_delimiter: str = ""
    blank_clears: bool | None = None

    def options(self, spec: ClassificationSpec) -> ParseOptions:
        """How a file of the set is read.

        Raises:
            ConfigError: an unknown encoding or delimiter.
        """
        return parse_options(
            spec, self.encoding, self.list_delimiter, blank_clears=self.blank_clears
        )


@dataclass(frozen=True)
class DeclaredSets:
    """The sets of a project, and where it stands what they hold: a snapshot has all of it, no loaded project is needed.

    Args:
        specs: by name.
        catalog: holds keys, values and history.
        store: holds what the datasets show of them.
    """

    specs: Mapping[str, ClassificationSpec]
    catalog: ClassificationCatalog
    store: VersionStore

    @classmethod
    def of(cls, location: Location) -> DeclaredSets:
        """Those of a loaded project."""
        return cls(find_sets(location), catalog_of(location), location.store())

    def find(self, name: str) -> ClassificationSpec:
        """The set `name`.

        Raises:
            UnknownNameError: it is not declared; lists the known ones.
        """
        if name not in self.specs:
            raise UnknownNameError("classification set", name, self.specs)
        return self.specs[name]


def find_sets(location: Location) -> dict[str, ClassificationSpec]:
    """The sets that the project declares, by name."""
    return {
        name: ClassificationSpec.from_metadata(metadata_value(asset.metadata[DECLARATION]))
        for name, asset in location.datasets().items()
        if DECLARATION in asset.metadata
    }


def find_set(location: Location, name: str) -> ClassificationSpec:
    """The set `name`.

    Raises:
        UnknownNameError: it is not declared; lists the known ones.
    """
    known = find_sets(location)
    if name not in known:
        raise UnknownNameError("classification set", name, known)
    return known[name]


def list_sets(sets: DeclaredSets) -> list[SetSummary]:
    """Every declared set and what it holds, in order of name."""
    return _summaries(sets, sets.specs.values())


def page_of_sets(
    sets: DeclaredSets, *, q: str = "", cursor: str | None = None, limit: int = LIMIT
) -> Page[SetSummary]:
    """A page of them. Only what is shown is looked up.

    Args:
        sets: of the project.
        q: part of the name, in any case.
        cursor: of the page wanted; the first by default.
        limit: most of them.

    Raises:
        InputError: no cursor of this list, a limit out of bounds.
    """
    page = page_of_named(sets.specs.values(), q, cursor=cursor, limit=limit)
    return Page(tuple(_summaries(sets, page.items)), page.next, page.total)


def show_set(sets: DeclaredSets, name: str) -> SetSummary:
    """One line of the list.

    Raises:
        UnknownNameError: it is not declared; lists the known ones.
    """
    (found,) = _summaries(sets, [sets.find(name)])
    return found


def _summaries(sets: DeclaredSets, specs: Iterable[ClassificationSpec]) -> list[SetSummary]:
    wanted = list(specs)
    stored = sets.catalog.find_all([spec.name for spec in wanted])
    return [_summary(sets.store, spec, stored.get(spec.name)) for spec in wanted]


def _summary(store: VersionStore, spec: ClassificationSpec, stored: StoredSet | None) -> SetSummary:
    return SetSummary(
        name=spec.name,
        description=spec.description,
        columns=tuple(spec.columns),
        keys=stored.key_count if stored else 0,
        version=stored.version if stored else 0,
        changed_at=stored.changed_at if stored and stored.version else None,
        owners=spec.owners,
        tags=spec.tags,
        is_published=stored is None or not lags(store, spec, stored),
        max_bytes=spec.schema.max_bytes,
        problem=_problem(stored, spec),
    )


def _problem(stored: StoredSet | None, spec: ClassificationSpec) -> str:
    try:
        if stored is not None:
            added_columns(stored, spec.columns)
    except SchemaMismatchError as error:
        return error.message
    return ""


def catalog_of(location: Location) -> ClassificationCatalog:
    """The catalog that the runs of the project use.

    Raises:
        ConfigError: the definitions have none.
    """
    return location.catalog().classifications()
