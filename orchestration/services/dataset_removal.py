"""Removing what is kept of a dataset.

Its source is not touched, and what declares it stays unless that is to go as well: the next refresh makes it anew.

The store says how (`resources/stores/removal.py`): killed anywhere, the newest version is whole or gone, and a second
call goes on. Dagster is told last, by an observation of the asset, so that its page says why the rows are not there.
Nothing starts a refresh because of a removal: one that is due anyway (a change of the source, a cron) comes as always.
"""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from orchestration.services.dataset_list import QUEUED, RUNNING, DatasetEntry
from orchestration.services.datasets import instance_states
from orchestration.services.definitions.change import DefinitionChange
from orchestration.services.home import Home
from orchestration.services.snapshot import Snapshot
from orchestration.services.uploads.pending import ComingUploads
from resources.kernel.errors import InputError, InUseError
from resources.kernel.keys import IMAGE_FOLDER
from resources.profiles.collecting import remove_profiles
from resources.stores.kept_uploads import KeptUploads
from resources.stores.versions import VersionStore

_TABLES = ("dataset", "transform", "prediction", "classification set", IMAGE_FOLDER)
"""Nouns whose thing is a dataset, or a table like one."""


@dataclass(frozen=True)
class RemovalReport:
    """What was removed."""

    name: str
    versions: tuple[int, ...]
    """Numbers of the versions that are gone."""
    kept_versions: tuple[int, ...]
    """Published while the removal went on: they stay."""
    freed_bytes: int
    users: tuple[str, ...]
    """What is made from it, and fails until it is there again."""
    definition: str = ""
    """The file that its definition was taken out of; empty when that stays."""


def remove_dataset(
    entry: DatasetEntry,
    store: VersionStore,
    instance: dg.DagsterInstance,
    home: Home,
    *,
    force: bool = False,
    with_tags: bool = False,
    by: str = "",
) -> RemovalReport:
    """Removes every version of a dataset, and their profiles. An upload that waits to be imported becomes a version afterwards.

    Args:
        entry: the dataset.
        store: where it is kept.
        instance: where runs are recorded.
        home: where imports of uploads wait.
        force: also when others are made from it, or a run is making it.
        with_tags: also versions that are tagged or pinned.
        by: who asks.

    Raises:
        InUseError: others are made from it, which the error names, a run is making it, or versions are tagged or pinned.
        StorageError: the store refuses; a second call goes on.
    """
    coming = ComingUploads(home, entry.name)
    if not force:
        _check_unused(entry, instance)
    report = store.remove(entry.key, by=by, with_tags=with_tags)
    freed = report.freed_bytes
    if not report.kept_versions:  # else the next profile that is made clears up
        freed += remove_profiles(store, entry.key, by=by)
    KeptUploads(store).forget(entry.name, but=coming.ids, since=coming.since)
    if report.removed_versions:
        _tell_dagster(entry, instance, report.removed_versions, by)
    return RemovalReport(
        entry.name,
        report.removed_versions,
        report.kept_versions,
        freed,
        entry.used_by,
    )


def deletion_of(snapshot: Snapshot, entry: DatasetEntry) -> DefinitionChange:
    """The change that takes out of the users' files what declares a dataset.

    Raises:
        InputError: no YAML declares it.
    """
    for one in snapshot.declarations:
        if one.name == entry.name and one.noun in _TABLES:
            return DefinitionChange("delete", one.noun, one.name)
    raise InputError(
        f"{entry.noun} {entry.name!r} is declared in Python, which is not changed from here",
        hint="Remove its versions alone, and take it out of the code by hand",
    )


def _check_unused(entry: DatasetEntry, instance: dg.DagsterInstance) -> None:
    tried = instance_states(instance, [entry]).get(entry.key)
    if tried is not None and tried.state in (QUEUED, RUNNING):
        raise InUseError(
            f"{entry.noun} {entry.name!r} is being made by run {tried.run_id}",
            hint=f"Wait for it, or stop it with `waybill cancel {tried.run_id}`; force removes what is there now",
            run_id=tried.run_id,
        )
    if entry.used_by:
        raise InUseError(
            f"{entry.noun} {entry.name!r} is used by {', '.join(entry.used_by)}",
            hint="They fail until it is refreshed. Force removes it all the same",
            users=list(entry.used_by),
        )


def _tell_dagster(
    entry: DatasetEntry, instance: dg.DagsterInstance, versions: tuple[int, ...], by: str
) -> None:
    numbers = ", ".join(map(str, versions[:20])) + (" ..." if len(versions) > 20 else "")
    instance.report_runless_asset_event(
        dg.AssetObservation(
            asset_key=dg.AssetKey(entry.key),
            description="The stored versions were removed; refreshing makes it anew",
            metadata={"removed versions": numbers, "removed by": by or "a user at a shell"},
        )
    )
