"""The profile of a version, made where there is none: computed, or that of the same rows in another version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from resources.kernel.keys import Key
from resources.profiles.kept import (
    content_of,
    find_profile,
    find_same_content,
    keep_profile,
    profile_in,
)
from resources.profiles.record import FORMAT, Profile, ProfiledVersion
from resources.stores.tables import StoredTable, TableStore


def has_profile(tables: TableStore, key: Key, version: int) -> bool:
    """Whether a version has a profile as this Waybill writes it."""
    found = find_profile(tables, key, version)
    return found is not None and found.properties.get("profile_format") == FORMAT


def make_profile(
    tables: TableStore,
    key: Key,
    table: StoredTable,
    *,
    run_id: str,
    attempt: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Profile, bool]:
    """Keeps the profile of a version, and says whether it was computed; else it is that of the same rows.

    Args:
        tables: where both are kept.
        key: of the table.
        table: the version.
        run_id: of the run that asks.
        attempt: number of the retry.
        tell: hears of each step.

    Raises:
        WaybillError: as of `compute_profile`.
    """
    from resources.profiles.compute import compute_profile

    content = content_of(table.version)
    same = find_same_content(tables, key, content)
    is_new = same is None or same.properties["profile_of"] == table.version.number
    if same is None or is_new:
        profile = compute_profile(key, table, tell=tell)
    else:
        of = ProfiledVersion(key, table.version.number, content)
        profile = replace(profile_in(tables, key, same), of=of)
    keep_profile(tables, profile, run_id=run_id, attempt=attempt)
    return profile, is_new
