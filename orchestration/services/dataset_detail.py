"""One dataset as its page shows it: from what is declared, kept and recorded. Needs no loaded project and reads no row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.services.dataset_list import (
    DatasetEntry,
    DatasetSummary,
    DatasetTitle,
    Tried,
    read_newest,
    shown,
    state_of_run,
    summary_of,
)
from orchestration.services.datasets import aware, failure_of
from resources.kernel.records import StoredVersion
from resources.profiles.kept import read_column_facts
from resources.stores.partitions import stored_partitions
from resources.stores.versions import VersionStore

RUNS = 15
"""Runs that are shown unless more are asked for."""


@dataclass(frozen=True)
class DatasetColumn:
    """A column of the newest version."""

    name: str
    type: str
    """Arrow's name of its type."""
    description: str = ""
    made_from: str = ""
    """Columns that it is made from, where that is known: `flights.hour, flights.minute`."""
    missing: int | None = None
    """This and what follows is of the version's profile, where it has one."""
    distinct: int | None = None
    lowest: str | None = None
    highest: str | None = None
    mean: float | None = None
    warnings: str = ""
    """Codes, separated by commas; `docs/profiles.md` explains them."""


@dataclass(frozen=True)
class RunOfDataset:
    """A run that made the dataset or tried to."""

    run_id: str
    state: str
    """`queued`, `running`, `ready` (it made a version), `failed`, `stopped`, or `pending` (it ended without making it)."""
    job: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: str
    """Why it failed, in one line."""
    path: str
    """Of its page in Dagster."""


@dataclass(frozen=True)
class DatasetDetail:
    """All that is known of a dataset."""

    summary: DatasetSummary
    description: str
    """In Markdown: what people wrote for the list, else what the declaration says."""
    owners: tuple[str, ...]
    kinds: tuple[str, ...]
    group: str
    made_from: tuple[str, ...]
    """Upstream assets, as `noun/name`."""
    used_by: tuple[str, ...]
    refresh: str
    jobs: tuple[str, ...]
    """Pipelines that make it."""
    is_declared: bool
    columns: tuple[DatasetColumn, ...]
    run_id: str | None
    """The run that made the newest version."""
    properties: Mapping[str, Any]
    """What the newest version's manifest records: source, fingerprint, guesses ..."""
    store: str
    path: str
    """Of its asset's page in Dagster."""


def show_dataset(
    entry: DatasetEntry,
    store: VersionStore,
    tried: Tried | None,
    title: DatasetTitle | None = None,
) -> DatasetDetail:
    """A dataset with its columns, its place in lineage and its record.

    Args:
        entry: what is declared of it.
        store: where it is kept.
        tried: what became of the last try to make it, asked before: what that saw made is in the store now.
        title: what people call it.

    Raises:
        ConnectorError: the store does not answer.
    """
    kept = read_newest(store, entry.key)
    latest = kept if isinstance(kept, StoredVersion) else None
    return DatasetDetail(
        summary=summary_of(entry, shown(kept), tried, title),
        description=(title.description if title else "") or entry.description,
        owners=entry.owners,
        kinds=entry.kinds,
        group=entry.group,
        made_from=entry.made_from,
        used_by=entry.used_by,
        refresh=entry.refresh,
        jobs=entry.jobs,
        is_declared=entry.is_declared,
        columns=columns_of(entry, latest),
        run_id=latest.run_id if latest else None,
        properties=_properties(latest),
        store=store.url,
        path=asset_path(entry),
    )


def asset_path(entry: DatasetEntry) -> str:
    """Where Dagster's web UI shows the asset."""
    return "/assets/" + "/".join(entry.key)


def columns_of(entry: DatasetEntry, version: StoredVersion | None) -> tuple[DatasetColumn, ...]:
    """The columns of a version, with what is declared and recorded of them."""
    if version is None:
        return ()
    lineage: Mapping[str, Any] = version.properties.get("lineage", {})  # type: ignore[assignment]  # JSON
    meanings = dict(entry.columns)
    return tuple(
        DatasetColumn(
            name,
            kind,
            meanings.get(name, ""),
            ", ".join(".".join(origin[-2:]) for origin in lineage.get(name, ())),
        )
        for name, kind in version.schema
    )


def list_columns(
    entry: DatasetEntry, store: VersionStore, *, version: int | None = None
) -> tuple[DatasetColumn, ...]:
    """The columns of a version, the newest unless a number is given, with the facts of its profile if it has one.

    Raises:
        NotFoundError: there is none; `GoneError` when it has been removed.
        IntegrityError: its manifest is damaged.
    """
    item = store.item(entry.key)
    if version is None:
        return item.read_latest(lambda found: _profiled_columns(entry, store, found))
    return _profiled_columns(entry, store, item.version(version))


def _profiled_columns(
    entry: DatasetEntry, store: VersionStore, version: StoredVersion
) -> tuple[DatasetColumn, ...]:
    facts = read_column_facts(store, entry.key, version.number)
    plain = columns_of(entry, version)
    return tuple(replace(column, **facts.get(column.name, {})) for column in plain)


def list_runs(
    entry: DatasetEntry, instance: dg.DagsterInstance, *, limit: int = RUNS
) -> list[RunOfDataset]:
    """The last runs that made the dataset or were to make it, newest first."""
    key = dg.AssetKey(entry.key)
    planned = instance.event_log_storage.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=key),
        limit=limit,
    )
    run_ids = list(dict.fromkeys(record.run_id for record in planned))
    if not run_ids:
        return []
    made = {
        record.run_id for record in instance.fetch_materializations(key, limit=4 * limit).records
    }
    records = instance.get_run_records(dg.RunsFilter(run_ids=run_ids), limit=limit)
    return [
        _run(entry, instance, record, was_made=record.dagster_run.run_id in made)
        for record in records
    ]


def _run(
    entry: DatasetEntry, instance: dg.DagsterInstance, record: dg.RunRecord, *, was_made: bool
) -> RunOfDataset:
    run = record.dagster_run
    is_failed = run.status == dg.DagsterRunStatus.FAILURE
    return run_of_dataset(
        run.run_id,
        run.status.value,
        run.job_name,
        (aware(record.create_timestamp), moment_of(record.start_time), moment_of(record.end_time)),
        failure_of(instance, run.run_id, entry.key) if is_failed else "",
        was_made=was_made,
    )


def run_of_dataset(
    run_id: str,
    status: str,
    job: str,
    times: tuple[datetime, datetime | None, datetime | None],
    error: str,
    *,
    was_made: bool,
) -> RunOfDataset:
    """A run as its record has it.

    Args:
        run_id: its id.
        status: as Dagster calls it.
        job: as Dagster calls it.
        times: when it was made, started and ended.
        error: why it failed.
        was_made: whether it made the dataset.
    """
    created_at, started_at, ended_at = times
    return RunOfDataset(
        run_id=run_id,
        state=state_of_run(status, was_made=was_made),
        job="" if job.startswith("__") else job,
        created_at=created_at,
        started_at=started_at,
        ended_at=ended_at,
        error=error,
        path=f"/runs/{run_id}",
    )


def moment_of(seconds: float | None) -> datetime | None:
    """A time of a run, as Dagster has it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _properties(version: StoredVersion | None) -> Mapping[str, Any]:
    """What the manifest records, but for the lineage of columns, which they show themselves."""
    if version is None:
        return {}
    found = {name: value for name, value in version.properties.items() if name != "lineage"}
    if version.partitioned_by is None:
        return found
    # What its run recorded are the partitions that it made; all others are in the version as well.
    return {**found, "partitions": stored_partitions(version)}
