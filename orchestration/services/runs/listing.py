"""The list of runs, newest first, a page at a time: asked of Dagster's own indexes, never loaded whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.tags import (
    PARENT_RUN_ID_TAG,
    SCHEDULE_NAME_TAG,
    SENSOR_NAME_TAG,
)

from orchestration.classifications.jobs import SET_TAG
from orchestration.services.paging import LIMIT, Page, check_limit, decode_cursor, encode_cursor
from orchestration.services.runs.recorded import RecordedRun, read_runs
from orchestration.services.runs.start import ACTOR_TAG
from orchestration.services.runs.states import RunState, state_of, statuses_of
from resources.kernel.errors import ConfigError, InputError
from resources.kernel.keys import noun_of_key

SHOWN_TARGETS = 20
ASSET_JOB = "__ASSET_JOB"
_BY_ITSELF: Mapping[str, str] = {"schedule": SCHEDULE_NAME_TAG, "sensor": SENSOR_NAME_TAG}
_SCANNED_PAGES = 10
_LATEST_EVENT = 2**62
_RUNS = RunsTable.c


@dataclass(frozen=True)
class RunSummary:
    """One line of the list."""

    run_id: str
    state: RunState
    title: str
    """What it works on: `pipeline nightly`, `dataset orders`."""
    pipeline: str
    """Its job; empty of a run that makes assets by themselves."""
    targets: tuple[str, ...]
    """Keys of the assets that were asked for, the first of them; empty: all of the job."""
    target_count: int
    actor: str
    """Who asked: a user, `schedule NAME`, `sensor NAME`; empty: started in Dagster's UI."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    parent: str
    """The run that it repeats."""
    location: str

    @property
    def duration(self) -> timedelta | None:
        """How long it has taken, once it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at


@dataclass(frozen=True)
class RunFilter:
    """Which runs; empty: any.

    Args:
        states: in one of these.
        pipeline: of this job.
        asset: that make or observe this asset, `datasets/orders`.
        actor: of this user, `schedule NAME` or `sensor NAME`.
        since: made then or later.
        until: made before.
        location: of this code location.
    """

    states: tuple[RunState, ...] = ()
    pipeline: str = ""
    asset: str = ""
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None
    location: str = ""

    def to_dagster(self, run_ids: Sequence[str] | None = None) -> dg.RunsFilter:
        """As Dagster's storage takes it; without the asset, and the location, by which it would look long."""
        return dg.RunsFilter(
            run_ids=list(run_ids) if run_ids is not None else None,
            job_name=self.pipeline or None,
            statuses=statuses_of(self.states),
            tags=self._tags(),
            created_after=_utc(self.since) - timedelta(microseconds=1) if self.since else None,
            created_before=_utc(self.until) if self.until else None,
        )

    def _tags(self) -> dict[str, str | Sequence[str]]:
        tags: dict[str, str | Sequence[str]] = {}
        if self.actor:
            kind, _, name = self.actor.partition(" ")
            tag = _BY_ITSELF.get(kind)
            tags |= {tag: name} if tag and name else {ACTOR_TAG: self.actor}
        return tags


