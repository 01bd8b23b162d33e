"""What changes a classification set: a file applied, the way back. Each is a run.

What starts with `start_` asks the server and returns the run's id at once; the other ones run here, to the end.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from assets.classifications.applying import FileOrder, RejectedFileError, reject_file, too_large
from assets.classifications.declaration import ClassificationSpec
from orchestration.classifications.jobs import run_config, run_tags
from orchestration.services.classifications import ReadingChoice, catalog_of, find_set
from orchestration.services.runs.start import start_run
from orchestration.services.runs.watch import RunOutcome, run_here
from orchestration.services.runs.workplace import Workplace
from resources.kernel.errors import NotFoundError, WaybillError
from resources.stores.catalog.classifications.catalog import ClassificationCatalog, check_undo
from resources.stores.catalog.classifications.records import FileEntry
from resources.stores.uploads import UploadStore, open_regular
from resources.stores.uploads import too_large as beyond


class FileRunFailedError(WaybillError):
    """The run that should have taken a file, or gone back, failed; the message is the step's."""


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


@dataclass(frozen=True)
class StagedFile:
    """A file that is kept until a run takes it."""

    name: str
    """As its sender calls it; the ending decides the format."""
    sha256: str


@dataclass(frozen=True)
class _Work:
    """What a run is to do to a set."""

    spec: ClassificationSpec
    order: Mapping[str, object]
    """Fields of the asset's config."""
    file: str
    author: str


def keep_file(
    place: Workplace,
    name: str,
    path: Path,
    choice: ReadingChoice,
    *,
    file_name: str = "",
    author: str = "",
) -> StagedFile:
    """Keeps a file for a run that is to take it.

    Args:
        place: where, and who asks.
        name: of the set.
        path: the file.
        choice: how it is read.
        file_name: as its sender calls it; that of `path` by default.
        author: who it is from; who asks by default.

    Raises:
        UnknownNameError: no such set.
        ConfigError: an unknown encoding or delimiter.
        InputError: the file cannot be read.
        RejectedFileError: it is larger than the set takes; the history says so.
    """
    spec, called = find_set(place.location, name), file_name or path.name
    options = choice.options(spec)
    with open_regular(path) as stream:
        size_bytes = os.fstat(stream.fileno()).st_size
    limit = spec.schema.max_bytes
    if size_bytes > limit:
        order = FileOrder(
            run_id=f"none-{secrets.token_hex(8)}",
            file_name=called,
            sha256="",
            size_bytes=size_bytes,
            author=author or place.asked.actor,
            options=options,
        )
        _reject_large(catalog_of(place.location), spec, order)
    return StagedFile(called, UploadStore.open().stage(path, limit=limit).sha256)


def check_size(name: str, size_bytes: int, limit: int) -> None:
    """Refuses a file on its way in that is larger than its set takes.

    Raises:
        InputError: it is.
    """
    if size_bytes > limit:
        raise beyond(name, limit)


def take_upload(stream: BinaryIO, name: str, limit: int) -> str:
    """Keeps a file that was sent, for a check and a run; its SHA-256.

    Raises:
        InputError: it has more than `limit` bytes.
        StorageError: no space or no rights in the home folder.
    """
    return UploadStore.open().take(stream, name, limit=limit).sha256


def apply(
    place: Workplace, name: str, path: Path, choice: ReadingChoice, *, author: str = ""
) -> TakenFile:
    """Keeps the file and takes it into the set, as a run.

    Args:
        place: where, and who asks.
        name: of the set.
        path: the file.
        choice: how it is read.
        author: who it is from; who asks by default.

    Raises:
        UnknownNameError: no such set.
        InputError: the file cannot be read.
        FileRunFailedError: the run failed for another reason than the file's content.
    """
    try:
        kept = keep_file(place, name, path, choice, author=author)
    except RejectedFileError as error:
        return _taken_by(place, name, str(error.facts["run_id"]))
    return _run(place, _file_work(place, name, kept, choice, author))


def start_apply(
    place: Workplace, name: str, file: StagedFile, choice: ReadingChoice, *, author: str = ""
) -> str:
    """Has the server take a file that is kept into the set; the run's id.

    Raises:
        UnknownNameError: no such set.
        ConfigError: an unknown encoding or delimiter.
        GoneError: the file is not kept any longer.
        InputError: the key of who asks was used for other work.
    """
    choice.options(find_set(place.location, name))
    with UploadStore.open().read(file.sha256):
        return _start(place, _file_work(place, name, file, choice, author))


def undo(place: Workplace, name: str, version: int, *, author: str = "") -> TakenFile:
    """Makes an earlier version hold again, as a run.

    Raises:
        UnknownNameError: no such set.
        NotFoundError: no such version, or no longer; before anything runs.
        FileRunFailedError: the run failed.
    """
    return _run(place, _undo_work(place, name, version, author))


def start_undo(place: Workplace, name: str, version: int, *, author: str = "") -> str:
    """Has the server make an earlier version hold again; the run's id.

    Raises:
        UnknownNameError: no such set.
        NotFoundError: no such version, or no longer.
        InputError: the key of who asks was used for other work.
    """
    return _start(place, _undo_work(place, name, version, author))


def _file_work(
    place: Workplace, name: str, file: StagedFile, choice: ReadingChoice, author: str
) -> _Work:
    author = author or place.asked.actor
    order = {
        "upload": file.sha256,
        "file_name": file.name,
        "author": author,
        "encoding": choice.encoding,
        "list_delimiter": choice.list_delimiter,
        "blank_clears": choice.blank_clears,
    }
    return _Work(find_set(place.location, name), order, file.name, author)


def _undo_work(place: Workplace, name: str, version: int, author: str) -> _Work:
    spec = find_set(place.location, name)
    stored = catalog_of(place.location).check_columns(name, spec.columns)
    if stored is None:
        raise NotFoundError(f"classification set {name!r} has taken no file yet")
    check_undo(stored, version)
    author = author or place.asked.actor
    order = {"undo_to": version, "author": author}
    return _Work(spec, order, f"back to version {version}", author)


def _start(place: Workplace, work: _Work) -> str:
    return start_run(
        place.home,
        place.instance,
        place.location.job(work.spec.job),
        place.asked,
        config=run_config(work.spec, work.order),
        tags=run_tags(work.spec.name, work.file, work.author),
    )


def _run(place: Workplace, work: _Work) -> TakenFile:
    outcome = run_here(
        place.home,
        place.instance,
        place.location.job(work.spec.job),
        lambda _news: None,
        config=run_config(work.spec, work.order),
        tags={**run_tags(work.spec.name, work.file, work.author), **place.asked.tags},
    )
    entry = catalog_of(place.location).entry(work.spec.name, outcome.run_id)
    if entry is None or (entry.outcome == "applied" and not outcome.ok):
        raise _failure(outcome)
    return _taken(entry)


def _reject_large(
    catalog: ClassificationCatalog, spec: ClassificationSpec, order: FileOrder
) -> None:
    """A file above the limit is neither kept nor read, so no run takes it; its line of history says so all the same."""
    refused = too_large(order.size_bytes, spec.schema.max_bytes)
    with suppress(RejectedFileError):
        reject_file(catalog, spec, order, refused)
    raise RejectedFileError(
        f"{order.file_name}: {refused.problems[0].message}", hint="Split it", run_id=order.run_id
    )


def _taken_by(place: Workplace, name: str, run_id: str) -> TakenFile:
    entry = catalog_of(place.location).entry(name, run_id)
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
