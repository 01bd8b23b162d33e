"""Looking whether a datasource changed: asked for now, and what was seen before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from orchestration.location import Location
from orchestration.services.home import Home
from orchestration.services.paging import LIMIT, check_limit, decode_cursor, encode_cursor
from orchestration.services.runs.failures import error_text
from orchestration.services.runs.launch import server_runs
from orchestration.services.runs.listing import actor_of
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.watch import RunOutcome, StepNews, run_here, run_there
from resources.kernel.errors import InputError
from resources.kernel.keys import Key, asset_key

OBSERVE_TAG = "waybill/observe"
_VERSION = "dagster/data_version"
_SHOWN_FACTS = 300


@dataclass(frozen=True)
class Observation:
    """What one look saw."""

    at: datetime
    fingerprint: str
    has_changed: bool | None
    """Against the look before; None of the first."""
    facts: Mapping[str, str]
    """Objects, bytes, rows ... as far as the fingerprint tells."""
    run_id: str
    asked_by: str
    """A user, `schedule NAME`, `sensor NAME`; empty: started in Dagster's UI."""


@dataclass(frozen=True)
class FailedLook:
    """A look that could not be taken."""

    at: datetime
    run_id: str
    error: str
    asked_by: str


@dataclass(frozen=True)
class Observations:
    """What was seen of a datasource, newest first."""

    items: tuple[Observation, ...]
    next: str | None
    """Cursor of the page after it; None at the end."""
    failure: FailedLook | None = None
    """The last look, if it failed; on the first page only."""
    name: str = ""


def start_observation(
    home: Home, location: Location, instance: dg.DagsterInstance, name: str, asked: Asked
) -> str:
    """Has the server look at a datasource; the run's id.

    Raises:
        UnknownNameError: it is not declared.
        InputError: the key of `asked` was used for other work.
    """
    assets = [_asset(location, name)]
    return start_run(
        home, instance, location.asset_job(), asked, assets=assets, tags={OBSERVE_TAG: name}
    )


def run_observation(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    tell: Callable[[StepNews], None],
) -> RunOutcome:
    """Looks at a datasource: in the server of the home folder where there is one, else in this process.

    Raises:
        UnknownNameError: it is not declared.
    """
    if server_runs(home):
        return run_there(instance, start_observation(home, location, instance, name, asked), tell)
    tags = {**asked.tags, OBSERVE_TAG: name}
    assets = [_asset(location, name)]
    return run_here(home, instance, location.asset_job(), tell, tags=tags, assets=assets)


def list_observations(
    instance: dg.DagsterInstance, name: str, *, cursor: str | None = None, limit: int = LIMIT
) -> Observations:
    """What was seen of a datasource, newest first.

    Raises:
        InputError: no cursor of this list; a limit out of bounds.
    """
    check_limit(limit)
    key = dg.AssetKey(_key(name))
    before = None if cursor is None else _number(cursor)
    wanted = dg.AssetRecordsFilter(asset_key=key, before_storage_id=before)
    found = instance.fetch_observations(wanted, limit=limit + 1).records
    runs = _runs(instance, {record.run_id for record in found})
    versions = [_version(record) for record in found]
    items = tuple(
        _observation(record, versions[place : place + 2], runs)
        for place, record in enumerate(found[:limit])
    )
    more = encode_cursor([found[limit - 1].storage_id]) if len(found) > limit else None
    failure = _failure(instance, name) if cursor is None else None
    if failure is not None and items and items[0].at > failure.at:
        failure = None
    return Observations(items, more, failure, name)


def last_observations(instance: dg.DagsterInstance, names: list[str]) -> dict[str, datetime]:
    """When each datasource was looked at last, of those that ever were."""
    found = {}
    for name in names:
        for record in instance.fetch_observations(dg.AssetKey(_key(name)), limit=1).records:
            found[name] = datetime.fromtimestamp(record.timestamp, UTC)
    return found


def _asset(location: Location, name: str) -> dg.AssetKey:
    location.datasource(name)
    return dg.AssetKey(_key(name))


def _key(name: str) -> Key:
    return asset_key("datasources", name)


def _version(record: dg.EventLogRecord) -> str:
    observation = record.asset_observation
    return observation.tags.get(_VERSION, "") if observation else ""


def _observation(
    record: dg.EventLogRecord, versions: list[str], runs: Mapping[str, dg.DagsterRun]
) -> Observation:
    seen = record.asset_observation
    metadata = seen.metadata if seen else {}
    facts = {
        name: str(value.value)[:_SHOWN_FACTS]
        for name, value in metadata.items()
        if name not in ("fingerprint", "keys")
    }
    run = runs.get(record.run_id)
    return Observation(
        at=datetime.fromtimestamp(record.timestamp, UTC),
        fingerprint=versions[0],
        has_changed=None if len(versions) < 2 else versions[0] != versions[1],
        facts=facts,
        run_id=record.run_id,
        asked_by=actor_of(run.tags) if run else "",
    )


def _runs(instance: dg.DagsterInstance, ids: set[str]) -> dict[str, dg.DagsterRun]:
    found = instance.get_runs(dg.RunsFilter(run_ids=list(ids))) if ids else []
    return {run.run_id: run for run in found}


def _failure(instance: dg.DagsterInstance, name: str) -> FailedLook | None:
    """The last look that failed: one that was asked for here, or one of the datasource's schedule."""
    failed = [dg.DagsterRunStatus.FAILURE]
    asked = dg.RunsFilter(tags={OBSERVE_TAG: name}, statuses=failed)
    ticks = dg.RunsFilter(job_name=f"observe_{name}", statuses=failed)
    records = [r for wanted in (asked, ticks) for r in instance.get_run_records(wanted, limit=1)]
    if not records:
        return None
    last = max(records, key=lambda record: record.create_timestamp)
    run = last.dagster_run
    texts = [
        error_text(entry.dagster_event)
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        if entry.dagster_event is not None
    ]
    return FailedLook(
        at=last.create_timestamp.astimezone(UTC),
        run_id=run.run_id,
        error=texts[0] if texts else "the run failed before it looked",
        asked_by=actor_of(run.tags),
    )


def _number(cursor: str) -> int:
    place = decode_cursor(cursor)
    if len(place) != 1 or not isinstance(place[0], int):
        raise InputError(f"{cursor[:60]!r} is no cursor of this list")
    return place[0]
