"""Assets with `refresh: on_change` that Dagster's automation has missed: made from another version of an input than the newest.

**What holds.** An asset whose last run succeeded, and was given an older version of an input than the one that is there now,
is asked for once for each such version. So no change is lost for longer than until this sensor's next look.

**Why automation misses some.** At each tick it compares what changed since the tick before, and what was made since then counts
as up to date: `data_version_changed` has no time that could be compared. A change that comes while a run makes the asset,
or in the same tick after it, is forgotten when that run ends. Conditions that compare versions would have to be
our own, and Dagster takes at most 500 assets with such.

**Why this is exact.** Dagster records with each materialization which version of each input it was given. That version was read
at the start of the step, so what came later differs from it; what differs in no input needs no run.

**What is left to others.** A change younger than `GRACE_SECONDS` is still automation's. An asset whose last run failed, or has
not ended, is left alone: the failure was told, and automation remembers what changes during a run that fails. Assets and inputs
with partitions are not looked at: each partition has versions of its own, which cost a query each.

**Time.** A look reads the events since the one before, and compares only what they touch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import dagster as dg

from assets.refresh import ON_CHANGE, refresh_of

GRACE_SECONDS = 60
"""How long automation has for a change: its ticks come every 15 s."""

_VERSION = "dagster/data_version"
_INPUT_VERSION = "dagster/input_data_version/"


@dataclass(frozen=True)
class Candidate:
    """An asset that is made on change, and what it is made from."""

    key: dg.AssetKey
    inputs: tuple[dg.AssetKey, ...]


@dataclass(frozen=True)
class MissedChange:
    """An asset that was made from older versions than there are.

    Attributes:
        key: the asset.
        versions: of those inputs, the version that is there now.
    """

    key: dg.AssetKey
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Missed:
    """What one look found.

    Attributes:
        changes: what to ask for now.
        waiting: how many more there are that are automation's for a while.
        looked_at: events up to this one need no second look; None when that holds for all.
    """

    changes: tuple[MissedChange, ...]
    waiting: int = 0
    looked_at: int | None = None

    @property
    def run_key(self) -> str:
        """The same for the same assets and versions: Dagster makes one run of it."""
        named = [[change.key.to_user_string(), change.versions] for change in self.changes]
        return blake2b(json.dumps(named).encode(), digest_size=16).hexdigest()


def find_candidates(graph: Any) -> tuple[Candidate, ...]:
    """Assets without partitions that are made on change.

    Args:
        graph: the assets of a code location, as Dagster's sensors get them.
    """
    return tuple(_candidates(graph))


def _candidates(graph: Any) -> Iterator[Candidate]:
    for key in sorted(graph.materializable_asset_keys):
        node = graph.get(key)
        if node.is_partitioned or refresh_of(node.automation_condition, is_declared=False) != (
            ON_CHANGE
        ):
            continue
        inputs = [
            parent
            for parent in sorted(node.parent_keys)
            if graph.has(parent) and not graph.get(parent).is_partitioned
        ]
        yield Candidate(key, tuple(inputs))


def find_missed_changes(
    candidates: Sequence[Candidate], instance: dg.DagsterInstance, *, after: int, now: float
) -> Missed:
    """Compares what candidates were made from with what is there, where anything has happened to them or their inputs.

    Args:
        candidates: the assets.
        instance: where Dagster recorded what they were made from.
        after: events up to this one were looked at before.
        now: seconds since 1970.
    """
    events = _Events(instance, after)
    touched = [c for c in candidates if events.recent.keys() & {c.key, *c.inputs}]
    made = events.last_made([candidate.key for candidate in touched])
    changes: list[MissedChange] = []
    waiting: list[int] = []
    for candidate in touched:
        own = made.get(candidate.key)
        newer = _newer_inputs(candidate, own, events) if own else []
        if own is None or not newer:
            continue
        last = max((own, *newer), key=lambda seen: seen.number)
        if last.at > now - GRACE_SECONDS:
            waiting.append(last.number)
            continue
        versions = tuple((seen.key.to_user_string(), seen.version) for seen in newer)
        changes.append(MissedChange(candidate.key, versions))
    return Missed(tuple(changes), len(waiting), min(waiting) - 1 if waiting else None)


@dataclass(frozen=True)
class _Seen:
    """An event that tells an asset's version."""

    number: int
    key: dg.AssetKey
    version: str
    at: float
    tags: Mapping[str, str]


def _newer_inputs(candidate: Candidate, made: _Seen, events: _Events) -> list[_Seen]:
    found = []
    for key in candidate.inputs:
        given = made.tags.get(f"{_INPUT_VERSION}{key.to_user_string()}")
        newest = events.newest(key) if given else None
        if newest is not None and newest.version != given:
            found.append(newest)
    return found


class _Events:
    """What Dagster recorded of assets: what came lately in two queries, what is older when it is asked for."""

    def __init__(self, instance: dg.DagsterInstance, after: int) -> None:
        self._instance = instance
        self._older: dict[dg.AssetKey, _Seen | None] = {}
        kinds = (dg.DagsterEventType.ASSET_OBSERVATION, dg.DagsterEventType.ASSET_MATERIALIZATION)
        self.recent = {
            seen.key: seen
            for kind in kinds
            for record in instance.event_log_storage.get_event_records(
                dg.EventRecordsFilter(kind, after_cursor=after), ascending=True
            )
            if (seen := _seen(record)) is not None
        }

    def last_made(self, keys: list[dg.AssetKey]) -> dict[dg.AssetKey, _Seen]:
        """The last materialization of each asset that no run has tried to make since."""
        found = {}
        for record in self._instance.get_asset_records(keys) if keys else ():
            last = record.asset_entry.last_materialization_record
            seen = _seen(last) if last else None
            if last and seen and last.run_id == record.asset_entry.last_run_id:
                found[seen.key] = seen
        return found

    def newest(self, key: dg.AssetKey) -> _Seen | None:
        """What was made or observed last."""
        if key in self.recent:
            return self.recent[key]
        if key not in self._older:
            made = self._instance.fetch_materializations(key, limit=1).records
            looked = () if made else self._instance.fetch_observations(key, limit=1).records
            self._older[key] = next(filter(None, map(_seen, [*made, *looked])), None)
        return self._older[key]


def _seen(record: dg.EventLogRecord) -> _Seen | None:
    event = record.asset_materialization or record.asset_observation
    tags = (event.tags if event else None) or {}
    version = tags.get(_VERSION)
    if event is None or version is None:
        return None
    return _Seen(record.storage_id, event.asset_key, version, record.timestamp, tags)
