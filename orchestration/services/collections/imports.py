"""Imports into collections: begun, gone on with, tried again, told about. Each is a run in this process, to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import dagster as dg

from assets.collections.declaration import CollectionSpec
from assets.collections.keeping import SPECIFICATION_LIMIT
from orchestration.collections.jobs import run_config, run_tags
from orchestration.services.collections.declared import catalog_of, find_collection
from orchestration.services.locks import is_held
from orchestration.services.runs.process import RunProcess
from orchestration.services.runs.watch import StepNews, run_here
from orchestration.services.runs.workplace import Workplace
from resources.collections.duplicates import Action
from resources.kernel.errors import ConflictError, NotFoundError
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.records import StoredImport
from resources.stores.uploads import UploadStore

ImportState = Literal["not started", "importing", "completed", "failed", "stopped", "interrupted"]
"""`interrupted`: its run ended without saying so; it can be gone on with, as one that failed or was stopped."""


@dataclass(frozen=True)
class ImportChoice:
    """How a specification is imported."""

    folder: str | None = None
    """Where items go; where the collection says when None."""
    ignore_errors: bool = False
    """Whether it goes on when an item fails (F106)."""


@dataclass(frozen=True)
class CollectionImport:
    """An import, and how far it is."""

    id: int
    collection: str
    folder: str
    file_name: str
    asked_by: str
    begun_at: datetime
    ended_at: datetime | None
    state: ImportState
    message: str
    """Why it failed."""
    ignore_errors: bool
    registered: bool
    """Whether its items are there; before that nothing of it is."""
    did: Mapping[Action, Mapping[str, int]]
    """Items by type, by what became of them when they were registered."""
    pending: int
    ready: int
    failed: int
    run_id: str
    """The last run that worked on it; empty before the first."""

    def total(self, action: Action) -> int:
        """Items of all types of which this became."""
        return sum(self.did.get(action, {}).values())


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
        InputError: the file cannot be read.
        NotFoundError: nothing came of it: the run ended before the import was written down.
    """
    spec = find_collection(place.location, name)
    kept = UploadStore.open().stage(path, limit=SPECIFICATION_LIMIT)
    order = _order(place, kept.sha256, path.name, choice)
    return _run(place, spec, order, path.name, tell)


def resume(
    place: Workplace,
    import_id: int,
    tell: Callable[[StepNews], None],
    *,
    retry_failed: bool = False,
) -> CollectionImport:
    """Goes on with what an import did not do, as a run in this process.

    Args:
        place: where, and who asks.
        import_id: of the import.
        tell: hears of each step.
        retry_failed: whether items that failed are looked at once more.

    Raises:
        NotFoundError: no such import.
        ConflictError: a run is at work on it, or nothing is left to be done.
    """
    spec, order, file_name = _again(place, import_id, retry_failed=retry_failed)
    return _run(place, spec, order, file_name, tell, import_id)


def list_imports(place: Workplace, name: str, *, limit: int = 100) -> list[CollectionImport]:
    """Imports of a collection, newest first."""
    find_collection(place.location, name)
    catalog = catalog_of(place.location)
    found = catalog.imports(name, limit=limit)
    return [_report(catalog, place.instance, one) for one in found]


def show_import(place: Workplace, import_id: int) -> CollectionImport:
    """An import, and how far it is.

    Raises:
        NotFoundError: there is none.
    """
    catalog = catalog_of(place.location)
    return _report(catalog, place.instance, catalog.find_import(import_id))


FAILURE_FIELDS = ("row_or_pointer", "type", "title", "object_urls", "rule", "message", "attempts", "when")  # fmt: skip
"""Columns of the failure log."""


def failures(place: Workplace, import_id: int) -> Iterator[dict[str, object]]:
    """What failed in an import and was not mended since, in the order of the specification (F105).

    Raises:
        NotFoundError: no such import.
    """
    catalog = catalog_of(place.location)
    catalog.find_import(import_id)
    for failed in catalog.failures(import_id):
        yield {field: getattr(failed, field) for field in FAILURE_FIELDS}


def _order(
    place: Workplace, sha256: str, file_name: str, choice: ImportChoice
) -> Mapping[str, object]:
    return {
        "upload": sha256,
        "file_name": file_name,
        "folder": choice.folder,
        "ignore_errors": choice.ignore_errors,
        "author": place.asked.actor,
    }


def _again(
    place: Workplace, import_id: int, *, retry_failed: bool
) -> tuple[CollectionSpec, Mapping[str, object], str]:
    report = show_import(place, import_id)
    spec = find_collection(place.location, report.collection)
    if report.state == "importing":
        raise ConflictError(
            f"run {report.run_id} is at work on import {import_id}", state="importing"
        )
    is_left = not report.registered or report.pending or (retry_failed and report.failed)
    if not is_left:
        hint = "Its failed items can be tried again: retry" if report.failed else ""
        raise ConflictError(
            f"import {import_id} has nothing left to do", hint=hint, state=report.state
        )
    order = {
        "import_id": import_id,
        "retry_failed": retry_failed,
        "author": place.asked.actor,
    }
    return spec, order, report.file_name


def _run(
    place: Workplace,
    spec: CollectionSpec,
    order: Mapping[str, object],
    file_name: str,
    tell: Callable[[StepNews], None],
    import_id: int = 0,
) -> CollectionImport:
    outcome = run_here(
        place.home,
        place.instance,
        place.location.job(spec.job),
        tell,
        config=run_config(spec, order),
        tags={**run_tags(spec, file_name, import_id), **place.asked.tags},
    )
    catalog = catalog_of(place.location)
    for stored in catalog.imports(spec.name, limit=20):
        if outcome.run_id in stored.run_ids:
            return _report(catalog, place.instance, stored)
    raise NotFoundError(
        f"run {outcome.run_id} began no import: {outcome.error}", hint="`waybill up` shows it"
    )


def _report(
    catalog: CollectionCatalog, instance: dg.DagsterInstance, stored: StoredImport
) -> CollectionImport:
    run_id = stored.run_ids[-1] if stored.run_ids else ""
    counts = catalog.counts(stored.id)
    return CollectionImport(
        id=stored.id,
        collection=stored.collection,
        folder=stored.folder,
        file_name=stored.file_name,
        asked_by=stored.asked_by,
        begun_at=stored.created_at,
        ended_at=stored.ended_at,
        state=_state(instance, stored, run_id),
        message=stored.message,
        ignore_errors=stored.ignore_errors,
        registered=stored.registered_at is not None,
        did=stored.registered.counts,
        pending=counts.pending,
        ready=counts.ready,
        failed=counts.failed,
        run_id=run_id,
    )


def _state(instance: dg.DagsterInstance, stored: StoredImport, run_id: str) -> ImportState:
    """Dagster's runs are the record of work; the catalog says how one ended that could say so itself."""
    if stored.outcome in ("completed", "failed", "stopped"):
        return stored.outcome  # type: ignore[return-value]  # one of the three
    if not run_id:
        return "not started"
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return "interrupted"
    process = RunProcess.of(run_id, run.tags)
    lock = process.own_lock if process is not None else None
    # Killed, and no server was there to see it: the lock of its process is free.
    is_dead = run.status == dg.DagsterRunStatus.STARTED and lock is not None and not is_held(lock)
    return "interrupted" if is_dead else "importing"
