"""The list of datasets, from what is declared, recorded and stored. Imports no Dagster: a list answers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from resources.kernel.errors import ConnectorError, IntegrityError, WaybillError
from resources.kernel.keys import Key
from resources.kernel.records import StoredVersion
from resources.stores.versions import VersionStore

MADE, NEVER_MADE = "materialized", "never materialized"
_ENDED_BADLY = {"FAILURE": "failed", "CANCELED": "stopped"}


@dataclass(frozen=True)
class DatasetEntry:
    """What is declared of a dataset."""

    name: str
    origin: str
    key: Key


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
class DatasetFilter:
    """Which datasets to list; empty fields ask for nothing."""

    origin: str = ""
    status: str = ""
    search: str = ""
    """Part of the name, in any case."""

    def takes(self, found: DatasetSummary) -> bool:
        """Whether a dataset is wanted."""
        return (
            self.origin in ("", found.origin)
            and self.status in ("", found.status)
            and self.search.lower() in found.name
        )


def summarize(
    entries: Sequence[DatasetEntry], states: Mapping[Key, str], store: VersionStore
) -> list[DatasetSummary]:
    """A line for each dataset; one that cannot be read has its `error` set.

    Raises:
        ConnectorError: the store does not answer.
    """
    return [
        summary_of(entry, newest_version(store, entry.key), states.get(entry.key))
        for entry in entries
    ]


def state_of_run(status: str, *, was_made: bool) -> str:
    """What became of an asset, by the status of the run that last tried to make it."""
    if status in _ENDED_BADLY:
        return _ENDED_BADLY[status]
    if status == "SUCCESS":
        return MADE if was_made else NEVER_MADE
    return "queued" if status == "QUEUED" else "materializing"


Newest = StoredVersion | WaybillError | None
"""The newest version, or why it cannot be read; None where there is no version."""


def newest_version(store: VersionStore, key: Key) -> Newest:
    """The newest version of a dataset.

    Raises:
        ConnectorError: the store does not answer.
    """
    try:
        return store.item(key).latest()
    except ConnectorError:
        raise  # the whole store is away, not this one dataset
    except WaybillError as error:
        return error


def summary_of(entry: DatasetEntry, newest: Newest, state: str | None) -> DatasetSummary:
    """A line of the list."""
    latest = None if isinstance(newest, WaybillError) else newest
    return DatasetSummary(
        name=entry.name,
        origin=entry.origin,
        status=_status(newest, state),
        rows=latest.rows if latest else None,
        columns=len(latest.schema) if latest else None,
        version=latest.number if latest else None,
        size_bytes=latest.size_bytes if latest else None,
        updated_at=latest.created_at if latest else None,
        error=_named(entry.name, newest) if isinstance(newest, WaybillError) else "",
    )


def _status(newest: Newest, state: str | None) -> str:
    """The last try, but for what the store knows better: it may be older, shared, restored or lost."""
    if isinstance(newest, WaybillError):
        return "damaged" if isinstance(newest, IntegrityError) else "unreadable"
    if newest is None and state == MADE:
        return "missing from the store"
    if newest is not None and state in (None, NEVER_MADE):
        return MADE
    return state or NEVER_MADE


def _named(name: str, error: WaybillError) -> str:
    return str(WaybillError(f"dataset {name!r}: {error.message}", hint=error.hint))
