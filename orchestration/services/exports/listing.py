"""The list of exporters: what each delivers where, when it did so last, and when it will by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from orchestration.services.exports.entries import Delivering, ExporterEntry
from orchestration.services.exports.history import Export, ExportStatus, last_exports
from orchestration.services.paging import LIMIT, Page, paged
from orchestration.services.pipelines.entry import ScheduleEntry
from orchestration.services.pipelines.switches import read_switches
from orchestration.services.pipelines.times import next_times
from resources.kernel.errors import InputError, UnknownNameError
from resources.kernel.keys import noun_of_key

NEVER = "never"
"""In place of a status: there was no export."""
_BY_WORD = ("manual", "on_change")


@dataclass(frozen=True)
class ExporterSummary:
    """One line of the list."""

    name: str
    source: str
    """What it delivers: `dataset orders`."""
    connector: str
    table: str
    mode: str
    refresh: str
    description: str
    pipelines: tuple[str, ...]
    """Those that end in it."""
    next_at: datetime | None
    """When a pipeline or its own cron delivers next, if the daemon runs then."""
    last: Export | None


@dataclass(frozen=True)
class ExporterFilter:
    """Which exporters to list; empty fields ask for nothing."""

    search: str = ""
    """Part of the name, of what is delivered, or of the table, in any case."""
    status: str = ""
    """Of the last export."""
    connector: str = ""

    def takes_entry(self, entry: ExporterEntry) -> bool:
        """Whether an exporter is wanted, as far as what is declared says."""
        texts = (entry.name, "/".join(entry.source), entry.table)
        return any(self.search.lower() in text.lower() for text in texts) and (
            self.connector in ("", entry.connector)
        )

    def takes(self, found: ExporterSummary) -> bool:
        """Whether an exporter is wanted, as far as its last export says."""
        return self.status in ("", found.last.status if found.last else NEVER)


def list_exporters(
    instance: dg.DagsterInstance, entries: Sequence[ExporterEntry], now: datetime | None = None
) -> list[ExporterSummary]:
    """A line for each exporter. Connects to nothing."""
    last, stopped = last_exports(instance, entries), _stopped_schedules(instance)
    moment = now or datetime.now(UTC)
    return [_summary(entry, last.get(entry.name), stopped, moment) for entry in entries]


def page_of_exporters(
    instance: dg.DagsterInstance,
    entries: Sequence[ExporterEntry],
    wanted: ExporterFilter,
    *,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[ExporterSummary]:
    """A page of the list, in order of name. Only what is shown is looked up, unless a status is asked for.

    Raises:
        InputError: no cursor of this list, a limit out of bounds, a status that there is not.
    """
    if wanted.status not in ("", NEVER, *ExportStatus):
        raise InputError(
            f"{wanted.status[:40]!r} is no status of an exporter",
            hint=f"Known: {', '.join([NEVER, *ExportStatus])}",
        )
    found = [entry for entry in entries if wanted.takes_entry(entry)]
    if wanted.status:
        whole = [one for one in list_exporters(instance, found) if wanted.takes(one)]
        return paged(whole, lambda one: (one.name,), cursor=cursor, limit=limit)
    page = paged(found, lambda entry: (entry.name,), cursor=cursor, limit=limit)
    return Page(tuple(list_exporters(instance, page.items)), page.next, page.total)


def show_exporter(
    instance: dg.DagsterInstance, entries: Sequence[ExporterEntry], name: str
) -> ExporterSummary:
    """One line of the list.

    Raises:
        UnknownNameError: it is not declared; lists the known ones.
    """
    wanted = [entry for entry in entries if entry.name == name]
    if not wanted:
        raise UnknownNameError("exporter", name, [entry.name for entry in entries])
    (found,) = list_exporters(instance, wanted)
    return found


def _summary(
    entry: ExporterEntry, last: Export | None, stopped: Collection[str], now: datetime
) -> ExporterSummary:
    due = [_next(way, now) for way in entry.pipelines if way.pipeline not in stopped]
    if entry.refresh not in _BY_WORD:
        due.append(_next(Delivering("", entry.refresh), now))
    return ExporterSummary(
        name=entry.name,
        source=f"{noun_of_key(entry.source)} {entry.source[1]}",
        connector=entry.connector,
        table=entry.table,
        mode=entry.mode,
        refresh=entry.refresh,
        description=entry.description,
        pipelines=tuple(way.pipeline for way in entry.pipelines),
        next_at=min((moment for moment in due if moment), default=None),
        last=last,
    )


def _next(way: Delivering, now: datetime) -> datetime | None:
    """When a cron fires next within its period."""
    if not way.cron:
        return None
    start, end = (day.isoformat() if day else "" for day in (way.start, way.end))
    found = next_times(ScheduleEntry("", (way.cron,), way.timezone, start, end), now, 1)
    return found[0].astimezone(UTC) if found else None


def _stopped_schedules(instance: dg.DagsterInstance) -> set[str]:
    """Pipelines whose schedule was switched off by hand."""
    off = [name for (_, name), is_on in read_switches(instance).items() if not is_on]
    return {name.removesuffix("_schedule") for name in off if name.endswith("_schedule")}
