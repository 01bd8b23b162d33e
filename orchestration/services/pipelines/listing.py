"""Pipelines: a list, one whole, paused and resumed. From what is declared and what Dagster's instance says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import dagster as dg

from orchestration.services.paging import LIMIT, Page, page_of_named
from orchestration.services.pipelines.entry import PipelineEntry, PipelineStep, ScheduleEntry
from orchestration.services.pipelines.switches import (
    Switches,
    Trigger,
    is_on,
    read_switches,
    switch,
)
from orchestration.services.pipelines.times import next_times, schedule_words
from orchestration.services.runs.listing import RunFilter, RunSummary, last_runs, list_runs
from resources.kernel.errors import ConflictError, UnknownNameError

LAST_RUNS = 10
PipelineState = Literal["on", "paused", "by hand"]


@dataclass(frozen=True)
class TriggerState:
    """A schedule or a sensor, and whether it starts runs."""

    name: str
    kind: Literal["schedule", "sensor"]
    words: str
    """When it starts runs."""
    is_on: bool
    timezone: str = ""
    next_times: tuple[datetime, ...] = ()
    """In its time zone; empty when it is off, and of sensors."""


@dataclass(frozen=True)
class PipelineSummary:
    """One line of the list."""

    name: str
    description: str
    state: PipelineState
    """`on`: it starts by itself; `paused`: it would; `by hand`: nothing starts it."""
    triggers: tuple[TriggerState, ...]
    next_at: datetime | None
    step_count: int
    last_run: RunSummary | None


@dataclass(frozen=True)
class PipelineDetail:
    """A pipeline, whole."""

    summary: PipelineSummary
    where: str
    targets: tuple[str, ...]
    steps: tuple[PipelineStep, ...]
    runs: tuple[RunSummary, ...]
    """The last of them."""


def list_pipelines(
    entries: Sequence[PipelineEntry],
    instance: dg.DagsterInstance,
    location: str,
    *,
    q: str = "",
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[PipelineSummary]:
    """Pipelines in order of name.

    Args:
        entries: what is declared.
        instance: knows what is switched off, and the runs.
        location: the code location.
        q: part of the name, in any case.
        cursor: of the page before.
        limit: most of them.

    Raises:
        InputError: a limit or a cursor that is none.
    """
    page = page_of_named(entries, q, cursor=cursor, limit=limit)
    switches, now = read_switches(instance), datetime.now(UTC)
    last = last_runs(instance, [entry.name for entry in page.items], location)
    found = [
        replace(_summary(entry, location, switches, now), last_run=last.get(entry.name))
        for entry in page.items
    ]
    return Page(tuple(found), page.next, page.total)


def show_pipeline(
    entries: Sequence[PipelineEntry], instance: dg.DagsterInstance, location: str, name: str
) -> PipelineDetail:
    """A pipeline with its steps and its last runs.

    Raises:
        UnknownNameError: there is none of that name.
    """
    entry = find_pipeline(entries, name)
    summary = _summary(entry, location, read_switches(instance), datetime.now(UTC))
    runs = list_runs(instance, RunFilter(pipeline=name, location=location), limit=LAST_RUNS).items
    summary = replace(summary, last_run=runs[0] if runs else None)
    return PipelineDetail(summary, entry.where, entry.targets, entry.steps, runs)


def find_pipeline(entries: Sequence[PipelineEntry], name: str) -> PipelineEntry:
    """What is declared of a pipeline.

    Raises:
        UnknownNameError: there is none of that name.
    """
    for entry in entries:
        if entry.name == name:
            return entry
    raise UnknownNameError("pipeline", name, [entry.name for entry in entries])


def switch_pipeline(
    entries: Sequence[PipelineEntry],
    instance: dg.DagsterInstance,
    location: str,
    name: str,
    *,
    on: bool,
) -> PipelineDetail:
    """Pauses a pipeline, or has its schedule and its sensor start it again: what was missed is not made up for.

    Raises:
        UnknownNameError: there is none of that name.
        ConflictError: nothing starts it, so there is nothing to pause.
    """
    entry = find_pipeline(entries, name)
    if not entry.triggers:
        raise ConflictError(
            f"pipeline {name!r} has neither a schedule nor a sensor: it runs by hand alone",
            hint="Give it `schedule:` or `on_new_objects:`",
            state="by hand",
        )
    for trigger in entry.triggers:
        switch(instance, trigger, location, on=on)
    return show_pipeline(entries, instance, location, name)


def next_runs(
    entries: Sequence[PipelineEntry], instance: dg.DagsterInstance, location: str, now: datetime
) -> list[tuple[str, datetime]]:
    """The next time of each schedule that is on, with its pipeline, soonest first."""
    switches, found = read_switches(instance), []
    for entry in entries:
        for schedule in entry.schedules:
            if is_on(schedule, location, switches):
                found += [(entry.name, at) for at in next_times(schedule, now, 1)]
    return sorted(found, key=lambda one: one[1])


def _summary(
    entry: PipelineEntry, location: str, switches: Switches, now: datetime
) -> PipelineSummary:
    triggers = tuple(
        _trigger_state(trigger, now, on=is_on(trigger, location, switches))
        for trigger in entry.triggers
    )
    times = [moment for trigger in triggers for moment in trigger.next_times]
    return PipelineSummary(
        name=entry.name,
        description=entry.description,
        state=_state(triggers),
        triggers=triggers,
        next_at=min(times) if times else None,
        step_count=len(entry.steps),
        last_run=None,
    )


def _state(triggers: Sequence[TriggerState]) -> PipelineState:
    if not triggers:
        return "by hand"
    return "on" if any(trigger.is_on for trigger in triggers) else "paused"


def _trigger_state(trigger: Trigger, now: datetime, *, on: bool) -> TriggerState:
    if isinstance(trigger, ScheduleEntry):
        times = tuple(next_times(trigger, now)) if on else ()
        words = schedule_words(trigger)
        return TriggerState(trigger.name, "schedule", words, on, trigger.timezone, times)
    watched = f"new objects at {trigger.path} of connector {trigger.connector}"
    words = watched if trigger.connector else trigger.description or trigger.name
    return TriggerState(
        trigger.name, "sensor", f"{words}, looked for every {trigger.every_seconds} s", on
    )
