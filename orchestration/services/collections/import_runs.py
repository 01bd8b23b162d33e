"""What begins an import or goes on with one. Each is a run of the collection's job.

What starts with `start_` asks the server and returns at once; the other ones run here, to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from assets.collections.declaration import CollectionSpec
from assets.collections.importing import WantedImport, request_of
from assets.collections.keeping import SPECIFICATION_LIMIT
from orchestration.collections.jobs import IMPORT_TAG, run_config, run_tags
from orchestration.services.collections.declared import catalog_of, find_collection
from orchestration.services.collections.imports import (
    CollectionImport,
    ImportRecords,
    show_import,
)
from orchestration.services.collections.specifications import KeptSpecification
from orchestration.services.runs.start import start_run, used_before
from orchestration.services.runs.watch import StepNews, run_here
from orchestration.services.runs.workplace import Workplace
from resources.kernel.errors import ConflictError, InputError, NotFoundError, WaybillError
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.uploads import UploadStore


@dataclass(frozen=True)
class ImportChoice:
    """How a specification is imported."""

    folder: str | None = None
    """Where items go; where the collection says when None."""
    ignore_errors: bool = False
    """Whether it goes on when an item fails (F106)."""


@dataclass(frozen=True)
class ResumeChoice:
    """How an import is gone on with."""

    retry_failed: bool = False
    """Whether items that failed are looked at once more."""
    ignore_errors: bool = False
    """Whether it goes on when an item fails, however it was begun."""


@dataclass(frozen=True)
class StartedImport:
    """An import that a run of the server works on."""

    import_id: int
    run_id: str


@dataclass(frozen=True)
class _Work:
    """What a run is to do for an import."""

    spec: CollectionSpec
    import_id: int
    file_name: str
    choice: ResumeChoice

    @property
    def order(self) -> Mapping[str, object]:
        """Fields of the asset's config."""
        choice = self.choice
        return {
            "import_id": self.import_id,
            "retry_failed": choice.retry_failed,
            "ignore_errors": choice.ignore_errors,
        }


def import_specification(
    place: Workplace,
    name: str,
    path: Path,
    choice: ImportChoice,
    tell: Callable[[StepNews], None],
) -> CollectionImport:
    """Keeps a specification and imports it, as a run in this process.

    Args:
        place: where, and who asks.
        name: of the collection.
        path: the file.
        choice: how it is imported.
        tell: hears of each step.

    Raises:
        UnknownNameError: no such collection.
        InputError: the file cannot be read; a folder that cannot be.
        WaybillError: all was imported, and then the run failed.
    """
    find_collection(place.location, name)
    kept = UploadStore.open().stage(path, limit=SPECIFICATION_LIMIT)
    given = KeptSpecification(kept.sha256, path.name)
    return _run(place, _begun(place, name, given, choice), tell)


def start_import(
    place: Workplace, name: str, given: KeptSpecification, choice: ImportChoice
) -> StartedImport:
    """Has the server import a specification that is kept.

    Raises:
        UnknownNameError: no such collection.
        GoneError: the file is not kept any longer.
        ConfigError: a variable of a connector is not set.
        InputError: a folder that cannot be; the key of who asks was used for another import.
    """
    find_collection(place.location, name)
    with UploadStore.open().read(given.sha256):
        return _start(place, _begun(place, name, given, choice))


def resume(
    place: Workplace,
    import_id: int,
    tell: Callable[[StepNews], None],
    choice: ResumeChoice | None = None,
) -> CollectionImport:
    """Goes on with what an import did not do, as a run in this process.

    Args:
        place: where, and who asks.
        import_id: of the import.
        tell: hears of each step.
        choice: how it goes on.

    Raises:
        NotFoundError: no such import.
        ConflictError: a run is at work on it, or nothing is left to be done.
        WaybillError: all was imported, and then the run failed.
    """
    return _run(place, _again(place, import_id, choice or ResumeChoice()), tell)


