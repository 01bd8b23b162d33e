"""Collection of old versions and of what killed runs left: the only remover of the store beside `removal.py` (2a).

**What holds.** The newest `keep` versions stay, and so does every version superseded less than `grace` or `keep_for` ago
(the larger set counts), and every one that a tag, a pin or a run at work keeps (`retention_log.py`), with all files that they
name. What lost its last tag or pin stays for `grace` more.

**Why.** Up to which number it goes is written first, in order with the tags: no version at or below it comes to be kept
any more, and a writer that finds its own number there knows that it has reused it (`publish.py`). Then manifests go in ascending
order, one at a time, and a data folder only when no manifest names a file in it and its newest file is older than `grace`. Folders
are listed before manifests are read, so one that gets its manifest meanwhile is seen as named. While any manifest is damaged no data
is removed: the files it names are unknown. While the tags are damaged, no version is.

**When it is lost.** A run that is at work for longer than the grace period loses its unpublished data, and then fails
when it publishes. A reader that holds a version for longer than that after it was superseded may find its files gone
(`GoneError`). So the grace period has to be at least twice the longest run.

**What it costs.** A listing of data folders and of manifests, and a look at each old manifest until all folders are known
to be named: usually the newest one. Where versions are removed, a small file more that is written.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial

from resources.kernel.errors import ConflictError, IntegrityError
from resources.stores.manifest import Manifest
from resources.stores.manifest_log import ManifestLog
from resources.stores.retention import Retention, Said

DEFAULT_KEEP = 3
DEFAULT_GRACE = timedelta(hours=24)
_HELD = timedelta(hours=24)
"""How long a run that was killed keeps the version that it was at work on."""
_AT_ONCE = 20
_logger = logging.getLogger(__name__)
_DATA_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*-\d+(\.\d+)?")


@dataclass(frozen=True)
class CollectReport:
    """What a collection removed and kept."""

    removed_versions: tuple[int, ...] = ()
    kept_versions: tuple[int, ...] = ()
    removed_folders: tuple[str, ...] = ()
    freed_bytes: int = 0


@dataclass(frozen=True)
class _Rules:
    """Which versions stay whatever is said of them."""

    keep: int
    before: datetime
    """Superseded later than that: it stays."""
    released_before: datetime
    """Lost its last tag or pin later than that: it stays."""
    wanted: Collection[int] = ()
    """Stay whatever their age."""


def collect(
    log: ManifestLog,
    *,
    keep: int,
    grace: timedelta,
    keep_for: timedelta = timedelta(0),
    wanted: Collection[int] = (),
) -> CollectReport:
    """Removes superseded versions and data that no version names.

    Manifests go in ascending order, the newest `keep` stay, and so does every version superseded less than
    `grace` or `keep_for` ago. Then data folders go that no manifest names and whose newest file is older than `grace`.
    The grace period must be at least twice the longest run: a run's data has no manifest until it ends. While
    any manifest is damaged no data is removed: the files it names are unknown.

    Args:
        log: of the item.
        keep: how many of the newest versions stay.
        grace: how long what was superseded, or is unnamed, stays at least.
        keep_for: how long a version that was superseded stays at least; versions alone, not data of killed runs.
        wanted: versions that stay whatever their age: those of an item that goes along with another one.
    """
    now = datetime.now(UTC)
    before = now - grace
    # Listed first: a folder that gets its manifest from now on is in the manifests read later.
    folders = log.storage.data_folders(log.data_path)
    removed, kept = _remove_manifests(
        log, _Rules(max(keep, 1), now - max(grace, keep_for), before, frozenset(wanted)), now
    )
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
    comes first. Whatever is published over it names its files, young ones, or those of a version that is held while it is
    restored, so none can go by a manifest that comes to be meanwhile; a version that is removed before it was read must not have been the newest, though.
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
    log: ManifestLog, rules: _Rules, now: datetime
) -> tuple[list[int], list[int]]:
    numbers = log.numbers()
    try:
        removed = _announce(log, _superseded(log, numbers, rules), rules, now)
    except IntegrityError as error:
        _logger.warning("%s: no version is collected. %s", log.name, error)
        removed = []
    for number in removed:
        log.remove(number)
    return removed, [number for number in numbers if number not in set(removed)]


def _superseded(log: ManifestLog, numbers: list[int], rules: _Rules) -> list[int]:
    """Versions that stay no longer, as far as their age goes; ascending."""
    old = numbers[: max(len(numbers) - rules.keep, 0)]
    if not old:
        return []
    created_at = lru_cache(maxsize=2)(partial(_created_at, log, numbers))
    state = log.retention.read()
    found: list[int] = []
    for place, number in enumerate(old):
        if number in rules.wanted or state.is_tagged(number):
            continue
        # The later of both: a clock that went back in between makes the grace longer, never shorter (E18).
        if max(created_at(place), created_at(place + 1)) > rules.before:
            break  # ascending: a later one may not go before an earlier one
        found.append(number)
    return found


def _announce(log: ManifestLog, old: list[int], rules: _Rules, now: datetime) -> list[int]:
    """Those of the old versions that nothing keeps: written down before any of them goes."""
    removed: list[int] = []

    def make(state: Retention) -> Retention:
        kept = _kept(state, rules, now)
        removed[:] = [number for number in old if number not in kept]
        news = [n for n in removed if n > state.floor or state.keeps(n)]
        return state.collected(set(removed)) if news else state

    if old:
        log.retention.change(make)
    return removed


def _kept(state: Retention, rules: _Rules, now: datetime) -> set[int]:
    def young(said: Iterable[Said], since: datetime) -> set[int]:
        return {one.version for one in said if one.at > since}

    tagged = {one.version for one in state.tags.values()} | set(state.pins)
    held = young(state.holds.values(), now - _HELD)
    return tagged | held | young(state.released.values(), rules.released_before)


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
