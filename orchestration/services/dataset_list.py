"""The list of datasets, from what is declared, recorded and stored. Imports no Dagster: a list answers at once.

Here is what the line of a dataset says and how lists are filtered, sorted and paged; `dataset_index.py` keeps lines at
hand for a process that is asked often. The words for origins and statuses are those of the command line, the HTTP API and
the pages alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from resources.kernel.errors import ConnectorError, UnknownNameError, WaybillError
from resources.kernel.keys import Key
from resources.kernel.records import StoredVersion
from resources.stores.removal import Removal
from resources.stores.versions import VersionStore

UPLOAD, DATASOURCE = "upload", "datasource"
OUTPUT, INTERMEDIATE = "pipeline output", "pipeline intermediate"
ORIGINS = (UPLOAD, DATASOURCE, OUTPUT, INTERMEDIATE)

PENDING, QUEUED, RUNNING, READY = "pending", "queued", "running", "ready"
FAILED, STOPPED, DAMAGED = "failed", "stopped", "damaged"
STATUSES = (PENDING, QUEUED, RUNNING, READY, FAILED, STOPPED, DAMAGED)

_ENDED_BADLY = {"FAILURE": FAILED, "CANCELED": STOPPED}
_NO_VERSION = "no run has made it yet"
_LOST = "a run made it, and the store has no version of it. Refresh it, or restore the store"


@dataclass(frozen=True)
class DeclaredCheck:
    """A check that a dataset is held to."""

    name: str
    description: str = ""
    blocking: bool = False


@dataclass(frozen=True)
class DatasetEntry:
    """What is declared of a dataset."""

    name: str
    origin: str
    """One of `ORIGINS`; `dataset_origins.py` says which is which."""
    key: Key
    maker: str = ""
    """What makes it: `datasource`, `upload`, `transform`, `prediction`, `classification` or `python`."""
    description: str = ""
    owners: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    group: str = ""
    made_from: tuple[str, ...] = ()
    """Upstream assets, as `noun/name`."""
    used_by: tuple[str, ...] = ()
    """Assets that are made from it, as `noun/name`."""
    checks: tuple[DeclaredCheck, ...] = ()
    refresh: str = ""
    """`on_change`, `manual` or a cron; empty where Python says when."""
    jobs: tuple[str, ...] = ()
    """Pipelines that make it."""
    fresh_seconds: int = 0
    """How old it may become before it is late; 0 where nothing is promised by the clock."""
    is_declared: bool = False
    """Whether YAML declares it, not Python."""
    columns: tuple[tuple[str, str], ...] = ()
    """(column, what it means), where the declaration says so."""
    can_run: bool = True
    """Whether it can be refreshed by itself."""
    noun: str = "dataset"
    """What people call it: an image folder is a dataset by its table alone."""
    row_key: tuple[str, ...] = ()
    """Columns that tell its rows apart, where the declaration names some."""
    profile: str = "off"
    """When its profile is made: `always`, `on_demand` or `off`; the last also where nothing could make one."""
    drift: str = ""
    """What its drift is held to, as `resources/drift/declared.py` keeps it; empty where nothing is declared."""


@dataclass(frozen=True)
class Tried:
    """What became of the last try to make a dataset, as Dagster recorded it."""

    state: str
    """`queued`, `running`, `ready`, `failed` or `stopped`; `pending` when a run ended well and made something else."""
    run_id: str = ""
    at: datetime | None = None
    """When that run was last heard of."""
    error: str = ""
    """Why it failed, in one line."""


@dataclass(frozen=True)
class DatasetTitle:
    """What people call a dataset, beside its name."""

    title: str = ""
    description: str = ""


@dataclass(frozen=True)
class Newest:
    """What the store has of a dataset."""

    number: int
    rows: int | None
    columns: int
    size_bytes: int
    created_at: datetime
    run_id: str
    inputs: tuple[tuple[str, int], ...] = ()
    """The version of each dataset that it was made from, where its maker recorded them."""
    fingerprint: str = ""
    """What its data source held, of one that was imported."""

    @classmethod
    def of(cls, version: StoredVersion) -> Newest:
        """What lists show of a version."""
        inputs, source = version.properties.get("inputs"), version.properties.get("source")
        return cls(
            version.number,
            version.rows,
            len(version.schema),
            version.size_bytes,
            version.created_at,
            version.run_id,
            tuple(inputs.items()) if isinstance(inputs, Mapping) else (),
            str(source.get("fingerprint", "")) if isinstance(source, Mapping) else "",
        )


Found = Newest | Removal | WaybillError | None
"""The newest version, that all were removed, why none can be read, or None where there never was one."""

Kept = StoredVersion | Removal | WaybillError | None
"""The same, with all that the manifest records."""


@dataclass(frozen=True)
class DatasetSummary:
    """One line of the list."""

    name: str
    origin: str
    """One of `ORIGINS`."""
    status: str
    """One of `STATUSES`: of the last try, or of what is kept, where that says more."""
    rows: int | None
    columns: int | None
    version: int | None
    size_bytes: int | None
    updated_at: datetime | None
    """When the newest version was made."""
    title: str = ""
    """What people call it; its name where it has no title."""
    reason: str = ""
    """Why it is pending, failed or damaged, in one line."""
    run_id: str = ""
    """The run that last made it or tried to."""
    tried_at: datetime | None = None
    """When that run was last heard of."""
    stale: str = ""
    """Why it is stale: what it was made from has changed since; empty when it is not."""

    @property
    def error(self) -> str:
        """Why its newest version cannot be read; empty when it can, or there is none."""
        return self.reason if self.status == DAMAGED else ""


def find_entry(entries: Sequence[DatasetEntry], name: str) -> DatasetEntry:
    """The dataset of a name.

    Raises:
        UnknownNameError: nothing makes it; lists the known ones.
    """
    for entry in entries:
        if entry.name == name:
            return entry
    raise UnknownNameError("dataset", name, [entry.name for entry in entries])


def state_of_run(status: str, *, was_made: bool) -> str:
    """What became of an asset, by the status of the run that last tried to make it."""
    if status in _ENDED_BADLY:
        return _ENDED_BADLY[status]
    if status == "SUCCESS":
        return READY if was_made else PENDING
    return QUEUED if status in ("QUEUED", "NOT_STARTED") else RUNNING


def find_newest(store: VersionStore, key: Key) -> Found:
    """The newest version of a dataset as lists show it.

    Raises:
        ConnectorError: the store does not answer.
    """
    return shown(read_newest(store, key))


def shown(kept: Kept) -> Found:
    """What lists show of what the store has."""
    return Newest.of(kept) if isinstance(kept, StoredVersion) else kept


def read_newest(store: VersionStore, key: Key) -> Kept:
    """The newest version of a dataset, whole.

    Raises:
        ConnectorError: the store does not answer.
    """
    try:
        return store.item(key).latest() or store.removal(key)
    except ConnectorError:
        raise  # the whole store is away, not this one dataset
    except WaybillError as error:
        return error


def summary_of(
    entry: DatasetEntry, found: Found, tried: Tried | None, title: DatasetTitle | None = None
) -> DatasetSummary:
    """A line of the list."""
    latest = found if isinstance(found, Newest) else None
    status, reason = _status(f"{entry.noun} {entry.name!r}", found, tried)
    return DatasetSummary(
        name=entry.name,
        origin=entry.origin,
        status=status,
        rows=latest.rows if latest else None,
        columns=latest.columns if latest else None,
        version=latest.number if latest else None,
        size_bytes=latest.size_bytes if latest else None,
        updated_at=latest.created_at if latest else None,
        title=(title.title if title else "") or entry.name,
        reason=reason,
        run_id=tried.run_id if tried else "",
        tried_at=tried.at if tried else None,
    )


def _status(name: str, found: Found, tried: Tried | None) -> tuple[str, str]:
    """The last try, but for what the store knows better: it may be older, shared, restored, emptied or lost."""
    state = tried.state if tried else PENDING
    if isinstance(found, WaybillError):
        return DAMAGED, _one_line(f"{name}: {found.message}. {found.hint}")
    if state in (QUEUED, RUNNING):
        return state, ""
    if state in (FAILED, STOPPED) and not _is_before(tried, found):
        return state, tried.error if tried else ""
    if isinstance(found, Newest):
        return READY, ""
    if isinstance(found, Removal):
        return PENDING, _removed(found)
    return (DAMAGED, f"{name}: {_LOST}") if state == READY else (PENDING, _NO_VERSION)


def _is_before(tried: Tried | None, found: Found) -> bool:
    """Whether a run that failed was tried before all versions were removed: that came last."""
    at = found.at if isinstance(found, Removal) else None
    return tried is not None and tried.at is not None and at is not None and tried.at < at


def _removed(removal: Removal) -> str:
    by = f" by {removal.by}" if removal.by else ""
    at = f" on {removal.at:%Y-%m-%d %H:%M} UTC" if removal.at else ""
    return f"its versions up to {removal.number} were removed{at}{by}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
