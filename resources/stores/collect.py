"""Collection of old versions and of what killed runs left: the only remover of the store beside `removal.py` (2a).

**What holds.** The newest `keep` versions stay, and so does every version superseded less than `grace` ago, with all
files that they name. No gap ever appears between the numbers of versions.

**Why.** Manifests go in ascending order, one at a time, and a data folder only when no manifest names a file in it and
its newest file is older than `grace`. Folders are listed before manifests are read, so one that gets its manifest
meanwhile is seen as named. While any manifest is damaged no data is removed: the files it names are unknown.

**When it is lost.** A run that is at work for longer than the grace period loses its unpublished data, and then fails
when it publishes. A reader that holds a version for longer than that after it was superseded may find its files gone
(`GoneError`). So the grace period has to be at least twice the longest run.

**What it costs.** A listing of data folders and of manifests, and a look at each old manifest until all folders are known
to be named: usually the newest one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from resources.kernel.errors import ConflictError, IntegrityError
from resources.stores.manifest import Manifest
from resources.stores.manifest_log import ManifestLog

DEFAULT_KEEP = 3
DEFAULT_GRACE = timedelta(hours=24)
_AT_ONCE = 20
_DATA_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*-\d+(\.\d+)?")


@dataclass(frozen=True)
class CollectReport:
    """What a collection removed and kept."""

    removed_versions: tuple[int, ...] = ()
    kept_versions: tuple[int, ...] = ()
    removed_folders: tuple[str, ...] = ()
    freed_bytes: int = 0


def collect(log: ManifestLog, *, keep: int, grace: timedelta) -> CollectReport:
    """Removes superseded versions and data that no version names.

    Manifests go in ascending order, the newest `keep` stay, and so does every version superseded less than
    `grace` ago. Then data folders go that no manifest names and whose newest file is older than `grace`.
    The grace period must be at least twice the longest run: a run's data has no manifest until it ends. While
    any manifest is damaged no data is removed: the files it names are unknown.
    """
    before = datetime.now(UTC) - grace
    # Listed first: a folder that gets its manifest from now on is in the manifests read later.
    folders = log.storage.data_folders(log.data_path)
    removed, kept = _remove_manifests(log, keep=max(keep, 1), before=before)
    log.storage.remove_unfinished(log.path, before)
    old = {
        name
        for name, newest in folders.items()
        if newest <= before and _DATA_FOLDER.fullmatch(name)
    }
    stale = sorted(name for name in _unnamed(log, old) if not _holds_items(log, name))
    freed = sum(log.storage.remove_folder(f"{log.data_path}/{name}") for name in stale)
    return CollectReport(tuple(removed), tuple(kept), tuple(stale), freed)


def _unnamed(log: ManifestLog, folders: set[str]) -> set[str]:
    """Those of the data folders that no manifest names; none as long as one is damaged.

    No manifest is read once every folder is known to be named: versions in partitions have long manifests. The newest
    comes first. Whatever is published over it names its files or young ones, so none can go by a manifest that comes
    to be meanwhile; a version that is removed before it was read must not have been the newest, though.
    """
    try:
        newest = log.latest() if folders else None
    except (IntegrityError, ConflictError):
        return set()
    left = folders - _folders(newest)
    numbers = log.numbers() if left else []
    for start in range(0, len(numbers), _AT_ONCE):
        manifests, damage = log.read_undamaged(numbers[start : start + _AT_ONCE])
        left = left.difference(*map(_folders, manifests))
        if damage or not left:
            return set()
    return left


def _holds_items(log: ManifestLog, folder: str) -> bool:
    """Whether a data folder is none, but part of other items' keys: users' own assets may be called `datasets/x/data/run-1`."""
    return bool(log.storage.items(f"{log.data_path}/{folder}"))


def _remove_manifests(
    log: ManifestLog, *, keep: int, before: datetime
) -> tuple[list[int], list[int]]:
    numbers = log.numbers()
    removed: list[int] = []
    created_at = _created_at(log, numbers, 0)
    for place, number in enumerate(numbers[: max(len(numbers) - keep, 0)]):
        successor_at = _created_at(log, numbers, place + 1)
        # The later of both: a clock that went back in between makes the grace longer, never shorter (E18).
        if max(created_at, successor_at) > before:
            break  # ascending, without holes: a later one may not go before an earlier one
        created_at = successor_at
        log.remove(number)
        removed.append(number)
    return removed, [number for number in numbers if number not in set(removed)]


def _created_at(log: ManifestLog, numbers: list[int], place: int) -> datetime:
    """When a version was made; one that cannot be read counts as young as the next that can."""
    for number in numbers[place:]:
        manifests, _ = log.read_undamaged([number])
        if manifests:
            return manifests[0].created_at
    return datetime.max.replace(tzinfo=UTC)


def _folders(manifest: Manifest | None) -> set[str]:
    files = manifest.files if manifest else ()
    return {file.path.split("/")[1] for file in files}
