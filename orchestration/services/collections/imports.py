"""Imports into collections: which there are, how far each is, what failed in it, and how one is stopped.

All of it stands in the catalog and in Dagster's records: no loaded project is needed. What begins an import or goes on with
one is in `import_runs.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import dagster as dg

from orchestration.location import Location
from orchestration.services.collections.declared import catalog_of, find_collections
from orchestration.services.csv_text import csv_lines
from orchestration.services.datasets import failure_of
from orchestration.services.paging import LIMIT, Page, check_limit, decode_cursor, encode_cursor
from orchestration.services.runs.cancel import cancel_run
from orchestration.services.runs.process import was_killed
from resources.collections.duplicates import Action
from resources.kernel.errors import ConflictError, InputError, NotFoundError, UnknownNameError
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.records import FailedFile, StoredImport

ImportState = Literal[
    "not started", "queued", "importing", "completed", "failed", "stopped", "interrupted"
]
"""`interrupted`: its run ended without saying so; it can be gone on with, as one that failed or was stopped."""
ImportStep = Literal["stop", "resume", "retry"]
"""What can be done about an import."""
WORKING: tuple[ImportState, ...] = ("queued", "importing")
_WAITING = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
)


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
    """Why it failed, or its run did."""
    ignore_errors: bool
    registered: bool
    """Whether its items are there; before that nothing of it is."""
    did: Mapping[Action, Mapping[str, int]]
    """Items by type, by what became of them when they were registered."""
    pending: int
    ready: int
    failed: int
    run_id: str
    """The last run that works or worked on it; empty before the first."""
    can: tuple[ImportStep, ...] = ()
    """What can be done about it now."""
    next_step: str = ""
    """The same as a sentence; empty when nothing is left to do."""

    def total(self, action: Action) -> int:
        """Items of all types of which this became."""
        return sum(self.did.get(action, {}).values())

    @property
    def is_working(self) -> bool:
        """Whether a run is at work on it, or waits for its turn."""
        return self.state in WORKING


@dataclass(frozen=True)
class ImportRecords:
    """Where the imports of a project stand.

    Args:
        collections: names of the collections that it declares.
        catalog: has the imports.
        instance: has their runs.
    """

    collections: Collection[str]
    catalog: CollectionCatalog
    instance: dg.DagsterInstance

    @classmethod
    def of(cls, location: Location, instance: dg.DagsterInstance) -> ImportRecords:
        """Those of a loaded project."""
        return cls(find_collections(location), catalog_of(location), instance)

    def check_collection(self, name: str) -> None:
        """Nothing, where there is such a collection.

        Raises:
            UnknownNameError: there is none; lists the known ones.
        """
        if name not in self.collections:
            raise UnknownNameError("collection", name, self.collections)

    def find(self, import_id: int, collection: str = "") -> StoredImport:
        """An import.

        Raises:
            NotFoundError: there is none, or it is one of another project or collection.
        """
        stored = self.catalog.find_import(import_id)
        if stored.collection not in self.collections or collection not in ("", stored.collection):
            of = f"collection {collection!r}" if collection else "this project"
            raise NotFoundError(
                f"{of} has no import {import_id}", hint="List the collection's imports"
            )
        return stored


def list_imports(
    records: ImportRecords, name: str, *, limit: int = LIMIT, cursor: str | None = None
) -> Page[CollectionImport]:
    """Imports of a collection, newest first.

    Raises:
        UnknownNameError: no such collection.
        InputError: no cursor of this list.
    """
    records.check_collection(name)
    check_limit(limit)
    found = records.catalog.imports(name, limit=limit + 1, before=_before(cursor))
    shown = tuple(_report(records, one) for one in found[:limit])
    return Page(shown, encode_cursor([shown[-1].id]) if len(found) > limit else None)


def newest_imports(records: ImportRecords, *, limit: int) -> tuple[CollectionImport, ...]:
    """The newest imports of all collections: what is going on, and how those that ended did."""
    if not records.collections:
        return ()
    found = records.catalog.newest_imports(records.collections, limit=limit)
    return tuple(_report(records, one) for one in found)


def show_import(records: ImportRecords, import_id: int, collection: str = "") -> CollectionImport:
    """An import, and how far it is.

    Raises:
        NotFoundError: there is none, or not in this collection.
    """
    return _report(records, records.find(import_id, collection))


def stop_import(records: ImportRecords, import_id: int, collection: str = "") -> CollectionImport:
    """Has the run of an import stopped. What it did stays; resuming goes on with the rest.

    Returns once the run was asked to; it ends within seconds.

    Raises:
        NotFoundError: there is no such import.
        ConflictError: no run is at work on it.
        ConnectorUnavailableError: the process of its run does not answer.
    """
    found = show_import(records, import_id, collection)
    if not found.is_working:
        raise ConflictError(
            f"no run is at work on import {import_id}: it is {found.state}",
            hint=found.next_step,
            state=found.state,
        )
    cancel_run(records.instance, found.run_id)
    return show_import(records, import_id)


FAILURE_FIELDS = ("row_or_pointer", "type", "title", "object_url", "rule", "message", "attempts", "when")  # fmt: skip
"""Columns of the failure log."""


@dataclass(frozen=True)
class Failure:
    """A line of the failure log: a file whose item failed and was not mended by its import since."""

    row_or_pointer: str
    type: str
    title: str
    object_url: str
    rule: str
    message: str
    attempts: int
    when: datetime
    item_id: int
    position: int
    """Which of the item's URLs, from 0."""


