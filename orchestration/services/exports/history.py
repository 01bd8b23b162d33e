"""Every export that was ever asked for, also those that failed, and who asked (F051): from Dagster's record of runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import dagster as dg

from orchestration.services.exports.entries import ExporterEntry
from orchestration.services.exports.events import (
    Begun,
    Place,
    arrived,
    arrived_at_all,
    begun_deliveries,
    newest_deliveries,
)
from orchestration.services.exports.steps import Steps, kept_steps
from orchestration.services.paging import LIMIT, Page, check_limit, decode_cursor, encode_cursor
from orchestration.services.runs.listing import actor_of
from orchestration.services.runs.recorded import RecordedRun, read_runs
from resources.kernel.errors import InputError, UnknownNameError
from resources.kernel.keys import noun_of_key

SEARCHED = 500
"""So many exports are asked for at once when those of a status are wanted."""
SCANNED = 1_000
"""So many exports are looked through for one page of those of a status; its cursor leads on."""


class ExportStatus(StrEnum):
    """What became of an export."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    NOT_REACHED = "not reached"
    """Its run ended before it came to it: an earlier step failed."""


@dataclass(frozen=True)
class Export:
    """One export."""

    exporter: str
    source: str
    """What went out, or was to: `dataset orders`."""
    version: int | None
    """None of one that did not get so far."""
    connector: str
    table: str
    """Of mode `timestamp` the table that was made, once it was."""
    mode: str
    rows: int | None
    size_bytes: int | None
    """Of the version that went out, as it is stored."""
    status: ExportStatus
    asked_at: datetime
    started_at: datetime | None
    seconds: float | None
    """How long its run took, once it has ended."""
    asked_by: str
    """A user, `schedule NAME`, `sensor NAME`; empty: started in Dagster's UI."""
    run_id: str
    error: str = ""
    warnings: str = ""
    is_repeated: bool = False
    """It was a retry of a run that had delivered already: nothing was written again."""


@dataclass(frozen=True)
class HistoryFilter:
    """Which exports; empty fields ask for nothing."""

    exporter: str = ""
    status: str = ""


def export_history(
    instance: dg.DagsterInstance,
    entries: Sequence[ExporterEntry],
    wanted: HistoryFilter,
    *,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Export]:
    """Exports, newest first.

    Args:
        instance: where they are recorded.
        entries: the exporters that are declared.
        wanted: which exports.
        cursor: of the page wanted; the first by default.
        limit: most of them.

    Raises:
        UnknownNameError: no such exporter is declared.
        InputError: no cursor of this list, a limit out of bounds, a status that there is not.
    """
    check_limit(limit)
    declared = {entry.name: entry for entry in entries}
    if wanted.exporter not in ("", *declared):
        raise UnknownNameError("exporter", wanted.exporter, declared)
    if wanted.status and wanted.status not in list(ExportStatus):
        raise InputError(
            f"{wanted.status[:40]!r} is no status of an export",
            hint=f"Known: {', '.join(ExportStatus)}",
        )
    names = [wanted.exporter] if wanted.exporter else list(declared)
    found: list[Export] = []
    number = None if cursor is None else _number(cursor)
    at_once = max(limit + 1, SEARCHED) if wanted.status else limit + 1
    exports = _exports(instance, declared, names, number, at_once, wanted.status)
    for looked_at, (begun, export) in enumerate(exports, 1):
        number = begun.number
        if export is not None and wanted.status in ("", export.status):
            if len(found) == limit:
                return Page(tuple(found), encode_cursor([number + 1]))
            found.append(export)
        if looked_at == SCANNED:  # looked through enough
            return Page(tuple(found), encode_cursor([number]))
    return Page(tuple(found), None)


def last_exports(
    instance: dg.DagsterInstance, entries: Sequence[ExporterEntry]
) -> dict[str, Export]:
    """The newest export of each exporter that ever made one."""
    declared = {entry.name: entry for entry in entries}
    newest = newest_deliveries(instance, declared)
    told = _told(instance, declared, newest.values())
    return {one.exporter: export for one, export in told if export is not None}


