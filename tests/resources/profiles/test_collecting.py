"""Profiles stay as long as the versions that they are of: collected with them, kept with a tagged one, removed with the dataset."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from resources.kernel.records import BatchStream
from resources.profiles.collecting import collect_profiles, remove_profiles
from resources.profiles.kept import find_profile, kept_profiles, profile_key
from resources.profiles.making import make_profile, profile_among
from resources.stores.local import LocalStorage
from resources.stores.tables import TableStore

KEY = ("datasets", "orders")
AT_ONCE = timedelta(0)


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


def put(store: TableStore, run_id: str, rows: int, key: tuple[str, ...] = KEY) -> None:
    table = pa.table({"id": list(range(rows))})
    store.write_stream(
        key, lambda: BatchStream(table.schema, iter(table.to_batches())), run_id=run_id
    )


def profiled(store: TableStore, versions: int) -> None:
    for number in range(1, versions + 1):
        put(store, f"run-{number}", number)
        make_profile(store, KEY, store.read(KEY), run_id=f"profile-{number}")


def of_versions(store: TableStore) -> list[object]:
    return [manifest.properties["profile_of"] for manifest in kept_profiles(store, KEY)]


def test_the_profile_of_a_tagged_version_stays_and_those_of_collected_ones_go(
    store: TableStore,
) -> None:
    profiled(store, 5)
    store.item(KEY).tagging.tag("train", 1, by="ada")
    store.collect(KEY, keep=2, grace=AT_ONCE)
    assert store.item(KEY).numbers() == [1, 4, 5]
    collect_profiles(store, KEY, grace=AT_ONCE)
    assert of_versions(store) == [5, 4, 1]

    store.item(KEY).tagging.untag("train")
    store.collect(KEY, keep=1, grace=AT_ONCE)
    collect_profiles(store, KEY, grace=AT_ONCE)
    assert of_versions(store) == [5]


def test_what_was_just_superseded_keeps_its_profile_for_the_period_of_grace(
    store: TableStore,
) -> None:
    profiled(store, 3)
    store.collect(KEY, keep=1, grace=AT_ONCE)
    collect_profiles(store, KEY)
    assert of_versions(store) == [3, 2, 1]


def test_an_older_version_profiled_later_takes_no_place_from_a_newer_one(store: TableStore) -> None:
    profiled(store, 2)
    for turn in range(4):
        make_profile(store, KEY, store.read(KEY, 1), run_id=f"again-{turn}")
    collect_profiles(store, KEY, grace=AT_ONCE)
    assert of_versions(store) == [1, 2]
    assert find_profile(store, KEY, 2) is not None


def test_a_removed_table_leaves_no_profile(store: TableStore, tmp_path: Path) -> None:
    profiled(store, 2)
    store.remove(KEY)
    assert remove_profiles(store, KEY, by="ada") > 0
    assert kept_profiles(store, KEY) == ()
    assert not list((tmp_path / "store").rglob("*.parquet"))
    assert remove_profiles(store, KEY) == 0

    put(store, "run-9", 4)
    made, is_new = make_profile(store, KEY, store.read(KEY), run_id="profile-9")
    assert (made.of.version, is_new) == (3, True)


def test_what_is_no_profile_stays_under_that_key(store: TableStore) -> None:
    put(store, "own", 3, profile_key(KEY))
    assert remove_profiles(store, KEY) == 0
    assert store.read(profile_key(KEY)).rows == 3


def test_one_look_at_the_profiles_is_enough(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, none of their manifests is read again and again on the way of an import."""
    profiled(store, 6)
    put(store, "run-7", 7)
    read: Counter[str] = Counter()
    plain = LocalStorage.read_many

    def counted(self, paths, *args):
        paths = list(paths)
        read.update(path for path in paths if "/profile/v/" in path)
        return plain(self, paths, *args)

    monkeypatch.setattr(LocalStorage, "read_many", counted)
    found = kept_profiles(store, KEY)
    assert profile_among(found, 7) is None
    make_profile(store, KEY, store.read(KEY), run_id="profile-7", found=found)
    # A second time by the publisher, which asks whether this run has published already.
    assert (len(read), max(read.values())) == (6, 2)
