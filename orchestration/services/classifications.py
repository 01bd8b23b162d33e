"""Classification sets: which there are, a file applied in a run, the way back.

Whatever changes a set is a Dagster run. What only looks at one is in the neighbours: `classification_checks.py`,
`classification_rows.py`, `classification_history.py`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg

from assets.classifications.applying import FileOrder, RejectedFileError, reject_file, too_large
from assets.classifications.build import parse_options
from assets.classifications.declaration import DECLARATION, ClassificationSpec
from assets.classifications.publishing import lags
from assets.classifications.schema import ParseOptions
from orchestration.classifications.jobs import run_config, run_tags
from orchestration.location import Location
from orchestration.services.home import Home
from orchestration.services.runs.watch import RunOutcome, run_here
from resources.kernel.errors import (
    ConfigError,
    NotFoundError,
    SchemaMismatchError,
    UnknownNameError,
    WaybillError,
)
from resources.stores.catalog.classifications.catalog import (
    ClassificationCatalog,
    added_columns,
    check_undo,
)
from resources.stores.catalog.classifications.records import FileEntry, StoredSet
from resources.stores.catalog.resource import CatalogResource
from resources.stores.uploads import UploadStore, open_regular


class FileRunFailedError(WaybillError):
    """The run that should have taken a file, or gone back, failed; the message is the step's."""


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
class TakenFile:
    """What an apply or an undo did."""

    outcome: str
    """`applied` or `rejected`."""
    run_id: str
    version: int
    """The set's version afterwards."""
    counts: Mapping[str, int]
    errors: list[Any] = field(default_factory=list)
    """The first of them, if rejected; `check` lists all."""
    warnings: list[Any] = field(default_factory=list)


def find_sets(location: Location) -> dict[str, ClassificationSpec]:
    """The sets that the project declares, by name."""
    found = {}
    for name, asset in location.datasets().items():
        given = asset.metadata.get(DECLARATION)
        if given is not None:
            value = given.value if isinstance(given, dg.MetadataValue) else given
            found[name] = ClassificationSpec.from_metadata(value)
    return found


def find_set(location: Location, name: str) -> ClassificationSpec:
    """The set `name`.

    Raises:
        UnknownNameError: it is not declared; lists the known ones.
    """
    known = find_sets(location)
    if name not in known:
        raise UnknownNameError("classification set", name, known)
    return known[name]


def list_sets(location: Location) -> list[SetSummary]:
    """Every declared set and what it holds, in order of name."""
    catalog, found = catalog_of(location), []
    for spec in find_sets(location).values():
        stored = catalog.find(spec.name)
        found.append(
            SetSummary(
                name=spec.name,
                description=spec.description,
                columns=tuple(spec.columns),
                keys=stored.key_count if stored else 0,
                version=stored.version if stored else 0,
                changed_at=stored.changed_at if stored and stored.version else None,
                owners=spec.owners,
                tags=spec.tags,
                is_published=stored is None or not lags(location.store(), spec, stored),
                problem=_problem(stored, spec),
            )
        )
    return found


def _problem(stored: StoredSet | None, spec: ClassificationSpec) -> str:
    try:
        if stored is not None:
            added_columns(stored, spec.columns)
    except SchemaMismatchError as error:
        return error.message
    return ""


@dataclass(frozen=True)
class Workplace:
    """Where a run of this process takes place."""

    home: Home
    location: Location
    instance: dg.DagsterInstance


def apply(
    place: Workplace, name: str, path: Path, choice: ReadingChoice, *, author: str
) -> TakenFile:
    """Keeps the file and takes it into the set, as a run.

    Raises:
        UnknownNameError: no such set.
        InputError: the file cannot be read.
        FileRunFailedError: the run failed for another reason than the file's content.
    """
    spec = find_set(place.location, name)
    options = choice.options(spec)
    with open_regular(path) as stream:
        size_bytes = os.fstat(stream.fileno()).st_size
    if size_bytes > spec.schema.max_bytes:
        return _refuse_large(place, spec, path.name, size_bytes, options, author=author)
    upload = UploadStore.open().stage(path, limit=spec.schema.max_bytes)
    order = {
        "upload": upload.sha256,
        "file_name": path.name,
        "author": author,
        "encoding": choice.encoding,
        "list_delimiter": choice.list_delimiter,
        "blank_clears": choice.blank_clears,
    }
    return _run(place, spec, order, file=path.name, author=author)


def undo(place: Workplace, name: str, version: int, *, author: str) -> TakenFile:
    """Makes an earlier version hold again, as a run.

    Raises:
        UnknownNameError: no such set.
        NotFoundError: no such version, or no longer; before anything runs.
        FileRunFailedError: the run failed.
    """
    spec = find_set(place.location, name)
    stored = catalog_of(place.location).check_columns(name, spec.columns)
    if stored is None:
        raise NotFoundError(f"classification set {name!r} has taken no file yet")
    check_undo(stored, version)
    order = {"undo_to": version, "author": author}
    return _run(place, spec, order, file=f"back to version {version}", author=author)


def _run(
    place: Workplace,
    spec: ClassificationSpec,
    order: Mapping[str, object],
    *,
    file: str,
    author: str,
) -> TakenFile:
    outcome = run_here(
        place.home,
        place.instance,
        place.location.job(spec.job),
        lambda _news: None,
        config=run_config(spec, order),
        tags=run_tags(spec, file, author),
    )
    entry = catalog_of(place.location).entry(spec.name, outcome.run_id)
    if entry is None or (entry.outcome == "applied" and not outcome.ok):
        raise _failure(outcome)
    return _taken(entry)


def _refuse_large(
    place: Workplace,
    spec: ClassificationSpec,
    file_name: str,
    size_bytes: int,
    options: ParseOptions,
    *,
    author: str,
) -> TakenFile:
    """A file above the limit is neither kept nor read, so no run takes it; its line of history says so all the same."""
    order = FileOrder(
        run_id=f"none-{secrets.token_hex(8)}",
        file_name=file_name,
        sha256="",
        size_bytes=size_bytes,
        author=author,
        options=options,
    )
    catalog = catalog_of(place.location)
    with suppress(RejectedFileError):
        reject_file(catalog, spec, order, too_large(size_bytes, spec.schema.max_bytes))
    entry = catalog.entry(spec.name, order.run_id)
    assert entry is not None  # noqa: S101 - for the type checker: made right now
    return _taken(entry)


def _taken(entry: FileEntry) -> TakenFile:
    details = entry.facts.details
    return TakenFile(
        outcome=entry.outcome,
        run_id=entry.facts.run_id,
        version=entry.version,
        counts=entry.facts.counts,
        errors=list(details.get("errors", [])),
        warnings=list(details.get("warnings", [])),
    )


def _failure(outcome: RunOutcome) -> FileRunFailedError:
    return FileRunFailedError(
        f"run {outcome.run_id} failed: {outcome.error}",
        hint="`waybill up` shows it",
        run_id=outcome.run_id,
    )


def catalog_of(location: Location) -> ClassificationCatalog:
    """The catalog that the runs of the project use.

    Raises:
        ConfigError: the definitions have none.
    """
    resource = (location.definitions.resources or {}).get("catalog")
    if not isinstance(resource, CatalogResource):
        raise ConfigError(
            "the code location has no resource 'catalog'",
            hint="Build its definitions with orchestration.definitions.build_defs",
        )
    return resource.classifications()