def _exports(
    instance: dg.DagsterInstance,
    declared: Mapping[str, ExporterEntry],
    names: Sequence[str],
    before: int | None,
    at_once: int,
    status: str,
) -> Iterator[tuple[Begun, Export | None]]:
    """Exports, newest first; None for those that are of another status for certain."""
    while True:
        batch = begun_deliveries(instance, names, before=before, limit=at_once)
        yield from _told(instance, declared, batch, status)
        if len(batch) < at_once:
            return
        before = batch[-1].number


def _told(
    instance: dg.DagsterInstance,
    declared: Mapping[str, ExporterEntry],
    begun: Collection[Begun],
    status: str = "",
) -> Iterator[tuple[Begun, Export | None]]:
    """The same of these; of those that arrived nothing more is read where another status is wanted."""
    if status not in ("", ExportStatus.DONE):
        done = arrived_at_all(instance, begun)
        told = [one for one in begun if Place(one.exporter, one.run_id) not in done]
        facts: Mapping[Place, Callable[[], Mapping[str, Any]]] = {}
    else:
        told, facts = list(begun), arrived(instance, begun)
    ids = {one.run_id for one in told}
    found = read_runs(instance, dg.RunsFilter(run_ids=list(ids))) if ids else []
    runs, of_status = {run.run_id: run for run in found}, {one.number for one in told}
    for one in begun:
        if one.number not in of_status:
            yield one, None
            continue
        said = facts.get(Place(one.exporter, one.run_id))
        run, entry = runs.get(one.run_id), declared[one.exporter]
        yield one, _export(instance, one, entry, run, said() if said is not None else None)


def _export(
    instance: dg.DagsterInstance,
    begun: Begun,
    entry: ExporterEntry,
    run: RecordedRun | None,
    said: Mapping[str, Any] | None,
) -> Export:
    status = _status(run, has_arrived=said is not None)
    steps = Steps()
    if status is ExportStatus.NOT_REACHED:  # its own steps say whether it was, and failed
        steps = kept_steps(instance, begun, run.ended_at if run else None)
        if steps.error:
            status = ExportStatus.FAILED
    facts = said if said is not None else steps.pinned
    return Export(
        exporter=entry.name,
        source=str(facts.get("source") or _planned_source(entry, run)),
        version=facts.get("source version"),
        connector=str(facts.get("connector", entry.connector)),
        table=str(facts.get("table", entry.table)),
        mode=str(facts.get("mode", entry.mode)),
        rows=facts.get("dagster/row_count"),
        size_bytes=facts.get("source bytes"),
        status=status,
        asked_at=begun.at,
        started_at=run.started_at if run else None,
        seconds=_seconds(run),
        asked_by=actor_of(run.tags) if run else "",
        run_id=begun.run_id,
        error=steps.error or steps.reason,
        warnings=str(facts.get("warnings", "")),
        is_repeated="repeated" in facts,
    )


def _status(run: RecordedRun | None, *, has_arrived: bool) -> ExportStatus:
    if has_arrived:
        return ExportStatus.DONE
    status = run.status if run else dg.DagsterRunStatus.CANCELED
    if status in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED):
        return ExportStatus.QUEUED
    if status is dg.DagsterRunStatus.CANCELED:
        return ExportStatus.STOPPED
    if status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE):
        return ExportStatus.NOT_REACHED
    return ExportStatus.RUNNING


def _planned_source(entry: ExporterEntry, run: RecordedRun | None) -> str:
    """What the run was asked to deliver."""
    source = entry.source
    graph = dg.AssetKey(entry.key).to_python_identifier()
    config: Any = run.config if run else {}
    for part in ("ops", graph, "ops", f"pin_{entry.name}", "config", "dataset"):
        config = config.get(part) if isinstance(config, Mapping) else None
    return f"dataset {config}" if config else f"{noun_of_key(source)} {source[1]}"


def _seconds(run: RecordedRun | None) -> float | None:
    if run is None or run.started_at is None or run.ended_at is None:
        return None
    return round((run.ended_at - run.started_at).total_seconds(), 3)


def _number(cursor: str) -> int:
    place = decode_cursor(cursor)
    if len(place) != 1 or not isinstance(place[0], int):
        raise InputError(f"{cursor[:60]!r} is no cursor of this list")
    return place[0]