def list_runs(
    instance: dg.DagsterInstance,
    wanted: RunFilter,
    *,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[RunSummary]:
    """Runs behind `cursor`, newest first.

    Args:
        instance: where they are recorded.
        wanted: which.
        cursor: that of the page before.
        limit: most runs.

    Raises:
        InputError: a limit or a cursor that is none.
    """
    check_limit(limit)
    place = decode_cursor(cursor)[0] if cursor else None
    look = _runs_of_asset if wanted.asset else _newest_runs
    return _first_of(look(instance, wanted, place, limit + 1), wanted, limit)


def last_runs(
    instance: dg.DagsterInstance, pipelines: Collection[str], location: str
) -> dict[str, RunSummary]:
    """The newest run of each of these pipelines that ever ran: two queries, however many they are."""
    newest = _newest_of_each(instance, pipelines)
    found = {run.job: summary_of(run) for run in newest.values() if location in ("", run.location)}
    for name in set(newest) - set(found):  # another code location has one of this name
        page = list_runs(instance, RunFilter(pipeline=name, location=location), limit=1)
        found.update({run.pipeline: run for run in page.items})
    return found


def _newest_of_each(
    instance: dg.DagsterInstance, pipelines: Collection[str]
) -> dict[str, RecordedRun]:
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        raise ConfigError(
            f"Dagster keeps its runs in {type(storage).__name__}, where they cannot be listed",
            hint="Keep them in SQLite or PostgreSQL",
        )
    newest = sa.select(sa.func.max(_RUNS.id)).where(_RUNS.pipeline_name.in_(pipelines))
    ids = sa.select(_RUNS.run_id).where(_RUNS.id.in_(newest.group_by(_RUNS.pipeline_name)))
    with storage.connect() as connection:
        run_ids = [row.run_id for row in connection.execute(ids)]
    runs = read_runs(instance, dg.RunsFilter(run_ids=run_ids)) if run_ids else []
    return {run.job: run for run in runs}


_Placed = tuple[object, RecordedRun]
"""A run, and what a cursor says of where it stands."""


def _first_of(runs: Iterator[_Placed], wanted: RunFilter, limit: int) -> Page[RunSummary]:
    found: dict[str, RunSummary] = {}
    last: object = None
    for number, (place, run) in enumerate(runs):
        if wanted.location in ("", run.location) and run.run_id not in found:
            if len(found) == limit:
                return Page(tuple(found.values()), encode_cursor([last]))
            found[run.run_id], last = summary_of(run), place
        if number >= _SCANNED_PAGES * limit:
            return Page(tuple(found.values()), encode_cursor([place]))
    return Page(tuple(found.values()), None)


def _newest_runs(
    instance: dg.DagsterInstance, wanted: RunFilter, place: object, size: int
) -> Iterator[_Placed]:
    if place is not None and not (isinstance(place, str) and instance.has_run(place)):
        raise _unknown(place)
    while True:
        runs = read_runs(instance, wanted.to_dagster(), limit=size, cursor=place)
        for run in runs:
            place = run.run_id
            yield place, run
        if len(runs) < size:
            return


def _runs_of_asset(
    instance: dg.DagsterInstance, wanted: RunFilter, place: object, size: int
) -> Iterator[_Placed]:
    """By the events of the asset: each run writes down what it is going to make before it makes anything."""
    before = _LATEST_EVENT if place is None else place
    while True:
        if not isinstance(before, int):
            raise _unknown(before)
        events = _asset_events(instance, wanted.asset, before, size)
        ids = list(dict.fromkeys(event.run_id for event in events))
        found = read_runs(instance, wanted.to_dagster(ids)) if ids else []
        kept = {run.run_id: run for run in found}
        for event in events:
            before = event.storage_id
            if event.run_id in kept:
                yield before, kept[event.run_id]
        if len(events) < size:
            return


def _asset_events(
    instance: dg.DagsterInstance, asset: str, before: int, limit: int
) -> Sequence[dg.EventLogRecord]:
    key = dg.AssetKey.from_user_string(asset)
    is_source = noun_of_key(tuple(key.path)) == "datasource"
    kind = (
        dg.DagsterEventType.ASSET_OBSERVATION
        if is_source
        else dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    )
    wanted = dg.EventRecordsFilter(kind, asset_key=key, before_cursor=before)
    return instance.event_log_storage.get_event_records(wanted, limit=limit)


def summary_of(run: RecordedRun) -> RunSummary:
    """A run as a line of the list."""
    return RunSummary(
        run_id=run.run_id,
        state=state_of(run.status),
        title=title_of(run),
        pipeline="" if run.job.startswith(ASSET_JOB) else run.job,
        targets=run.targets[:SHOWN_TARGETS],
        target_count=len(run.targets),
        actor=actor_of(run.tags),
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        parent=run.tags.get(PARENT_RUN_ID_TAG, ""),
        location=run.location,
    )


def title_of(run: RecordedRun) -> str:
    """What a run works on, in words."""
    keys = run.targets
    if name := run.tags.get(SET_TAG):
        return f"classification set {name}"
    if not run.job.startswith(ASSET_JOB):
        return f"pipeline {run.job}"
    if not keys:
        return "all assets"
    parts = tuple(keys[0].split("/"))
    noun = noun_of_key(parts)
    first = f"{noun} {'/'.join(parts[1:])}" if noun else keys[0]
    return first if len(keys) == 1 else f"{first} and {len(keys) - 1} more"


def actor_of(tags: Mapping[str, str]) -> str:
    """Who asked for a run: a user, a schedule, a sensor; empty: started in Dagster's UI."""
    for kind, tag in _BY_ITSELF.items():
        if tag in tags:
            return f"{kind} {tags[tag]}"
    return tags.get(ACTOR_TAG, "")


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _unknown(place: object) -> InputError:
    return InputError(
        f"{str(place)[:80]!r} is not in this list, so no page begins behind it",
        hint="The run may have been deleted: begin with the first page",
    )
