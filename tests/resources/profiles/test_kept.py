"""Profiles beside their tables: what is kept comes back, and SQL reads the flat facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from resources.kernel.errors import NotFoundError, StorageError
from resources.profiles.kept import (
    find_profile,
    find_same_content,
    keep_profile,
    kept_profiles,
    profile_key,
    read_profile,
)
from resources.profiles.record import (
    Association,
    ColumnProfile,
    Distribution,
    Lengths,
    MissingPattern,
    Note,
    Profile,
    ProfiledVersion,
    SampleRows,
    TopValue,
)
from resources.stores.tables import TableStore

KEY = ("datasets", "orders")


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


def profile_of(version: int, columns: int = 2) -> Profile:
    price = ColumnProfile(
        name="price\0'\"🙂",
        position=0,
        type="decimal128(38, 2)",
        kind="number",
        missing=1,
        distinct=2,
        once=2,
        lowest="-99999999999999999999.25",
        highest=2**53,
        mean=1.5,
        quantiles=(1, 2.5, "12345678901234567890"),
        fences=(0.5, "9007199254740993"),
        top=(TopValue("1", 1, 1), TopValue("a…", 1)),
        distribution=Distribution("histogram", (1, 1), edges=(0, 1, 2), above=1),
        warnings=("nans", "skewed"),
    )
    more = [
        ColumnProfile(f"c{place}", place, "string", "text", 0, lengths=Lengths(0, 1.5, 2))
        for place in range(1, columns)
    ]
    return Profile(
        of=ProfiledVersion(KEY, version, f"content {version}"),
        made_at="2026-11-30T00:00:00+00:00",
        seconds=0.5,
        rows=3,
        size_bytes=100,
        memory_bytes=200,
        missing_cells=1,
        duplicate_rows=None,
        columns=(price, *more),
        associations=(Association("a", "b", "cramers_v", 0.25, 3),),
        missingness=(MissingPattern(("a", "b"), 2),),
        sample=SampleRows(("a",), (("1",), (None,))),
        notes=(Note("associations", "of a sample", ("a",), 100, 7),),
    )


def test_a_profile_comes_back_as_it_was_kept(store: TableStore) -> None:
    kept = profile_of(1, columns=2_500)
    keep_profile(store, kept, run_id="r1")
    assert read_profile(store, KEY) == kept


def test_each_version_of_a_table_has_its_own_profile_and_equal_rows_share_one(
    store: TableStore,
) -> None:
    for version in (1, 2):
        keep_profile(store, profile_of(version), run_id=f"r{version}")
    assert read_profile(store, KEY, 1).of.version == 1
    assert read_profile(store, KEY).of.version == 2
    same = find_same_content(kept_profiles(store, KEY), "content 1")
    assert same is not None
    assert same.properties["profile_of"] == 1
    assert find_profile(store, KEY, 3) is None
    with pytest.raises(NotFoundError, match="no profile of version 3 of orders"):
        read_profile(store, KEY, 3)


def test_sql_reads_the_flat_facts(store: TableStore) -> None:
    keep_profile(store, profile_of(1), run_id="r1")
    table = store.read(profile_key(KEY)).relation(connection := duckdb.connect())
    found = table.project("name, lowest, missing, most_length, warnings").fetchall()
    connection.close()
    assert found == [
        ("price\0'\"🙂", "-99999999999999999999.25", 1, None, "nans,skewed"),
        ("c1", None, 0, 2, ""),
    ]


def test_a_profile_of_a_newer_waybill_is_refused(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.profiles.kept.FORMAT", 2)
    keep_profile(store, replace(profile_of(1), format=2), run_id="r1")
    monkeypatch.undo()
    with pytest.raises(StorageError, match="upgrade"):
        read_profile(store, KEY)
