"""Looking whether a data source changed: asked for now, and what was seen before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from orchestration.location import Location
from orchestration.services.dataset_staleness import LastLook
from orchestration.services.home import Home
from orchestration.services.paging import LIMIT, check_limit, decode_cursor, encode_cursor
from orchestration.services.runs.failures import error_text
from orchestration.services.runs.launch import PlannedRun, run_to_end
from orchestration.services.runs.listing import actor_of
from orchestration.services.runs.recorded import RecordedRun, read_runs
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.watch import RunOutcome, StepNews
from resources.kernel.errors import InputError
from resources.kernel.keys import Key, asset_key

OBSERVE_TAG = "waybill/observe"
_VERSION = "dagster/data_version"
_SHOWN_FACTS = 300
_NEWS_AT_ONCE = 1_000


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
    """What was seen of a data source, newest first."""

    items: tuple[Observation, ...]
    next: str | None
    """Cursor of the page after it; None at the end."""
    failure: FailedLook | None = None
    """The last look, if it failed; on the first page only."""
    name: str = ""


def start_observation(
    home: Home, location: Location, instance: dg.DagsterInstance, name: str, asked: Asked
) -> str:
    """Has the server look at a data source; the run's id.

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
    plan = PlannedRun(location.asset_job(), [_asset(location, name)], {OBSERVE_TAG: name})
    return run_to_end(home, instance, plan, asked, tell)


def list_observations(
    instance: dg.DagsterInstance, name: str, *, cursor: str | None = None, limit: int = LIMIT
) -> Observations:
    """What was seen of a data source, newest first.

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
    """When each data source was looked at last, of those that ever were. Dagster's records of assets do not tell."""
    newest = {name: _newest(instance, _key(name)) for name in names}
    return {
        name: datetime.fromtimestamp(record.timestamp, UTC)
        for name, record in newest.items()
        if record is not None
    }


def _newest(instance: dg.DagsterInstance, key: Key) -> dg.EventLogRecord | None:
    return next(iter(instance.fetch_observations(dg.AssetKey(key), limit=1).records), None)


class InstanceLooks:
    """What data sources held when they were looked at last, as Dagster tells it, for whoever asks often.

    Each is asked for once; after that only what is new.

    Args:
        instance: where looks are recorded.
    """

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._seen: dict[Key, LastLook] = {}
        self._looked_up: set[Key] = set()
        self._last: int | None = None

    def look(self, sources: Sequence[Key]) -> dict[Key, LastLook]:
        """The last look at each of the sources that was looked at."""
        news = self._news()  # first: what comes meanwhile is news again
        for record in news:
            self._take(record)
        for key in [key for key in sources if key not in self._looked_up]:
            self._take(_newest(self._instance, key))
            self._looked_up.add(key)
        return {key: self._seen[key] for key in sources if key in self._seen}

    def _news(self) -> list[dg.EventLogRecord]:
        storage = self._instance.event_log_storage
        wanted = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_OBSERVATION)
        if self._last is None:
            found = storage.get_event_records(wanted, limit=1)
            self._last = found[0].storage_id if found else 0
            return []
        news: list[dg.EventLogRecord] = []
        while True:
            after = dg.EventRecordsFilter(
                dg.DagsterEventType.ASSET_OBSERVATION, after_cursor=self._last
            )
            found = storage.get_event_records(after, limit=_NEWS_AT_ONCE, ascending=True)
            news += found
            self._last = found[-1].storage_id if found else self._last
            if len(found) < _NEWS_AT_ONCE:
                return news

    def _take(self, record: dg.EventLogRecord | None) -> None:
        version = _version(record) if record is not None else ""
        observed = record.asset_observation if record is not None else None
        if record is not None and observed is not None and version:
            at = datetime.fromtimestamp(record.timestamp, UTC)
            self._seen[tuple(observed.asset_key.path)] = LastLook(version, at)


def _asset(location: Location, name: str) -> dg.AssetKey:
    location.datasource(name)
    return dg.AssetKey(_key(name))


def _key(name: str) -> Key:
    return asset_key("datasources", name)


def _version(record: dg.EventLogRecord) -> str:
    observation = record.asset_observation
    return observation.tags.get(_VERSION, "") if observation else ""


def _observation(
    record: dg.EventLogRecord, versions: list[str], runs: Mapping[str, RecordedRun]
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


def _runs(instance: dg.DagsterInstance, ids: set[str]) -> dict[str, RecordedRun]:
    found = read_runs(instance, dg.RunsFilter(run_ids=list(ids))) if ids else []
    return {run.run_id: run for run in found}


def _failure(instance: dg.DagsterInstance, name: str) -> FailedLook | None:
    """The last look that failed: one that was asked for here, or one of the data source's schedule."""
    failed = [dg.DagsterRunStatus.FAILURE]
    asked = dg.RunsFilter(tags={OBSERVE_TAG: name}, statuses=failed)
    ticks = dg.RunsFilter(job_name=f"observe_{name}", statuses=failed)
    found = [run for wanted in (asked, ticks) for run in read_runs(instance, wanted, limit=1)]
    if not found:
        return None
    run = max(found, key=lambda run: run.created_at)
    texts = [
        error_text(entry.dagster_event)
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        if entry.dagster_event is not None
    ]
    return FailedLook(
        at=run.created_at,
        run_id=run.run_id,
        error=texts[0] if texts else "the run failed before it looked",
        asked_by=actor_of(run.tags),
    )


def _number(cursor: str) -> int:
    place = decode_cursor(cursor)
    if len(place) != 1 or not isinstance(place[0], int):
        raise InputError(f"{cursor[:60]!r} is no cursor of this list")
    return place[0]