def start_resume(
    place: Workplace, import_id: int, choice: ResumeChoice, collection: str = ""
) -> StartedImport:
    """Has the server go on with what an import did not do.

    Raises:
        NotFoundError: no such import, or not in this collection.
        ConflictError: a run is at work on it, or nothing is left to be done.
        InputError: the key of who asks was used for other work.
    """
    records = ImportRecords.of(place.location, place.instance)
    if place.asked.key:
        run_id = place.asked.make_run_id()
        if run_id in records.find(import_id, collection).run_ids:  # asked before
            return StartedImport(import_id, run_id)
    return _start(place, _again(place, import_id, choice, collection))


def _begun(place: Workplace, name: str, given: KeptSpecification, choice: ImportChoice) -> _Work:
    """The import written down; of the same key of the same actor it is the same one."""
    spec, catalog = find_collection(place.location, name), catalog_of(place.location)
    wanted = WantedImport(
        key=place.asked.make_run_id(),
        upload=given.sha256,
        file_name=given.file_name,
        folder=choice.folder,
        ignore_errors=choice.ignore_errors,
        author=place.asked.actor,
    )
    request = request_of(spec, wanted)
    _check_startable(place, spec)
    run = place.instance.get_run_by_id(wanted.key) if place.asked.key else None
    if run is not None and not _began(catalog, spec, run):
        raise used_before(run)  # no run could work on what would be written down
    import_id = catalog.begin(spec.name, request)
    found = catalog.find_import(import_id)
    asked = (request.sha256, request.folder, request.ignore_errors)
    if (found.sha256, found.folder, found.ignore_errors) != asked:
        raise InputError(
            f"the idempotency key was used for another import before: {import_id}",
            hint="Give each import a key of its own",
            import_id=import_id,
        )
    return _Work(spec, import_id, given.file_name, ResumeChoice())


def _began(catalog: CollectionCatalog, spec: CollectionSpec, run: dg.DagsterRun) -> bool:
    """Whether a run is the one that began an import of a collection."""
    try:
        found = catalog.find_import(int(run.tags.get(IMPORT_TAG, 0)))
    except NotFoundError:
        return False
    return (found.collection, found.key) == (spec.name, run.run_id)


def _check_startable(place: Workplace, spec: CollectionSpec) -> None:
    """Refuses what no run could begin with, before anything is written down.

    Raises:
        ConfigError: a variable of a connector is not set.
    """
    connectors = place.location.connectors()
    for name in spec.connectors:
        connectors[name].check_variables()


def _again(place: Workplace, import_id: int, choice: ResumeChoice, collection: str = "") -> _Work:
    report = show_import(ImportRecords.of(place.location, place.instance), import_id, collection)
    if report.is_working:
        raise ConflictError(
            f"run {report.run_id} is at work on import {import_id}",
            hint="Wait for its end, or stop it",
            state=report.state,
        )
    if "resume" not in report.can and not (choice.retry_failed and report.failed):
        raise ConflictError(
            f"import {import_id} has nothing left to do", hint=report.next_step, state=report.state
        )
    spec = find_collection(place.location, report.collection)
    return _Work(spec, import_id, report.file_name, choice)


def _start(place: Workplace, work: _Work) -> StartedImport:
    run_id = start_run(
        place.home,
        place.instance,
        place.location.job(work.spec.job),
        place.asked,
        config=run_config(work.spec, work.order),
        tags=run_tags(work.spec, work.file_name, work.import_id),
    )
    catalog_of(place.location).await_run(work.import_id, run_id)
    return StartedImport(work.import_id, run_id)


def _run(place: Workplace, work: _Work, tell: Callable[[StepNews], None]) -> CollectionImport:
    ended = run_here(
        place.home,
        place.instance,
        place.location.job(work.spec.job),
        tell,
        config=run_config(work.spec, work.order),
        tags={**run_tags(work.spec, work.file_name, work.import_id), **place.asked.tags},
    )
    found = show_import(ImportRecords.of(place.location, place.instance), work.import_id)
    if found.state == "completed" and not ended.ok:
        raise WaybillError(
            f"import {found.id} of collection {found.collection}: its items are in, but its run failed: {ended.error}",
            hint="Mend what failed; what the collection holds is published by its next run, if it was not by this one",
            run_id=ended.run_id,
        )
    return found
