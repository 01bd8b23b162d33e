"""Datasets of a loaded project: which there are.

The store says what is kept, Dagster's instance says what was tried last; `dataset_detail.py` shows one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.location import Location
from orchestration.services.dataset_entries import dataset_entries
from orchestration.services.dataset_list import (
    FAILED,
    READY,
    DatasetEntry,
    DatasetSummary,
    DatasetTitle,
    Tried,
    state_of_run,
)
from orchestration.services.dataset_staleness import summarize
from orchestration.services.failure_text import step_of
from orchestration.services.observations import InstanceLooks
from orchestration.services.recorded_observations import sources_of
from orchestration.services.runs.failures import error_text
from resources.kernel.keys import Key

_FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}


def list_datasets(
    location: Location,
    instance: dg.DagsterInstance,
    titles: Mapping[Key, DatasetTitle] | None = None,
) -> list[DatasetSummary]:
    """Every dataset that something makes, in order of name.

    Raises:
        ConnectorError: the store does not answer.
    """
    entries = dataset_entries(location)
    tried = instance_states(instance, entries)  # first: what it saw made is in the store then
    seen = InstanceLooks(instance).look(sources_of(entries))
    return summarize(entries, tried, location.store(), titles or {}, seen)


def instance_states(
    instance: dg.DagsterInstance, entries: Sequence[DatasetEntry]
) -> dict[Key, Tried]:
    """What became of the last try to make each dataset; nothing for those never tried."""
    records = instance.get_asset_records([dg.AssetKey(entry.key) for entry in entries])
    assets = [record.asset_entry for record in records]
    wanted = [a.last_run_id for a in assets if a.last_run_id and not _is_of(a, a.last_run_id)]
    runs = _runs(instance, sorted(set(wanted)))
    found = {tuple(a.asset_key.path): _tried(instance, a, runs) for a in assets}
    return {key: tried for key, tried in found.items() if tried is not None}


def _is_of(asset: Any, run_id: str) -> bool:
    made = asset.last_materialization
    return made is not None and made.run_id == run_id


def _runs(instance: dg.DagsterInstance, run_ids: list[str]) -> dict[str, tuple[str, datetime]]:
    if not run_ids:
        return {}
    records = instance.get_run_records(dg.RunsFilter(run_ids=run_ids))
    return {
        record.dagster_run.run_id: (
            record.dagster_run.status.value,
            aware(record.update_timestamp),
        )
        for record in records
    }


def aware(moment: datetime) -> datetime:
    """A moment of Dagster's records: UTC, where it does not say so itself."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _tried(
    instance: dg.DagsterInstance, asset: Any, runs: Mapping[str, tuple[str, datetime]]
) -> Tried | None:
    last, run_id = asset.last_materialization, asset.last_run_id
    made = Tried(READY, last.run_id, datetime.fromtimestamp(last.timestamp, UTC)) if last else None
    if run_id not in runs:
        return made
    status, at = runs[run_id]
    state = state_of_run(status, was_made=made is not None)
    error = failure_of(instance, run_id, tuple(asset.asset_key.path)) if state == FAILED else ""
    return Tried(state, run_id, at, error)


def failure_of(instance: dg.DagsterInstance, run_id: str, key: Key) -> str:
    """Why a run did not make an asset, in one line; empty when its events tell nothing."""
    records = instance.get_records_for_run(run_id, of_type=_FAILURES).records
    events = [e for r in records if (e := r.event_log_entry.dagster_event) is not None]
    failed = [e for e in events if e.event_type == dg.DagsterEventType.STEP_FAILURE]
    own = next((e for e in failed if e.step_key == step_of(key)), None)
    if own is not None:
        return error_text(own)
    if failed:
        return f"{str(failed[0].step_key).replace('__', '/')}: {error_text(failed[0])}"
    return error_text(events[-1]) if events else ""
