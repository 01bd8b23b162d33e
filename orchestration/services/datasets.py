"""Datasets: which there are, in what state, what is in them.

The store says what is kept, Dagster's instance says what was tried last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg

from orchestration.location import Location
from orchestration.services.dataset_list import (
    MADE,
    DatasetEntry,
    DatasetSummary,
    newest_version,
    state_of_run,
    summarize,
    summary_of,
)
from orchestration.services.json_rows import json_rows
from resources.kernel.errors import (
    InputError,
    NotFoundError,
    WaybillError,
)
from resources.kernel.keys import Key
from resources.kernel.records import StoredVersion
from resources.stores.partitions import stored_partitions

SAMPLE_LIMIT = 10_000


@dataclass(frozen=True)
class DatasetDetail:
    """All that is known of a dataset."""

    summary: DatasetSummary
    description: str
    made_from: tuple[str, ...]
    """Upstream assets, as `noun/name`."""
    used_by: tuple[str, ...]
    schema: tuple[tuple[str, str], ...]
    """(column, type)"""
    origins: Mapping[str, str]
    """Where a column comes from, where that is known: `flights.hour, flights.minute`."""
    run_id: str | None
    properties: Mapping[str, Any]
    """What the newest version's manifest records: source, fingerprint, guesses ..."""
    store: str


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


def list_datasets(location: Location, instance: dg.DagsterInstance) -> list[DatasetSummary]:
    """Every dataset that something makes, in order of name; one that cannot be read has its `error` set.

    Raises:
        ConnectorError: the store does not answer.
    """
    entries = dataset_entries(location)
    return summarize(entries, instance_states(instance, entries), location.store())


def instance_states(
    instance: dg.DagsterInstance, entries: Sequence[DatasetEntry]
) -> dict[Key, str]:
    """What became of the last try to make each dataset; nothing for those never tried."""
    states = _states(instance, [dg.AssetKey(entry.key) for entry in entries])
    return {tuple(key.path): state for key, state in states.items()}


def dataset_entries(location: Location) -> list[DatasetEntry]:
    """What is declared of each dataset, in order of name."""
    return [
        DatasetEntry(name, _origin(spec), tuple(spec.key.path))
        for name, spec in location.datasets().items()
    ]


def show_dataset(location: Location, instance: dg.DagsterInstance, name: str) -> DatasetDetail:
    """A dataset with its columns, its place in lineage and its record.

    Raises:
        UnknownNameError: nothing makes it.
        ConnectorError: the store does not answer.
    """
    spec, store = location.dataset(name), location.store()
    state = _states(instance, [spec.key]).get(
        spec.key
    )  # first: what it saw made is in the store then
    entry = DatasetEntry(name, _origin(spec), tuple(spec.key.path))
    newest = newest_version(store, tuple(spec.key.path))
    latest = None if isinstance(newest, WaybillError) else newest
    return DatasetDetail(
        summary=summary_of(entry, newest, state),
        description=spec.description or "",
        made_from=tuple(sorted(dep.asset_key.to_user_string() for dep in spec.deps)),
        used_by=tuple(location.readers_of(spec.key)),
        schema=latest.schema if latest else (),
        origins=_origins(latest),
        run_id=latest.run_id if latest else None,
        properties=_properties(latest),
        store=store.url,
    )


@dataclass(frozen=True)
class Sample:
    """Some rows, each value as JSON can hold it: what JSON has no form for is text."""

    columns: tuple[str, ...]
    rows: list[list[Any]]


def sample_dataset(location: Location, name: str, *, rows: int, version: int | None) -> Sample:
    """The first rows of a version, the newest unless a number is given.

    Raises:
        UnknownNameError: nothing makes it.
        NotFoundError: no such version; `GoneError` when it has been collected.
        InputError: more rows than a sample may have.
    """
    spec = location.dataset(name)
    if not 0 < rows <= SAMPLE_LIMIT:
        raise InputError(f"a sample has 1 to {SAMPLE_LIMIT} rows, not {rows}")
    store, key = location.store(), tuple(spec.key.path)
    if version is not None:
        table = store.read(key, version).sample(rows)
    else:
        table = store.read_latest(key, lambda found: found.sample(rows))
    return Sample(tuple(table.column_names), json_rows(table))


def list_versions(location: Location, name: str) -> list[VersionSummary]:
    """The versions that are kept, newest first.

    Raises:
        UnknownNameError: nothing makes it.
        NotFoundError: it has none.
    """
    spec = location.dataset(name)
    versions = location.store().item(tuple(spec.key.path)).versions()
    if not versions:
        raise NotFoundError(f"dataset {name!r} has no version yet", hint="Materialize it first")
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


def _properties(version: StoredVersion | None) -> Mapping[str, Any]:
    if version is None or version.partitioned_by is None:
        return version.properties if version else {}
    # What its run recorded are the partitions that it made; all others are in the version as well.
    return {**version.properties, "partitions": stored_partitions(version)}


def _origins(version: StoredVersion | None) -> dict[str, str]:
    properties: Mapping[str, Any] = version.properties if version else {}
    return {
        column: ", ".join(".".join(origin[-2:]) for origin in origins)
        for column, origins in properties.get("lineage", {}).items()
    }


def _origin(spec: dg.AssetSpec) -> str:
    """What the maker says of itself; plain Python that says nothing is a transform."""
    given = spec.metadata.get("origin", "transform")
    return str(given.value if isinstance(given, dg.MetadataValue) else given)


def _states(instance: dg.DagsterInstance, keys: list[dg.AssetKey]) -> dict[dg.AssetKey, str]:
    """What became of the last try to make each asset; nothing for those never tried."""
    states = {}
    for record in instance.get_asset_records(keys):
        entry = record.asset_entry
        made = entry.last_materialization
        run_id = entry.last_run_id
        if made is not None and run_id in (None, made.run_id):
            states[entry.asset_key] = MADE
        elif (run := instance.get_run_by_id(run_id) if run_id else None) is not None:
            states[entry.asset_key] = state_of_run(run.status.value, was_made=made is not None)
        elif made is not None:
            states[entry.asset_key] = MADE
    return states
