"""What became of the files of classification sets: the catalog's lines, and the runs that have not come to an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg

from orchestration.classifications.jobs import AUTHOR_TAG, FILE_TAG, SET_TAG
from orchestration.services.classifications import DeclaredSets
from orchestration.services.runs.recorded import RecordedRun, read_runs
from resources.kernel.errors import ConfigError, NotFoundError
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.classifications.records import FileEntry, HistoryFilter

DEFAULT_LIMIT = 100
_RECENT_RUNS, _RUNS_AT_ONCE = 1000, 100
_DONE = dg.DagsterRunStatus.SUCCESS
_RECORDED = ("applied", "rejected", "skipped")
_STATES = {
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "stopped",
    dg.DagsterRunStatus.CANCELING: "stopped",
    dg.DagsterRunStatus.STARTING: "processing",
    dg.DagsterRunStatus.STARTED: "processing",
}
STATES = (*_RECORDED, "queued", "processing", "failed", "stopped")


@dataclass(frozen=True)
class HistoryLine:
    """A file or an undo, or a run that has not come to an end."""

    at: datetime
    set_name: str
    state: str
    """`applied`, `rejected` or `skipped`; of runs without a result: `queued`, `processing`, `failed`, `stopped`."""
    reason: str
    """Of a rejected file: its first error; of a skipped one: when it was taken."""
    kind: str
    """`file` or `undo`; empty while it is unknown."""
    file: str
    author: str
    run_id: str
    version: int | None = None
    lines: int | None = None
    modified_lines: int | None = None
    lines_without_effect: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    size_bytes: int | None = None
    sha256: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HistoryQuery:
    """Which lines; empty: any.

    Args:
        set_name: of this set alone.
        states: in one of these.
        file: files whose name has this text in it.
        since: then or later.
        until: before.
        limit: at most so many, the newest.
    """

    set_name: str = ""
    states: tuple[str, ...] = ()
    file: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True)
class RejectedFile:
    """The errors of a file as its line of history keeps them."""

    file: str
    at: datetime
    run_id: str
    error_count: int
    errors: tuple[Mapping[str, Any], ...]
    """The first of them."""


def history(
    sets: DeclaredSets, instance: dg.DagsterInstance, query: HistoryQuery
) -> list[HistoryLine]:
    """Files and undos of one set or of all, and the runs that have not come to an end, newest first (F137).

    Raises:
        UnknownNameError: no such set.
        ConfigError: an unknown state.
    """
    names = {sets.find(query.set_name).name} if query.set_name else set(sets.specs)
    for state in query.states:
        if state not in STATES:
            raise ConfigError(f"unknown state {state!r}", hint=f"Known: {', '.join(STATES)}")
    lines = _run_lines(sets.catalog, instance, query, names)
    entries = _entries(sets.catalog, query)
    found = [*(_entry_line(entry) for entry in entries if entry.set_name in names), *lines]
    return sorted(found, key=lambda line: line.at, reverse=True)[: query.limit]


def errors_of(sets: DeclaredSets, name: str, *, file: str = "", run_id: str = "") -> RejectedFile:
    """The errors that the history keeps of a rejected file: the newest, unless a file or a run is named.

    Raises:
        UnknownNameError: no such set.
        NotFoundError: no such file was rejected.
    """
    sets.find(name)
    wanted = HistoryFilter(name, ("rejected",), file, limit=None if run_id else 1)
    for entry in sets.catalog.history(wanted):
        if run_id in ("", entry.facts.run_id):
            errors = entry.facts.details.get("errors", [])
            count = entry.facts.counts.get("errors", len(errors))
            at, facts = entry.recorded_at, entry.facts
            return RejectedFile(facts.name, at, facts.run_id, count, tuple(errors))
    what = f" {file!r}" if file else f" in run {run_id}" if run_id else ""
    raise NotFoundError(f"classification set {name!r} has rejected no file{what}")


def _entries(catalog: ClassificationCatalog, query: HistoryQuery) -> list[FileEntry]:
    outcomes = tuple(state for state in query.states if state in _RECORDED)
    if query.states and not outcomes:
        return []
    wanted = HistoryFilter(
        query.set_name, outcomes, query.file, query.since, query.until, query.limit
    )
    return catalog.history(wanted)


def _run_lines(
    catalog: ClassificationCatalog,
    instance: dg.DagsterInstance,
    query: HistoryQuery,
    names: set[str],
) -> list[HistoryLine]:
    """Runs that left no line in the history, the newest of them, as many as are wanted."""
    if query.states and not set(query.states) - set(_RECORDED):
        return []
    found: list[HistoryLine] = []
    for batch in _unfinished(instance, query, names):
        recorded = catalog.recorded([line.run_id for line in batch])
        found += [line for line in batch if (line.set_name, line.run_id) not in recorded]
        if len(found) >= query.limit:
            break
    return found


def _unfinished(
    instance: dg.DagsterInstance, query: HistoryQuery, names: set[str]
) -> Iterator[list[HistoryLine]]:
    """Runs that have not ended well, newest first, some at a time."""
    filters = dg.RunsFilter(
        statuses=[status for status in dg.DagsterRunStatus if status is not _DONE],
        tags={SET_TAG: sorted(names)},
        created_after=query.since,
        created_before=query.until,
    )
    cursor: str | None = None
    for _ in range(_RECENT_RUNS // _RUNS_AT_ONCE):
        runs = read_runs(instance, filters, limit=_RUNS_AT_ONCE, cursor=cursor)
        lines = [_run_line(run) for run in runs]
        yield [
            line
            for line in lines
            if query.file in line.file and line.state in (query.states or STATES)
        ]
        if len(runs) < _RUNS_AT_ONCE:
            return
        cursor = runs[-1].run_id


def _entry_line(entry: FileEntry) -> HistoryLine:
    facts = entry.facts
    return HistoryLine(
        at=entry.recorded_at,
        set_name=entry.set_name,
        state=entry.outcome,
        reason=_reason(entry),
        kind=facts.kind,
        file=facts.name,
        author=facts.author,
        run_id=facts.run_id,
        version=entry.version,
        lines=facts.counts.get("lines"),
        modified_lines=facts.counts.get("modified_lines"),
        lines_without_effect=facts.counts.get("lines_without_effect"),
        counts=facts.counts,
        size_bytes=facts.size_bytes,
        sha256=facts.sha256,
        details=facts.details,
    )


def _reason(entry: FileEntry) -> str:
    if entry.outcome == "skipped":
        return "the same content was taken before"
    errors = entry.facts.details.get("errors") or []
    if entry.outcome != "rejected" or not errors:
        return ""
    more = entry.facts.counts.get("errors", len(errors)) - 1
    first = f"row {errors[0]['row']}: {errors[0]['rule']}"
    return f"{first} and {more:,} more" if more else first


def _run_line(run: RecordedRun) -> HistoryLine:
    return HistoryLine(
        at=run.created_at,
        set_name=run.tags.get(SET_TAG, ""),
        state=_STATES.get(run.status, "queued"),
        reason="",
        kind="",
        file=run.tags.get(FILE_TAG, ""),
        author=run.tags.get(AUTHOR_TAG, ""),
        run_id=run.run_id,
    )
