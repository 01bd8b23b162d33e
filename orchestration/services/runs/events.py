"""What happens in a run, event by event, in words: read from an event on, or followed to the end of the run.

Each event has the number under which Dagster keeps it, so that a client that was cut off goes on behind the last one seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import dagster as dg
from dagster._core.event_api import EventLogCursor

from orchestration.services.runs.failures import error_text, has_error, problem_name
from orchestration.services.runs.find import find_record
from orchestration.services.runs.states import RunState, state_of
from orchestration.services.runs.steps import step_name
from resources.kernel.errors import InputError

PAGE_EVENTS = 200
TEXT_LIMIT = 2000
_LAST_NUMBER = 2**63 - 1

Kind = Literal[
    "queued",
    "starting",
    "started",
    "step started",
    "step done",
    "step tried again",
    "step failed",
    "step skipped",
    "made",
    "observed",
    "checked",
    "note",
    "warning",
    "problem",
    "stopping",
    "done",
    "failed",
    "stopped",
]
_KINDS: Mapping[dg.DagsterEventType, Kind] = {
    dg.DagsterEventType.RUN_ENQUEUED: "queued",
    dg.DagsterEventType.RUN_STARTING: "starting",
    dg.DagsterEventType.RUN_START: "started",
    dg.DagsterEventType.RUN_CANCELING: "stopping",
    dg.DagsterEventType.RUN_SUCCESS: "done",
    dg.DagsterEventType.RUN_FAILURE: "failed",
    dg.DagsterEventType.RUN_CANCELED: "stopped",
    dg.DagsterEventType.STEP_START: "step started",
    dg.DagsterEventType.STEP_SUCCESS: "step done",
    dg.DagsterEventType.STEP_UP_FOR_RETRY: "step tried again",
    dg.DagsterEventType.STEP_FAILURE: "step failed",
    dg.DagsterEventType.STEP_SKIPPED: "step skipped",
    dg.DagsterEventType.ASSET_MATERIALIZATION: "made",
    dg.DagsterEventType.ASSET_OBSERVATION: "observed",
    dg.DagsterEventType.ASSET_CHECK_EVALUATION: "checked",
    dg.DagsterEventType.ENGINE_EVENT: "note",
}
"""What is told; all else is Dagster's own business."""
_SAID_BY_KIND = (
    dg.DagsterEventType.RUN_START,
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_SUCCESS,
)
"""Dagster's text adds nothing to what they are."""
_WITH_REASON = ("step tried again", "step failed")


@dataclass(frozen=True)
class Made:
    """An asset that the run materialized."""

    key: tuple[str, ...]
    step: str
    facts: Mapping[str, Any]
    """Its metadata, plain values."""

    @property
    def rows(self) -> int | None:
        """How many rows it has, for tables."""
        return self.facts.get("dagster/row_count")

    @property
    def version(self) -> int | None:
        """Its version in the store, where it has one."""
        return self.facts.get("version")


@dataclass(frozen=True)
class RunEvent:
    """Something that happened.

    Args:
        number: where it stands among the events of the run; grows.
        at: when.
        kind: what.
        step: of this step; empty: of the run.
        text: in words, in one line.
        seconds: how long a step took.
        made: what was made.
        problem: what kind of error failed a step, as problems of the API are named.
    """

    number: int
    at: datetime
    kind: Kind
    step: str = ""
    text: str = ""
    seconds: float | None = None
    made: Made | None = None
    problem: str = ""


@dataclass(frozen=True)
class RunNews:
    """An event as it is shown and sent."""

    number: int
    at: datetime
    kind: Kind
    step: str
    """As people know it; empty: of the run."""
    text: str
    seconds: float | None
    asset: str
    """Key of what was made; empty when nothing was."""
    rows: int | None
    version: int | None


def to_news(event: RunEvent) -> RunNews:
    """An event without what only its reader in this process needs."""
    made = event.made
    facts = [] if made is None else [("rows", made.rows), ("version", made.version)]
    told = [f"{name}: {value:,}" for name, value in facts if value is not None]
    return RunNews(
        event.number,
        event.at,
        event.kind,
        step_name(event.step),
        ", ".join(told) if made else event.text,
        event.seconds,
        "/".join(made.key) if made else "",
        made.rows if made else None,
        made.version if made else None,
    )


