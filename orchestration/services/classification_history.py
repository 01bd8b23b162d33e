"""What became of the files of classification sets: the catalog's lines, and the runs that have not come to an end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.classifications.jobs import AUTHOR_TAG, FILE_TAG, SET_TAG
from orchestration.location import Location
from orchestration.services.classifications import catalog_of, find_set, find_sets
from resources.kernel.errors import ConfigError, NotFoundError
from resources.stores.catalog.classifications.records import FileEntry, HistoryFilter

DEFAULT_LIMIT = 100
_RECENT_RUNS = 1000
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
    location: Location, instance: dg.DagsterInstance, query: HistoryQuery
) -> list[HistoryLine]:
    """Files and undos of one set or of all, and the runs that have not come to an end, newest first (F137).

    Raises:
        UnknownNameError: no such set.
        ConfigError: an unknown state.
    """
    names = {query.set_name} if query.set_name else set(find_sets(location))
    if query.set_name:
        find_set(location, query.set_name)
    for state in query.states:
        if state not in STATES:
            raise ConfigError(f"unknown state {state!r}", hint=f"Known: {', '.join(STATES)}")
    entries, lines = _entries(location, query), _run_lines(location, instance, query, names)
    found = [*(_entry_line(entry) for entry in entries if entry.set_name in names), *lines]
    return sorted(found, key=lambda line: line.at, reverse=True)[: query.limit]


def errors_of(location: Location, name: str, *, file: str = "", run_id: str = "") -> RejectedFile:
    """The errors that the history keeps of a rejected file: the newest, unless a file or a run is named.

    Raises:
        UnknownNameError: no such set.
        NotFoundError: no such file was rejected.
    """
    find_set(location, name)
    wanted = HistoryFilter(name, ("rejected",), file)
    for entry in catalog_of(location).history(wanted):
        if run_id in ("", entry.facts.run_id):
            errors = entry.facts.details.get("errors", [])
            count = entry.facts.counts.get("errors", len(errors))
            at, facts = entry.recorded_at, entry.facts
            return RejectedFile(facts.name, at, facts.run_id, count, tuple(errors))
    what = f" {file!r}" if file else f" in run {run_id}" if run_id else ""
    raise NotFoundError(f"classification set {name!r} has rejected no file{what}")


def _entries(location: Location, query: HistoryQuery) -> list[FileEntry]:
    outcomes = tuple(state for state in query.states if state in _RECORDED)
    if query.states and not outcomes:
        return []
    wanted = HistoryFilter(
        query.set_name, outcomes, query.file, query.since, query.until, query.limit
    )
    return catalog_of(location).history(wanted)


def _run_lines(
    location: Location, instance: dg.DagsterInstance, query: HistoryQuery, names: set[str]
) -> list[HistoryLine]:
    """Runs that left no line in the history."""
    if query.states and not set(query.states) - set(_RECORDED):
        return []
    tags: dict[str, str | list[str]] = {SET_TAG: sorted(names)}
    filters = dg.RunsFilter(tags=tags, created_after=query.since, created_before=query.until)
    lines = []
    for record in instance.get_run_records(filters, limit=_RECENT_RUNS):
        line = _run_line(record.dagster_run, record.create_timestamp)
        is_wanted = query.file in line.file and line.state in (query.states or STATES)
        if is_wanted and record.dagster_run.status != dg.DagsterRunStatus.SUCCESS:
            lines.append(line)
    catalog = catalog_of(location)
    return [line for line in lines if catalog.entry(line.set_name, line.run_id) is None]


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


def _run_line(run: dg.DagsterRun, created_at: datetime) -> HistoryLine:
    return HistoryLine(
        at=created_at.astimezone(UTC),
        set_name=run.tags.get(SET_TAG, ""),
        state=_STATES.get(run.status, "queued"),
        reason="",
        kind="",
        file=run.tags.get(FILE_TAG, ""),
        author=run.tags.get(AUTHOR_TAG, ""),
        run_id=run.run_id,
    )
