"""Collection of old versions and of what killed runs left: the only remover in the store (2a)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from resources.stores.manifest_log import ManifestLog

DEFAULT_KEEP = 3
DEFAULT_GRACE = timedelta(hours=24)
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
    any manifest is damaged no data goes at all: nobody knows which files it names.
    """
    before = datetime.now(UTC) - grace
    # Listed first: a folder that gets its manifest from now on is in the manifests read later.
    folders = log.storage.data_folders(log.data_path)
    removed, kept = _remove_manifests(log, keep=max(keep, 1), before=before)
    log.storage.remove_unfinished(log.path, before)
    manifests, damage = log.read_undamaged(log.numbers())
    if damage:
        return CollectReport(tuple(removed), tuple(kept))
    named = {_folder(file.path) for manifest in manifests for file in manifest.files}
    stale = sorted(
        name
        for name, newest in folders.items()
        if name not in named and newest <= before and _DATA_FOLDER.fullmatch(name)
    )
    freed = sum(log.storage.remove_folder(f"{log.data_path}/{name}") for name in stale)
    return CollectReport(tuple(removed), tuple(kept), tuple(stale), freed)


def _remove_manifests(
    log: ManifestLog, *, keep: int, before: datetime
) -> tuple[list[int], list[int]]:
    numbers = log.numbers()
    created_at = _creation_times(log, numbers)
    removed: list[int] = []
    for number, successor in pairwise(numbers[: len(numbers) - keep + 1]):
        # The later of both: a clock that went back in between makes the grace longer, never shorter (E18).
        if max(created_at[number], created_at[successor]) > before:
            break  # ascending, without holes: a later one may not go before an earlier one
        log.remove(number)
        removed.append(number)
    return removed, [number for number in numbers if number not in set(removed)]


def _creation_times(log: ManifestLog, numbers: list[int]) -> dict[int, datetime]:
    """When each version was made; one that cannot be read counts as young as the next that can."""
    manifests, _ = log.read_undamaged(numbers)
    known = {manifest.number: manifest.created_at for manifest in manifests}
    later, times = datetime.max.replace(tzinfo=UTC), {}
    for number in reversed(numbers):
        later = times[number] = known.get(number, later)
    return times


def _folder(path: str) -> str:
    return path.split("/")[1]
