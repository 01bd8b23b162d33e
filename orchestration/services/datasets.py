"""Datasets: which there are, in what state, what is in them.

The store says what is kept, Dagster's instance says what was tried last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg

from orchestration.services.json_rows import json_rows
from orchestration.services.location import Location
from resources.kernel.errors import (
    ConnectorError,
    InputError,
    IntegrityError,
    NotFoundError,
    WaybillError,
)
from resources.kernel.records import StoredVersion
from resources.stores.tables import TableStore

SAMPLE_LIMIT = 10_000
_MADE, _NEVER_MADE = "materialized", "never materialized"
_ENDED_BADLY = {
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "stopped",
}


@dataclass(frozen=True)
class DatasetSummary:
    """One line of the list."""

    name: str
    origin: str
    """`datasource`, `transform` or `prediction`."""
    status: str
    """Of the last try: `never materialized`, `queued`, `materializing`, `materialized`, `failed` or `stopped`.

    Of what is kept, where that says more: `missing from the store`, `damaged` (E53) or `unreadable`.
    """
    rows: int | None
    columns: int | None
    version: int | None
    size_bytes: int | None
    updated_at: datetime | None
    error: str = ""
    """Why its newest version cannot be read."""


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
    store, specs = location.store(), location.datasets()
    states = _states(instance, [spec.key for spec in specs.values()])
    return [
        _summary(name, spec, _newest(store, spec), states.get(spec.key))
        for name, spec in specs.items()
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
    newest = _newest(store, spec)
    latest = None if isinstance(newest, WaybillError) else newest
    return DatasetDetail(
        summary=_summary(name, spec, newest, state),
        description=spec.description or "",
        made_from=tuple(sorted(dep.asset_key.to_user_string() for dep in spec.deps)),
        used_by=tuple(location.readers_of(spec.key)),
        schema=latest.schema if latest else (),
        origins=_origins(latest),
        run_id=latest.run_id if latest else None,
        properties=latest.properties if latest else {},
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


def _origins(version: StoredVersion | None) -> dict[str, str]:
    properties: Mapping[str, Any] = version.properties if version else {}
    return {
        column: ", ".join(".".join(origin[-2:]) for origin in origins)
        for column, origins in properties.get("lineage", {}).items()
    }


Newest = StoredVersion | WaybillError | None
"""The newest version, or why it cannot be read; None where there is no version."""


def _newest(store: TableStore, spec: dg.AssetSpec) -> Newest:
    try:
        return store.item(tuple(spec.key.path)).latest()
    except ConnectorError:
        raise  # the whole store is away, not this one dataset
    except WaybillError as error:
        return error


def _summary(name: str, spec: dg.AssetSpec, newest: Newest, state: str | None) -> DatasetSummary:
    latest = None if isinstance(newest, WaybillError) else newest
    return DatasetSummary(
        name=name,
        origin=_origin(spec),
        status=_status(newest, state),
        rows=latest.rows if latest else None,
        columns=len(latest.schema) if latest else None,
        version=latest.number if latest else None,
        size_bytes=latest.size_bytes if latest else None,
        updated_at=latest.created_at if latest else None,
        error=_named(name, newest) if isinstance(newest, WaybillError) else "",
    )


def _status(newest: Newest, state: str | None) -> str:
    """The last try, but for what the store knows better: it may be older, shared, restored or lost."""
    if isinstance(newest, WaybillError):
        return "damaged" if isinstance(newest, IntegrityError) else "unreadable"
    if newest is None and state == _MADE:
        return "missing from the store"
    if newest is not None and state in (None, _NEVER_MADE):
        return _MADE
    return state or _NEVER_MADE


def _named(name: str, error: WaybillError) -> str:
    return str(WaybillError(f"dataset {name!r}: {error.message}", hint=error.hint))


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
            states[entry.asset_key] = _MADE
        elif (run := instance.get_run_by_id(run_id) if run_id else None) is not None:
            states[entry.asset_key] = _state_of_run(run, was_made=made is not None)
        elif made is not None:
            states[entry.asset_key] = _MADE
    return states


def _state_of_run(run: dg.DagsterRun, *, was_made: bool) -> str:
    if run.status in _ENDED_BADLY:
        return _ENDED_BADLY[run.status]
    if run.is_finished:
        return _MADE if was_made else _NEVER_MADE
    return "queued" if run.status == dg.DagsterRunStatus.QUEUED else "materializing"
