"""Profiles go when their table's versions go, and stay as long: a tagged version keeps its profile, a removed dataset leaves none.

Numbers of profiles are not those of the versions that they are of, so neither age nor order of profiles tells which may go.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from resources.kernel.errors import GoneError, IntegrityError, NotFoundError
from resources.kernel.keys import Key
from resources.profiles.kept import ORIGIN, kept_profiles, profile_key
from resources.stores.collect import DEFAULT_GRACE
from resources.stores.manifest import Manifest
from resources.stores.versions import VersionStore


def collect_profiles(
    store: VersionStore,
    key: Key,
    found: Sequence[Manifest] | None = None,
    *,
    grace: timedelta = DEFAULT_GRACE,
) -> None:
    """Removes profiles of versions that are gone, and those that a newer one of the same version took the place of.

    Each after the store's period of grace, like any version that is superseded. The newest profile stays.

    Args:
        store: where table and profiles are kept.
        key: of the table.
        found: its profiles, if somebody has just looked; the newest stays even if it was made since then.
        grace: how long what was superseded stays at least.
    """
    there = set(store.item(key).numbers())
    newest: dict[object, int] = {}
    for manifest in kept_profiles(store, key) if found is None else found:
        of = manifest.properties.get("profile_of")
        if of in there:
            newest.setdefault(of, manifest.number)
    store.item(profile_key(key)).collect(keep=1, grace=grace, wanted=set(newest.values()))


def remove_profiles(store: VersionStore, key: Key, *, by: str = "") -> int:
    """Removes the profiles of a table that was removed, and says how many bytes that set free.

    What somebody keeps under that key that is no profile stays.

    Raises:
        StorageError: the store refuses; a second call goes on.
    """
    item = store.item(profile_key(key))
    with suppress(IntegrityError, NotFoundError, GoneError):
        newest = item.latest()
        if newest is not None and newest.properties.get("origin") != ORIGIN:
            return 0
    return store.remove(item.key, by=by, with_tags=True).freed_bytes
