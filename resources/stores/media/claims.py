"""Claims: which objects a version needs, as a sorted list beside the manifest that names it."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from resources.kernel.errors import IntegrityError
from resources.kernel.keys import Key
from resources.kernel.records import StoredVersion
from resources.stores.manifest_log import ManifestLog
from resources.stores.media.condemned import WRITERS
from resources.stores.media.names import NameList
from resources.stores.storage import Storage

CLAIMS = "media/claims"
PROPERTY = "media"
"""Property of a version that refers to objects."""

_HASH = 64


@dataclass(frozen=True)
class Claim:
    """A list of objects, by the writer that made it for a version of an item."""

    key: Key
    name: str
    """`<writer>-<SHA-256 of the list>`."""
    modified_at: datetime

    @property
    def path(self) -> str:
        """Where it lies in the storage."""
        return f"{claim_folder(self.key)}/{self.name}"

    @property
    def writer(self) -> str:
        """Whose it is."""
        return self.name[: -_HASH - 1]


def claim_folder(key: Key) -> str:
    """The folder of an item's claims; `~` is no part of a key."""
    return f"{CLAIMS}/{'~'.join(key)}"


def claim_name(writer: str, lines: bytes) -> str:
    """The name of a claim with these lines."""
    return f"{writer}-{hashlib.sha256(lines).hexdigest()}"


def claim_of(version: StoredVersion) -> str | None:
    """The claim that a version names; None when it refers to no objects."""
    found = version.properties.get(PROPERTY)
    return str(found["claim"]) if isinstance(found, dict) and "claim" in found else None


def list_claims(storage: Storage) -> list[Claim]:
    """All claims there are: a listing for each item that has some."""
    keys = [tuple(folder.split("~")) for folder in storage.folders(CLAIMS)]
    return [
        Claim(key, file.name, file.modified_at)
        for key in keys
        for file in storage.listing(claim_folder(key))
        if len(file.name) > _HASH and not file.name.startswith(".")
    ]


def sort_claims(storage: Storage, before: datetime) -> tuple[list[Claim], list[Claim]]:
    """The claims that count, and those that no manifest will name any more.

    Claims first, then writers, then manifests: whose writer has ended has its manifest by then.

    Raises:
        IntegrityError: a manifest names a claim that is not there.
    """
    claims = list_claims(storage)
    at_work = set(storage.data_folders(WRITERS))
    named = {key: _named(storage, key) for key in {claim.key for claim in claims}}
    for key, names in named.items():
        known = {claim.name for claim in claims if claim.key == key}
        _check_there(storage, key, (names or set()) - known)
    live: list[Claim] = []
    stale: list[Claim] = []
    for claim in claims:
        names = named[claim.key]
        counts = names is None or claim.name in names
        counts = counts or claim.writer in at_work or claim.modified_at > before
        (live if counts else stale).append(claim)
    return live, stale


@contextmanager
def open_claims(storage: Storage, claims: Iterable[Claim]) -> Iterator[list[NameList]]:
    """Their names, looked into where they lie; a remote one is copied while the context lives.

    Raises:
        IntegrityError: one is damaged or gone.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(_open(storage, claim.path)) for claim in claims]


@contextmanager
def _open(storage: Storage, path: str) -> Iterator[NameList]:
    expected = path[-_HASH:]
    with storage.local_file(path, expected) as found, ExitStack() as stack:
        if found is None or found.sha256 != expected:
            raise IntegrityError(
                f"The list of objects {storage.locate(path)} is "
                + ("missing" if found is None else "damaged: its SHA-256 differs from its name"),
                hint="Restore this file from a backup; no object is removed before that",
                path=path,
            )
        yield NameList(_map(found.path, stack) if found.size_bytes else b"")


def open_claim(storage: Storage, key: Key, name: str) -> AbstractContextManager[NameList]:
    """The names of one claim; see `open_claims`."""
    return _open(storage, f"{claim_folder(key)}/{name}")


def _map(path: Path, stack: ExitStack) -> mmap.mmap:
    with path.open("rb") as file:
        return stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _named(storage: Storage, key: Key) -> set[str] | None:
    """Claims that manifests name; None when one is damaged: which claim it names is unknown."""
    log = ManifestLog(storage, key)
    manifests, damage = log.read_undamaged(log.numbers())
    return None if damage else {name for name in map(claim_of, manifests) if name is not None}


def _check_there(storage: Storage, key: Key, names: Iterable[str]) -> None:
    for name in names:  # one that was written since the listing is there
        if not storage.listing(claim_folder(key), name):
            path = f"{claim_folder(key)}/{name}"
            raise IntegrityError(
                f"The list of objects {storage.locate(path)} is missing, and a version names it",
                hint="Restore this file from a backup; no object is removed before that",
                path=path,
            )