@dataclass(frozen=True)
class EventPage:
    """Events in their order, and what the run was doing when they were read."""

    events: tuple[RunEvent, ...]
    cursor: int
    """The last number that was looked at: the next page begins behind it."""
    state: RunState
    has_more: bool

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it."""
        return self.state.has_ended and not self.has_more


def read_events(
    instance: dg.DagsterInstance,
    run_id: str,
    *,
    after: int = 0,
    limit: int = PAGE_EVENTS,
    location: str = "",
) -> EventPage:
    """The events of a run behind number `after`, oldest first.

    Args:
        instance: where the run is recorded.
        run_id: the whole id.
        after: the number of the last event that is known.
        limit: most events.
        location: the code location that it has to belong to; any when empty.

    Raises:
        NotFoundError: there is no such run.
        InputError: `after` is no number of an event.
    """
    if not 0 <= after <= _LAST_NUMBER:
        raise InputError(f"events are counted from 1: {after} is no number of one")
    # The state comes first: a run that has ended by then has no event that is missing below.
    state = state_of(find_record(instance, run_id, location=location).dagster_run.status)
    cursor = EventLogCursor.from_storage_id(after).to_string()
    page = instance.get_records_for_run(run_id, cursor=cursor, limit=limit)
    found = [to_event(record) for record in page.records]
    last = page.records[-1].storage_id if page.records else after
    return EventPage(tuple(event for event in found if event), last, state, page.has_more)


def last_events(instance: dg.DagsterInstance, run_id: str, *, limit: int) -> list[RunEvent]:
    """The newest events of a run that exists, oldest first."""
    page = instance.get_records_for_run(run_id, limit=limit, ascending=False)
    found = [to_event(record) for record in reversed(page.records)]
    return [event for event in found if event]


@dataclass
class Tail:
    """A run's events as they are written: every `read` goes on where the one before ended."""

    instance: dg.DagsterInstance
    run_id: str
    cursor: int = 0
    tell: Callable[[RunEvent], None] = field(default=lambda _event: None)

    def read(self) -> bool:
        """Tells what is new; whether the run has ended and all was told.

        Raises:
            NotFoundError: there is no such run.
        """
        while True:
            page = read_events(self.instance, self.run_id, after=self.cursor)
            for event in page.events:
                self.tell(event)
            self.cursor = page.cursor
            if not page.has_more:
                return page.is_last


def to_event(record: dg.EventLogRecord) -> RunEvent | None:
    """An event in words; None for what is not shown."""
    entry = record.event_log_entry
    at = datetime.fromtimestamp(entry.timestamp, UTC)
    event = entry.dagster_event
    if event is None:
        return _note(record.storage_id, at, entry)
    kind = _KINDS.get(event.event_type)
    if kind is None:
        return None
    if kind == "note" and has_error(event):
        kind = "problem"
    tells_why = kind in _WITH_REASON or (kind in ("problem", "failed") and has_error(event))
    text = error_text(event) if tells_why else _text(event)
    return RunEvent(
        record.storage_id,
        at,
        kind,
        event.step_key or "",
        text,
        _seconds(event),
        _made(event),
        problem_name(event) if kind == "step failed" else "",
    )


def _note(number: int, at: datetime, entry: dg.EventLogEntry) -> RunEvent | None:
    """What a step logged; what is meant for programmers stays in Dagster's UI."""
    level = entry.level if isinstance(entry.level, int) else logging.INFO
    if level < logging.INFO:
        return None
    kind: Kind = "warning" if level >= logging.WARNING else "note"
    return RunEvent(number, at, kind, entry.step_key or "", _cut(entry.user_message))


def _text(event: dg.DagsterEvent) -> str:
    if event.event_type in _SAID_BY_KIND:
        return ""
    if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        found = event.asset_check_evaluation_data
        name = f"{found.asset_key.to_user_string()}: {found.check_name}"
        return f"{name} {'passed' if found.passed else 'failed'}"
    return _cut(event.message or "")


def _seconds(event: dg.DagsterEvent) -> float | None:
    if event.event_type != dg.DagsterEventType.STEP_SUCCESS:
        return None
    return float(event.step_success_data.duration_ms) / 1000


def _made(event: dg.DagsterEvent) -> Made | None:
    if event.event_type != dg.DagsterEventType.ASSET_MATERIALIZATION:
        return None
    found = event.step_materialization_data.materialization
    facts = {name: value.value for name, value in found.metadata.items()}
    return Made(tuple(found.asset_key.path), event.step_key or "", facts)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT_LIMIT else line[: TEXT_LIMIT - 1] + "…"
