"""Classification sets: check a file, apply it in a run, look at what holds, download it, go back.

Whatever changes a set is a Dagster run; whatever looks at one reads the catalog.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from assets.classifications.applying import FileOrder, RejectedFileError, reject_file, too_large
from assets.classifications.build import parse_options
from assets.classifications.checking import CheckResult, check_file
from assets.classifications.declaration import DECLARATION, ClassificationSpec
from assets.classifications.schema import KEY, Encoding, ParseOptions
from assets.classifications.selection import Selection, select
from assets.classifications.writing import FileFormat, WriteOptions, write
from assets.classifications.writing import template as write_template
from orchestration.classifications.jobs import AUTHOR_TAG, FILE_TAG, SET_TAG, run_config, run_tags
from orchestration.services.home import Home
from orchestration.services.location import Location
from orchestration.services.run_watch import RunOutcome, run_here
from resources.kernel.errors import (
    ConfigError,
    InputError,
    NotFoundError,
    UnknownNameError,
    WaybillError,
)
from resources.stores.catalog.classification_catalog import ClassificationCatalog, check_undo
from resources.stores.catalog.classification_records import FileEntry
from resources.stores.catalog.resource import CatalogResource
from resources.stores.uploads import UploadStore, open_regular

_RECENT_RUNS = 1000
_STATES = {
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "stopped",
    dg.DagsterRunStatus.CANCELING: "stopped",
    dg.DagsterRunStatus.STARTING: "processing",
    dg.DagsterRunStatus.STARTED: "processing",
}


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


@dataclass(frozen=True)
class HistoryLine:
    """A file or an undo, or a run that has not come to an end."""

    at: datetime
    state: str
    """`applied` or `rejected`; of runs without a result: `queued`, `processing`, `failed`, `stopped`."""
    kind: str
    """`file` or `undo`; empty while nobody knows."""
    file: str
    author: str
    version: int | None
    lines: int | None
    modified_lines: int | None
    lines_without_effect: int | None
    counts: Mapping[str, int]
    size_bytes: int | None
    sha256: str
    run_id: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class FoundKey:
    """A key and its values."""

    key: str
    values: Mapping[str, Any]


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
        UnknownNameError: nobody declares it; lists the known ones.
    """
    known = find_sets(location)
    if name not in known:
        raise UnknownNameError("classification set", name, known)
    return known[name]


def list_sets(location: Location) -> list[SetSummary]:
    """Every declared set and what it holds, in order of name."""
    catalog, found = _catalog(location), []
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
            )
        )
    return found


def check(location: Location, name: str, path: Path, choice: ReadingChoice) -> CheckResult:
    """What a file would do. Changes nothing, keeps nothing of it.

    Raises:
        UnknownNameError: no such set.
        InputError: the file cannot be read.
    """
    spec = find_set(location, name)
    options = choice.options(spec)
    with open_regular(path) as stream:
        return check_file(
            _catalog(location), location.store(), spec, stream, file_name=path.name, options=options
        )


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
    stored = _catalog(place.location).check_columns(name, spec.columns)
    if stored is None:
        raise NotFoundError(f"classification set {name!r} has taken no file yet")
    check_undo(stored, version)
    order = {"undo_to": version, "author": author}
    return _run(place, spec, order, file=f"back to version {version}", author=author)


def show(location: Location, name: str, key: str) -> FoundKey:
    """A key and its values.

    Raises:
        UnknownNameError: no such set.
        NotFoundError: the set does not hold the key.
    """
    spec = find_set(location, name)
    state = _catalog(location).read(name, spec.columns, pa.array([key], pa.string()))
    rows = select(state.table, Selection(keys=(key,))).to_pylist()
    if not rows:
        raise NotFoundError(
            f"classification set {name!r} has no key {key[:200]!r}",
            hint="Keys are case-sensitive; `waybill classification download --key-regex` searches",
        )
    return FoundKey(key, {column: value for column, value in rows[0].items() if column != KEY})


def download(
    location: Location, name: str, selection: Selection, options: WriteOptions
) -> Iterator[bytes]:
    """The selected rows as a file that the same set takes back without a change (F135).

    Raises:
        UnknownNameError: no such set, or no such column.
        InputError: a regular expression that is none, or a value that the format or the encoding cannot hold.
    """
    spec = find_set(location, name)
    if selection.limit is not None and selection.limit < 0:
        raise InputError(f"a limit is not negative: {selection.limit}")
    return write(_selected(_catalog(location), spec, selection), spec.schema, options)


