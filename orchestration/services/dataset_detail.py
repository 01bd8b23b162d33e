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
    read_newest,
    shown,
    state_of_run,
    summary_of,
)
from orchestration.services.datasets import aware, failure_of, instance_states
from resources.kernel.errors import NotFoundError
from resources.kernel.records import StoredVersion
from resources.stores.partitions import stored_partitions
from resources.stores.versions import VersionStore

RUNS = 15
"""Runs that are shown unless more are asked for."""
_EXAMPLES = 20


@dataclass(frozen=True)
class DatasetColumn:
    """A column of the newest version."""

    name: str
    type: str
    """Arrow's name of its type."""
    description: str = ""
    made_from: str = ""
    """Columns that it is made from, where that is known: `flights.hour, flights.minute`."""


@dataclass(frozen=True)
class CheckOutcome:
    """A check and its newest result."""

    name: str
    description: str
    blocking: bool
    """Whether bad data stops what depends on the dataset."""
    outcome: str
    """`passed`, `failed`, `failed to run`, `skipped`, `running`, or `never run`."""
    severity: str = ""
    """`error` or `warning`, of a check that failed."""
    reason: str = ""
    """Why it could not be evaluated."""
    at: datetime | None = None
    run_id: str = ""
    version: int | None = None
    """The version that was looked at."""
    observed: str = ""
    """What was found in place of what was expected."""
    examples: tuple[str, ...] = ()
    """Values that fail it, as Dagster recorded them."""
    failing: int | None = None
    """How many values fail it."""


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
class VersionSummary:
    """One version of a dataset."""

    version: int
    created_at: datetime
    rows: int | None
    columns: int
    size_bytes: int
    files: int
    run_id: str


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
    instance: dg.DagsterInstance,
    title: DatasetTitle | None = None,
) -> DatasetDetail:
    """A dataset with its columns, its place in lineage and its record.

    Raises:
        ConnectorError: the store does not answer.
    """
    tried = instance_states(instance, [entry])  # first: what it saw made is in the store then
    kept = read_newest(store, entry.key)
    latest = kept if isinstance(kept, StoredVersion) else None
    return DatasetDetail(
        summary=summary_of(entry, shown(kept), tried.get(entry.key), title),
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
    """The columns of a version, the newest unless a number is given.

    Raises:
        NotFoundError: there is none; `GoneError` when it has been removed.
        IntegrityError: its manifest is damaged.
    """
    item = store.item(entry.key)
    if version is None:
        return item.read_latest(lambda found: columns_of(entry, found))
    return columns_of(entry, item.version(version))


def list_versions(entry: DatasetEntry, store: VersionStore) -> list[VersionSummary]:
    """The versions that are kept, newest first.

    Raises:
        NotFoundError: it has none.
    """
    versions = store.item(entry.key).versions()
    if not versions:
        raise NotFoundError(f"dataset {entry.name!r} has no version yet", hint="Refresh it first")
    return [
        VersionSummary(
            version=version.number,
            created_at=version.created_at,
            rows=version.rows,
            columns=len(version.schema),
            size_bytes=version.size_bytes,
            files=len(version.files),
            run_id=version.run_id,
        )
        for version in reversed(versions)
    ]


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
    state = state_of_run(run.status.value, was_made=was_made)
    is_failed = run.status == dg.DagsterRunStatus.FAILURE
    return RunOfDataset(
        run_id=run.run_id,
        state=state,
        job="" if run.job_name.startswith("__") else run.job_name,
        created_at=aware(record.create_timestamp),
        started_at=_moment(record.start_time),
        ended_at=_moment(record.end_time),
        error=failure_of(instance, run.run_id, entry.key) if is_failed else "",
        path=f"/runs/{run.run_id}",
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def list_checks(entry: DatasetEntry, instance: dg.DagsterInstance) -> list[CheckOutcome]:
    """The checks that the dataset is held to, in the order of the declaration, each with its newest result."""
    keys = [dg.AssetCheckKey(dg.AssetKey(entry.key), check.name) for check in entry.checks]
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys) if keys else {}
    return [
        _check(check.name, check.description, found.get(key), instance, blocking=check.blocking)
        for key, check in zip(keys, entry.checks, strict=True)
    ]


_OUTCOMES = {"SUCCEEDED": "passed", "FAILED": "failed"}


def _outcome(record: Any, instance: dg.DagsterInstance) -> str:
    """A check that is planned is running for as long as its run is."""
    if record.status.value in _OUTCOMES:
        return _OUTCOMES[record.status.value]
    run = instance.get_run_by_id(record.run_id)
    if run is not None and not run.is_finished:
        return "running"
    is_failed = run is not None and run.status == dg.DagsterRunStatus.FAILURE
    return "failed to run" if is_failed else "skipped"


def _check(
    name: str, description: str, record: Any, instance: dg.DagsterInstance, *, blocking: bool
) -> CheckOutcome:
    if record is None:
        return CheckOutcome(name, description, blocking, "never run")
    found = CheckOutcome(
        name,
        description,
        blocking,
        _outcome(record, instance),
        at=datetime.fromtimestamp(record.create_timestamp, UTC),
        run_id=record.run_id,
    )
    event = record.event.dagster_event if record.event else None
    data: Any = event.event_specific_data if event else None
    return found if not hasattr(data, "passed") else _with_result(found, data)


def _with_result(found: CheckOutcome, data: Any) -> CheckOutcome:
    facts = {label: value.value for label, value in data.metadata.items()}
    given = facts.get("result")
    result: Mapping[str, Any] = given if isinstance(given, dict) else {}
    observed = result.get("observed_value")
    return replace(
        found,
        severity="" if data.passed else ("error" if data.severity.value == "ERROR" else "warning"),
        reason=data.description or "",
        version=facts.get("dataset version"),
        observed="" if observed is None else str(observed),
        examples=tuple(str(v) for v in result.get("partial_unexpected_list", ())[:_EXAMPLES]),
        failing=result.get("unexpected_count"),
    )


def _properties(version: StoredVersion | None) -> Mapping[str, Any]:
    """What the manifest records, but for the lineage of columns, which they show themselves."""
    if version is None:
        return {}
    found = {name: value for name, value in version.properties.items() if name != "lineage"}
    if version.partitioned_by is None:
        return found
    # What its run recorded are the partitions that it made; all others are in the version as well.
    return {**found, "partitions": stored_partitions(version)}