def list_failures(
    records: ImportRecords, import_id: int, *, limit: int = LIMIT, cursor: str | None = None
) -> Page[Failure]:
    """The files that failed in an import and were not mended since, in the order of the specification (F105).

    Raises:
        NotFoundError: no such import.
        InputError: no cursor of this list.
    """
    check_limit(limit)
    records.find(import_id)
    item, position = (0, 0) if cursor is None else _places(cursor, 2)
    after = (item, position)
    found = records.catalog.failures_after(import_id, after, limit + 1)
    shown = tuple(_failure(one) for one in found[:limit])
    return Page(
        shown,
        encode_cursor([shown[-1].item_id, shown[-1].position]) if len(found) > limit else None,
    )


def failures(records: ImportRecords, import_id: int) -> Iterator[Mapping[str, Any]]:
    """All of them, by `FAILURE_FIELDS`, in bounded memory.

    Raises:
        NotFoundError: no such import.
    """
    records.find(import_id)
    return (
        {field: getattr(one, field) for field in FAILURE_FIELDS}
        for one in records.catalog.failures(import_id)
    )


def failures_csv(records: ImportRecords, import_id: int) -> Iterator[str]:
    """The failure log as CSV, one row a file, below a header; a cell that a spreadsheet would compute has a `'` before it.

    Raises:
        NotFoundError: no such import.
    """
    return csv_lines(FAILURE_FIELDS, failures(records, import_id))


def _failure(found: FailedFile) -> Failure:
    own = {field: getattr(found, field) for field in FAILURE_FIELDS}
    return Failure(**own, item_id=found.item_id, position=found.position)


def _before(cursor: str | None) -> int | None:
    return None if cursor is None else _places(cursor, 1)[0]


def _places(cursor: str, count: int) -> list[int]:
    """The whole numbers that a cursor is made of."""
    place = [one for one in decode_cursor(cursor) if isinstance(one, int) and 0 <= one < 2**63]
    if len(place) != count:
        raise InputError(f"{cursor[:60]!r} is no cursor of this list")
    return place


def _report(records: ImportRecords, stored: StoredImport) -> CollectionImport:
    run_id = stored.run_ids[-1] if stored.run_ids else ""
    counts = records.catalog.counts(stored.id)
    state = _state(records.instance, stored, run_id)
    can = _steps(state, stored, counts.pending, counts.failed)
    return CollectionImport(
        id=stored.id,
        collection=stored.collection,
        folder=stored.folder,
        file_name=stored.file_name,
        asked_by=stored.asked_by,
        begun_at=stored.created_at,
        ended_at=stored.ended_at,
        state=state,
        message=_message(records.instance, stored, state, run_id),
        ignore_errors=stored.ignore_errors,
        registered=stored.registered_at is not None,
        did=stored.registered.counts,
        pending=counts.pending,
        ready=counts.ready,
        failed=counts.failed,
        run_id=run_id,
        can=can,
        next_step=_next_step(state, can, counts.pending, counts.failed),
    )


def _message(
    instance: dg.DagsterInstance, stored: StoredImport, state: ImportState, run_id: str
) -> str:
    """Why it ended as it did: as it said itself, else what Dagster has about its run, which may have failed before it could begin."""
    if state == "interrupted" and run_id:
        return failure_of(instance, run_id, ("datasets", stored.collection))
    return stored.message if state in ("failed", "stopped") else ""


def _steps(
    state: ImportState, stored: StoredImport, pending: int, failed: int
) -> tuple[ImportStep, ...]:
    if state in WORKING:
        return ("stop",)
    is_left = stored.registered_at is None or bool(pending)
    return (*(("resume",) if is_left else ()), *(("retry",) if failed else ()))


def _next_step(state: ImportState, can: tuple[ImportStep, ...], pending: int, failed: int) -> str:
    told = []
    if "resume" in can and state != "completed":
        what = f"{pending:,} pending items" if pending else "it from its beginning"
        told.append(f"{state}: resume goes on with {what}")
    if "retry" in can:
        items = "failed item" if failed == 1 else f"{failed:,} failed items"
        told.append(f"retry looks at the {items} once more")
    return "; ".join(told)


def _state(instance: dg.DagsterInstance, stored: StoredImport, run_id: str) -> ImportState:
    """Dagster's runs are the record of work; the catalog says how one ended that could say so itself."""
    if stored.outcome in ("completed", "failed", "stopped", "interrupted"):
        return stored.outcome  # type: ignore[return-value]  # one of the four
    run = instance.get_run_by_id(run_id) if run_id else None
    if run is None:
        return "interrupted" if run_id else "not started"
    if run.is_finished:
        is_stopped = run.status == dg.DagsterRunStatus.CANCELED
        return "stopped" if is_stopped else "interrupted"
    if run.status in _WAITING:
        return "queued"
    return "interrupted" if was_killed(run) else "importing"
