"""The profile of a version, made where there is none: computed, or that of the same rows in another version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from resources.kernel.keys import Key
from resources.profiles.kept import (
    content_of,
    find_same_content,
    keep_profile,
    kept_profiles,
    profile_in,
)
from resources.profiles.record import FORMAT, Profile, ProfiledVersion
from resources.stores.manifest import Manifest
from resources.stores.tables import StoredTable, TableStore


def profile_among(found: Sequence[Manifest], version: int) -> Manifest | None:
    """The newest profile of a version, if it is as this Waybill writes it."""
    own = (one for one in found if one.properties.get("profile_of") == version)
    newest = next(own, None)
    is_current = newest is not None and newest.properties.get("profile_format") == FORMAT
    return newest if is_current else None


def has_profile(tables: TableStore, key: Key, version: int) -> bool:
    """Whether a version has a profile as this Waybill writes it."""
    return profile_among(kept_profiles(tables, key), version) is not None


def make_profile(
    tables: TableStore,
    key: Key,
    table: StoredTable,
    *,
    run_id: str,
    attempt: int = 0,
    tell: Callable[[str], None] = lambda _: None,
    found: Sequence[Manifest] | None = None,
) -> tuple[Profile, bool]:
    """Keeps the profile of a version, and says whether it was computed; else it is that of the same rows.

    Args:
        tables: where both are kept.
        key: of the table.
        table: the version.
        run_id: of the run that asks.
        attempt: number of the retry.
        tell: hears of each step.
        found: the profiles of the table, if somebody has just looked.

    Raises:
        WaybillError: as of `compute_profile`.
    """
    from resources.profiles.compute import compute_profile

    content = content_of(table.version)
    there = kept_profiles(tables, key) if found is None else found
    same = find_same_content(there, content)
    is_new = same is None or same.properties["profile_of"] == table.version.number
    if same is None or is_new:
        profile = compute_profile(key, table, tell=tell)
    else:
        of = ProfiledVersion(key, table.version.number, content)
        profile = replace(profile_in(tables, key, same), of=of)
    keep_profile(tables, profile, run_id=run_id, attempt=attempt)
    return profile, is_new
