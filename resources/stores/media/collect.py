"""Removal of objects that no version needs: the only remover here. The order is argued in the docstring of the package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from resources.stores.media.claims import (
    CLAIMS,
    Claim,
    open_claims,
    sort_claims,
)
from resources.stores.media.condemned import (
    CONDEMNED,
    WRITERS,
    condemn,
    forget_done,
    mark_done,
    read_condemned,
    writers_in_the_dark,
)
from resources.stores.media.names import OBJECTS, NameList, folder_of, parse_name
from resources.stores.storage import TEMPORARY, FoundFile, Storage

_HASH = 64


@dataclass(frozen=True)
class MediaCollectReport:
    """What a collection removed, and what it has to leave to a later one."""

    removed_objects: int = 0
    freed_bytes: int = 0
    waiting_objects: int = 0
    """Condemned; a writer is at work that may still name them."""


Needed = Callable[[], Set[str]]
"""SHA-256 of objects that somebody needs although no version claims them yet. It is asked again before anything is removed."""


def collect_media(
    storage: Storage, *, grace: timedelta, needed: Needed = frozenset
) -> MediaCollectReport:
    """Removes objects that nothing needs and that are older than `grace`, and what killed writers left.

    Args:
        storage: where they are.
        grace: how old what is removed has to be; writers that show no life for so long are taken for dead.
        needed: what is needed beside what versions claim.

    Raises:
        IntegrityError: a claim, or a list of names, is damaged or missing; nothing was removed.
        WaybillError: what `needed` raises; nothing was removed.
    """
    before = datetime.now(UTC) - grace
    _forget_the_dead(storage, before)
    sizes = _condemn_idle(storage, before, needed)
    report = _carry_out(storage, before, sizes, needed)
    forget_done(storage)
    return report


def _forget_the_dead(storage: Storage, before: datetime) -> None:
    for writer, newest in storage.data_folders(WRITERS).items():
        if newest <= before:
            storage.remove_folder(f"{WRITERS}/{writer}")
    storage.remove_unfinished("media", before)
    for folder in [CONDEMNED, *(f"{CLAIMS}/{name}" for name in storage.folders(CLAIMS))]:
        for file in storage.listing(folder, TEMPORARY):
            if file.modified_at <= before:
                storage.remove(f"{folder}/{file.name}")


@dataclass(frozen=True)
class _Held:
    """What must stay: names that claims hold, and whatever has one of some hashes."""

    claims: list[NameList]
    hashes: Set[str]

    def beginning(self, folder: str) -> set[str]:
        """Claimed names of a folder."""
        return {name for one in self.claims for name in one.beginning(folder)}

    def __contains__(self, name: str) -> bool:
        return name[:_HASH] in self.hashes or any(name in claim for claim in self.claims)


@contextmanager
def _open_held(
    storage: Storage, before: datetime, needed: Needed
) -> Iterator[tuple[_Held, list[Claim]]]:
    """What must stay now, and the claims that no longer count.

    The others first, then the claims: what was needed without a claim may be claimed in between, and never the other way round.
    """
    hashes = needed()
    live, stale = sort_claims(storage, before)
    with open_claims(storage, live) as claims:
        yield _Held(claims, hashes), stale


def _condemn_idle(storage: Storage, before: datetime, needed: Needed) -> dict[str, int]:
    """Writes the list of what is old and not held; sizes of all that is condemned and still there."""
    known = read_condemned(storage)
    waiting: dict[str, int] = {}
    idle: dict[str, int] = {}
    with _open_held(storage, before, needed) as (held, stale):
        for file in _unheld(storage, held):
            if file.name in known:
                waiting[file.name] = file.size_bytes
            elif file.modified_at <= before:
                idle[file.name] = file.size_bytes
    for claim in stale:
        storage.remove(claim.path)
    if idle and not condemn(storage, known.newest + 1, sorted(idle)):
        return waiting  # another collector is at it
    return waiting | idle


def _unheld(storage: Storage, held: _Held) -> Iterator[FoundFile]:
    """Objects that nothing holds: one folder's names in memory at a time."""
    for folder in sorted(storage.folders(OBJECTS)):
        found = storage.listing(f"{OBJECTS}/{folder}")
        names = held.beginning(folder)
        for file in found:
            parsed = parse_name(file.name)
            if parsed and file.name not in names and parsed[0] not in held.hashes:
                yield file


def _carry_out(
    storage: Storage, before: datetime, sizes: dict[str, int], needed: Needed
) -> MediaCollectReport:
    """Removes what is on lists that every writer at work knows, and that nothing holds now."""
    pending = read_condemned(storage).pending
    at_work = set(storage.data_folders(WRITERS))  # after the lists were written
    due = {
        number: names
        for number, names in pending.items()
        if not writers_in_the_dark(storage, number, at_work)
    }
    removed: set[str] = set()
    if due:
        with _open_held(storage, before, needed) as (held, _):
            for number, names in sorted(due.items()):
                removed |= _remove(storage, names, held, sizes.keys() - removed)
                mark_done(storage, number)
    waiting = {
        name
        for number, names in pending.items()
        if number not in due
        for name in names
        if name in sizes
    }
    return MediaCollectReport(
        removed_objects=len(removed),
        freed_bytes=sum(sizes[name] for name in removed),
        waiting_objects=len(waiting - removed),
    )


def _remove(storage: Storage, names: Iterable[str], held: _Held, there: set[str]) -> set[str]:
    removed = set()
    for name in names:
        if name in there and name not in held:
            storage.remove(f"{folder_of(name)}/{name}")
            removed.add(name)
    return removed