def make_write_options(file_format: str, encoding: str, list_delimiter: str) -> WriteOptions:
    """How a download is written, from what was asked for.

    Raises:
        ConfigError: an unknown format or encoding.
    """
    if file_format not in list(FileFormat):
        raise ConfigError(
            f"format {file_format!r} is not known", hint=f"Known: {', '.join(FileFormat)}"
        )
    if encoding and encoding not in list(Encoding):
        raise ConfigError(
            f"encoding {encoding!r} is not known", hint=f"Known: {', '.join(Encoding)}"
        )
    return WriteOptions(
        format=FileFormat(file_format),
        encoding=Encoding(encoding) if encoding else None,
        list_delimiter=list_delimiter or None,
    )


def template(location: Location, name: str, options: WriteOptions) -> bytes:
    """A file with the right header and nothing else (F136).

    Raises:
        UnknownNameError: no such set.
        InputError: JSON, which has no header.
    """
    return write_template(find_set(location, name).schema, options.format)


def history(location: Location, instance: dg.DagsterInstance, name: str) -> list[HistoryLine]:
    """Every file and undo of a set, and the runs that have not come to an end, newest first (F137).

    Raises:
        UnknownNameError: no such set.
    """
    find_set(location, name)
    entries = _catalog(location).history(name)
    recorded = {entry.facts.run_id for entry in entries}
    lines = [_entry_line(entry) for entry in entries]
    for record in instance.get_run_records(dg.RunsFilter(tags={SET_TAG: name}), limit=_RECENT_RUNS):
        run = record.dagster_run
        if run.run_id not in recorded and run.status != dg.DagsterRunStatus.SUCCESS:
            lines.append(_run_line(run, record.create_timestamp))
    return sorted(lines, key=lambda line: line.at, reverse=True)


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
    entry = _catalog(place.location).entry(spec.name, outcome.run_id)
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
    catalog = _catalog(place.location)
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


def _selected(
    catalog: ClassificationCatalog, spec: ClassificationSpec, selection: Selection
) -> pa.Table:
    if selection.keys is not None:
        keys = pa.array(sorted(set(selection.keys), key=str.encode), pa.string())
        return select(catalog.read(spec.name, spec.columns, keys).table, selection)
    pieces = [select(spec.schema.arrow.empty_table(), selection)]
    remaining = selection.limit
    with catalog.stream(spec.name, spec.columns) as (_stored, stream):
        for batch in stream:
            if remaining is not None and remaining <= 0:
                break
            piece = select(pa.Table.from_batches([batch]), replace(selection, limit=remaining))
            pieces.append(piece)
            remaining = None if remaining is None else remaining - piece.num_rows
    return pa.concat_tables(pieces)


def _entry_line(entry: FileEntry) -> HistoryLine:
    facts = entry.facts
    return HistoryLine(
        at=entry.recorded_at,
        state=entry.outcome,
        kind=facts.kind,
        file=facts.name,
        author=facts.author,
        version=entry.version,
        lines=facts.counts.get("lines"),
        modified_lines=facts.counts.get("modified_lines"),
        lines_without_effect=facts.counts.get("lines_without_effect"),
        counts=facts.counts,
        size_bytes=facts.size_bytes,
        sha256=facts.sha256,
        run_id=facts.run_id,
        details=facts.details,
    )


def _run_line(run: dg.DagsterRun, created_at: datetime) -> HistoryLine:
    return HistoryLine(
        at=created_at.astimezone(UTC),
        state=_STATES.get(run.status, "queued"),
        kind="",
        file=run.tags.get(FILE_TAG, ""),
        author=run.tags.get(AUTHOR_TAG, ""),
        version=None,
        lines=None,
        modified_lines=None,
        lines_without_effect=None,
        counts={},
        size_bytes=None,
        sha256="",
        run_id=run.run_id,
        details={},
    )


def _catalog(location: Location) -> ClassificationCatalog:
    resource = (location.definitions.resources or {}).get("catalog")
    if not isinstance(resource, CatalogResource):
        raise ConfigError(
            "the code location has no resource 'catalog'",
            hint="Build its definitions with orchestration.definitions.build_defs",
        )
    return resource.classifications()
