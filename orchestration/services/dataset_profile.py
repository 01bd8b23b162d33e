"""The profile of a dataset: where it stands, and what it says. Reads what is kept and recorded, no row and no loaded project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import dagster as dg

from orchestration.services.dataset_list import PENDING, READY, DatasetEntry, Tried
from orchestration.services.datasets import instance_states
from resources.kernel.errors import NotFoundError
from resources.profiles.kept import find_profile, profile_key
from resources.profiles.record import Profile
from resources.profiles.remembered import remembered_profile
from resources.stores.versions import VersionStore

OFF = "off"


@dataclass(frozen=True)
class DatasetProfile:
    """The profile of a version, and where it stands. A profile that fails says nothing against its dataset."""

    dataset: str
    version: int | None
    """The version that was asked for: the newest one unless a number was given; None: there is none yet."""
    state: str
    """`ready`, `pending` (not made yet), `queued`, `running`, `failed`, `stopped`, or `off` where none is made."""
    reason: str = ""
    """Why it failed."""
    run_id: str = ""
    """The last run that made a profile of the dataset or was to make one."""
    at: datetime | None = None
    """When that run was last heard of."""
    profile: Profile | None = None


def profile_entry(entry: DatasetEntry) -> DatasetEntry:
    """The asset of a dataset's profile, as those records are asked for that know a dataset by its key."""
    return replace(entry, key=profile_key(entry.key))


def tried_profile(entry: DatasetEntry, instance: dg.DagsterInstance) -> Tried | None:
    """What became of the last try to make a profile of a dataset."""
    asked = profile_entry(entry)
    return instance_states(instance, [asked]).get(asked.key)


def show_profile(
    entry: DatasetEntry,
    store: VersionStore,
    tried: Tried | None,
    version: int | None = None,
    *,
    column: str = "",
) -> DatasetProfile:
    """Where the profile of a version stands, and the profile itself where there is one.

    Args:
        entry: the dataset.
        store: where both are kept.
        tried: what became of the last try to make one.
        version: its number; the newest by default.
        column: only the facts of this one.

    Raises:
        NotFoundError: no such version, or no such column.
        StorageError: a newer Waybill wrote the profile.
        IntegrityError: the profile is damaged.
    """
    item = store.item(entry.key)
    newest = item.latest() if version is None else item.version(version)
    number = None if newest is None else newest.number
    plain = DatasetProfile(entry.name, number, PENDING)
    if tried is not None:
        plain = replace(plain, reason=tried.error, run_id=tried.run_id, at=tried.at)
    found = None if number is None else find_profile(store, entry.key, number)
    if found is not None:
        profile = remembered_profile(store, entry.key, found)
        whole = _only(profile, column) if column else profile
        return replace(plain, state=READY, reason="", profile=whole)
    if entry.profile == OFF:
        return replace(plain, state=OFF)
    # A run that made another version's profile says nothing of this one.
    is_telling = tried is not None and tried.state != READY
    return replace(plain, state=tried.state if tried is not None and is_telling else PENDING)


def _only(profile: Profile, name: str) -> Profile:
    found = profile.column(name)
    if found is None:
        names = ", ".join(column.name for column in profile.columns[:30])
        raise NotFoundError(
            f"The profile of {profile.of.key[-1]} has no column {name!r}", hint=f"Columns: {names}"
        )
    return replace(
        profile,
        columns=(found,),
        associations=tuple(one for one in profile.associations if name in (one.a, one.b)),
    )
