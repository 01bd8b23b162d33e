"""Profiles in memory: read once, told apart from later ones under the same number, and no more than there is room for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest

from resources.kernel.errors import IntegrityError
from resources.kernel.records import BatchStream
from resources.profiles import remembered
from resources.profiles.kept import find_profile, profile_in, profile_key
from resources.profiles.making import make_profile
from resources.profiles.remembered import remembered_profile
from resources.stores.tables import TableStore

KEY = ("datasets", "orders")


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    found = TableStore.open(str(tmp_path / "store"))
    for number in (1, 2, 3):
        table = pa.table({f"c{place}": [number] for place in range(10)})
        found.write_stream(
            KEY,
            lambda table=table: BatchStream(table.schema, iter(table.to_batches())),
            run_id=f"r{number}",
        )
        make_profile(found, KEY, found.read(KEY), run_id=f"p{number}")
    return found


def test_a_profile_is_read_once(store: TableStore, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = find_profile(store, KEY, 1)
    first = remembered_profile(store, KEY, manifest)
    assert first == profile_in(store, KEY, manifest)
    monkeypatch.setattr(remembered, "profile_in", None)
    assert remembered_profile(store, KEY, manifest) is first


def test_one_whose_bytes_are_others_is_another(store: TableStore) -> None:
    """A store that was restored from a backup gives a number to other rows."""
    manifest = find_profile(store, KEY, 1)
    remembered_profile(store, KEY, manifest)
    file = dataclasses.replace(manifest.files[0], sha256="0" * 64)
    with pytest.raises(IntegrityError):
        remembered_profile(store, KEY, dataclasses.replace(manifest, files=(file,)))


def test_there_is_room_for_so_many_columns(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered._lately, "most", 20)
    found = [find_profile(store, KEY, number) for number in (1, 2, 3)]
    kept = [remembered_profile(store, KEY, manifest) for manifest in found]
    assert remembered_profile(store, KEY, found[2]) is kept[2]
    assert remembered_profile(store, KEY, found[1]) is kept[1]
    assert remembered_profile(store, KEY, found[0]) is not kept[0]
    assert store.item(profile_key(KEY)).numbers() == [1, 2, 3]
    monkeypatch.setattr(remembered, "MOST_COLUMNS", 5)
    assert remembered_profile(store, KEY, found[0]) == kept[0]
