"""One run, whole: what it works on, how far each step is, what went wrong, what it made, and the end of its log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Literal

import dagster as dg
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, PARENT_RUN_ID_TAG, WILL_RETRY_TAG

from orchestration.services.runs.events import (
    Kind,
    RunEvent,
    RunNews,
    last_events,
    to_event,
    to_news,
)
from orchestration.services.runs.find import find_record
from orchestration.services.runs.listing import RunSummary, summary_of
from orchestration.services.runs.recorded import recorded_of
from orchestration.services.runs.states import Action, RunState, actions_in
from orchestration.services.runs.steps import step_name
from resources.kernel.keys import Key, noun_of_key

LOG_LINES = 50
StepState = Literal["waiting", "running", "retrying", "done", "failed", "skipped", "not reached"]
_STEP_STATES: Mapping[Kind, StepState] = {
    "step started": "running",
    "step done": "done",
    "step failed": "failed",
    "step skipped": "skipped",
    "step tried again": "retrying",
}
_TOLD = {
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_SKIPPED,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.ENGINE_EVENT,
}


@dataclass(frozen=True)
class StepProgress:
    """A step of a run."""

    name: str
    """As people know it: `exports/orders: deliver`."""
    key: str
    """As Dagster calls it."""
    state: StepState
    started_at: datetime | None = None
    seconds: float | None = None
    rows: int | None = None
    """Of what it made, where that is a table."""
    error: str = ""


@dataclass(frozen=True)
class MadeAsset:
    """What a run made."""

    key: Key
    noun: str
    """`dataset`, `exporter`, ...; empty for what Waybill knows nothing of."""
    name: str
    rows: int | None
    version: int | None


@dataclass(frozen=True)
class RunDetail:
    """A run."""

    summary: RunSummary
    steps: tuple[StepProgress, ...]
    """Each after those that it needs."""
    done: int
    """How many of them are."""
    error: str
    """What went wrong, in words; empty while nothing has."""
    problem: str
    """What kind of error it was, as problems of the API are named; empty where steps failed for several."""
    made: tuple[MadeAsset, ...]
    log: tuple[RunNews, ...]
    """The end of it, oldest first."""
    cursor: int
    """Number of the last event that is told here: where to follow the run from."""
    actions: tuple[Action, ...]
    """What may be asked of it now."""
    retried_as: str
    """The run that repeats it."""
    will_retry: bool
    """Whether it is tried again by itself."""
    config: Mapping[str, object]
    """What it was told."""
    tags: Mapping[str, str]
    """Without Dagster's own."""


def show_run(instance: dg.DagsterInstance, run_id: str, *, location: str = "") -> RunDetail:
    """A run, with its steps, its errors in words, what it made and the end of its log.

    Args:
        instance: where it is recorded.
        run_id: the whole id.
        location: the code location that it has to belong to; any when empty.

    Raises:
        NotFoundError: there is no such run.
    """
    record = find_record(instance, run_id, location=location)
    run, summary = record.dagster_run, summary_of(recorded_of(record))
    events = _told_events(instance, run_id)
    steps = _steps(instance, run, summary.state, events)
    log = last_events(instance, run_id, limit=LOG_LINES)
    retry = retry_of(instance, run)
    return RunDetail(
        summary=summary,
        steps=steps,
        done=sum(step.state == "done" for step in steps),
        error=_error(summary.state, steps, events),
        problem=_problem(events) if summary.state == RunState.FAILED else "",
        made=tuple(_made(events)),
        log=tuple(map(to_news, log)),
        cursor=max((event.number for event in log), default=0),
        actions=tuple(actions_in(summary.state)),
        retried_as=retry,
        will_retry=is_tried_again(run) and not retry,
        config=run.run_config or {},
        tags={k: v for k, v in sorted(run.tags.items()) if not k.startswith((".", "dagster/"))},
    )


def retry_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """The newest run that repeats a run; empty when there is none."""
    repeated = dg.RunsFilter(tags={PARENT_RUN_ID_TAG: run.run_id})
    found = instance.get_runs(repeated, limit=1) if run.is_finished else []
    return found[0].run_id if found else run.tags.get(AUTO_RETRY_RUN_ID_TAG, "")


def is_tried_again(run: dg.DagsterRun) -> bool:
    """Whether Dagster has decided to repeat a run that failed."""
    is_failed = run.status == dg.DagsterRunStatus.FAILURE
    return is_failed and run.tags.get(WILL_RETRY_TAG) == "true"


def _told_events(instance: dg.DagsterInstance, run_id: str) -> list[RunEvent]:
    page = instance.get_records_for_run(run_id, of_type=_TOLD)
    return [event for event in map(to_event, page.records) if event]


def _steps(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    state: RunState,
    events: Iterable[RunEvent],
) -> tuple[StepProgress, ...]:
    waits: StepState = "not reached" if state.has_ended else "waiting"
    found = {key: StepProgress(step_name(key), key, waits) for key in _planned(instance, run)}
    for event in events:
        if event.step:
            known = found.get(event.step) or StepProgress(step_name(event.step), event.step, waits)
            found[event.step] = _advanced(known, event)
    if state.has_ended:  # killed in the middle: how the step ended was not recorded
        found = {key: _ended(step) for key, step in found.items()}
    return tuple(found.values())


def _planned(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    if run.execution_plan_snapshot_id is None:
        return list(run.step_keys_to_execute or ())
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    wanted = set(plan.step_keys_to_execute)
    before = {
        step.key: {
            handle.step_key
            for given in step.inputs
            for handle in given.upstream_output_handles
            if handle.step_key in wanted
        }
        for step in sorted(plan.steps, key=lambda step: step.key)
        if step.key in wanted
    }
    return list(TopologicalSorter(before).static_order())


def _advanced(step: StepProgress, event: RunEvent) -> StepProgress:
    if event.made is not None:
        return replace(step, rows=event.made.rows)
    state = _STEP_STATES.get(event.kind)
    if state is None:
        return step
    started = event.at if state == "running" else step.started_at
    error = event.text if state in ("failed", "retrying") else ""
    return replace(step, state=state, started_at=started, seconds=event.seconds, error=error)


def _ended(step: StepProgress) -> StepProgress:
    if step.state not in ("running", "retrying"):
        return step
    return replace(step, state="failed", error=step.error or "it did not come to its end")


def _error(state: RunState, steps: Iterable[StepProgress], events: Iterable[RunEvent]) -> str:
    if state != RunState.FAILED:
        return ""
    of_steps = [f"{step.name}: {step.error}" for step in steps if step.state == "failed"]
    if of_steps:
        return "; ".join(of_steps)
    # What kept it from its first step; its failure says only that something did.
    kinds: tuple[Kind, ...] = ("problem", "failed")
    texts = [e.text for kind in kinds for e in events if e.kind == kind and e.text]
    return texts[-1 if not any(e.kind == "problem" for e in events) else 0] if texts else ""


def _problem(events: Iterable[RunEvent]) -> str:
    names = {event.problem for event in events if event.kind == "step failed"}
    return names.pop() if len(names) == 1 else ""


def _made(events: Iterable[RunEvent]) -> Iterable[MadeAsset]:
    for event in events:
        if event.made is not None:
            key = event.made.key
            noun, name = noun_of_key(key), "/".join(key[1:] or key)
            yield MadeAsset(key, noun, name, event.made.rows, event.made.version)
