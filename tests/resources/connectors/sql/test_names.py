"""Names: what is quoted, refused, cut and read back (T16, 2c, E38)."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.connectors.sql.names import (
    check_table_name,
    choose_retired,
    identifier_length,
    is_internal_name,
    is_too_long,
    latest_view_name,
    parse_timestamped_name,
    quote_identifier,
    quote_literal,
    staging_name,
    timestamped_name,
)
from resources.kernel.errors import InputError, SchemaMismatchError

LIMITS = [(63, "bytes"), (64, "characters"), (128, "characters"), (128, "bytes")]
START = datetime(2026, 3, 29, 1, 2, 3, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
bases = st.text(st.characters(categories=["L", "N"], include_characters="_- $"), min_size=1).filter(
    lambda text: text == text.strip()
)
limits = st.sampled_from(LIMITS)
moments = st.datetimes(
    min_value=datetime(1000, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]),
)


@given(texts)
def test_a_quoted_name_means_exactly_itself(name: str) -> None:
    with sqlite3.connect(":memory:") as connection:
        cursor = connection.execute(f"SELECT 1 AS {quote_identifier(name)}")
        assert [column[0] for column in cursor.description] == [name]
        assert connection.execute(f"SELECT {quote_literal(name)}").fetchone() == (name,)
    connection.close()


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800"], ids=["empty", "nul", "surrogate"])
def test_what_no_database_can_name_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        quote_identifier(name)


@pytest.mark.parametrize(
    "name",
    [
        'a"b',
        "a'b",
        "a;b",
        "a\0b",
        "a.b",
        "a`b",
        "a\\b",
        "a\nb",
        "a/*b",
        "a(b)",
        " a",
        "a ",
        "",
        "a\u202eb",
        "a[b]",
    ],
    ids=repr,
)
def test_hostile_table_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot name a table"):
        check_table_name(name, (63, "bytes"))


@pytest.mark.parametrize("name", ["sales", "Sales 2024", "ventes_été", "販売", "a-b$c", "select"])
def test_ordinary_table_names_pass(name: str) -> None:
    assert check_table_name(name, (63, "bytes")) == name


@pytest.mark.parametrize("name", ["_exports", "_EXPORTS", "_stg_01234567_0123456789ab"])
def test_our_own_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="Waybill's own"):
        check_table_name(name, (63, "bytes"))


def test_the_limit_counts_bytes_or_characters() -> None:
    name = "é" * 40
    assert check_table_name(name, (64, "characters")) == name
    with pytest.raises(SchemaMismatchError, match="80 bytes long, the database allows 63"):
        check_table_name(name, (63, "bytes"))


def test_staging_names_are_ours_and_a_users_are_not() -> None:
    name = staging_name("sales", "run-1")
    assert len(name) == 26
    assert is_internal_name(name)
    assert staging_name("sales", "run-2") != name != staging_name("other", "run-1")
    assert not is_internal_name("_stg_mine")


@settings(max_examples=500)
@given(bases, moments, texts, limits)
def test_timestamped_names_fit_and_read_back(base, started_at, run_id, limit) -> None:
    name = timestamped_name(base, started_at, run_id, limit)
    assert name == timestamped_name(base, started_at.astimezone(UTC), run_id, limit)
    assert not is_too_long(name, limit)
    parsed = parse_timestamped_name(name)
    assert parsed is not None
    assert parsed.stamp == started_at.astimezone(UTC).replace(microsecond=0)
    fits = identifier_length(base, limit[1]) + 24 <= limit[0]
    assert (parsed.base == base) == fits
    assert not is_too_long(latest_view_name(base, limit), limit)


@settings(max_examples=200)
@given(bases, st.lists(moments, min_size=2, max_size=8), limits)
def test_timestamped_names_sort_by_time(base, starts, limit) -> None:
    named = [(s.astimezone(UTC).replace(microsecond=0), s) for s in starts]
    by_name = sorted(named, key=lambda pair: timestamped_name(base, pair[1], "run", limit))
    assert [stamp for stamp, _ in by_name] == sorted(stamp for stamp, _ in named)


def test_a_name_without_time_zone_is_refused() -> None:
    with pytest.raises(InputError, match="time zone"):
        timestamped_name("sales", datetime(2026, 1, 1), "run", (63, "bytes"))  # noqa: DTZ001 - the case


@pytest.mark.parametrize(
    "name",
    [
        "sales",
        "sales_20260101",
        "sales_20260101T000000Z",
        "sales_20261301T000000Z_abcdef",
        "sales_20260101T000000Z_ABCDEF",
        "sales_20260101T000000Z_abcdef_old",
        "_20260101T000000Z_abcdef",
    ],
)
def test_names_of_others_are_not_timestamped(name: str) -> None:
    assert parse_timestamped_name(name) is None


@settings(max_examples=200)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=12), st.integers(1, 5), limits)
def test_retention_keeps_the_newest_and_every_foreign_name(offsets, keep, limit) -> None:
    made = [
        timestamped_name("sales", START + timedelta(seconds=offset), f"r{offset}", limit)
        for offset in offsets
    ]
    foreign = ["sales_20260101", "sales", timestamped_name("sales_eu", START, "r", limit)]
    newest = timestamped_name("sales", START + timedelta(seconds=max(offsets)), "x", limit)
    retired = choose_retired([*made, *foreign], "sales", keep=keep, current=newest, limit=limit)
    left = set(made) - set(retired)
    assert not set(retired) & set(foreign)
    assert len(left) == min(keep, len(set(made)))
    assert not retired or max(retired) < min(left)


def test_of_one_second_the_table_of_its_own_run_is_the_newest() -> None:
    limit = (63, "bytes")
    names = sorted(timestamped_name("s", START, f"r{run}", limit) for run in range(3))
    for current in names:
        others = [name for name in names if name != current]
        assert choose_retired(names, "s", keep=2, current=current, limit=limit) == others[:1]


def test_retention_never_drops_the_table_of_its_own_run() -> None:
    limit = (63, "bytes")
    names = [timestamped_name("s", START + timedelta(days=day), "r", limit) for day in range(3)]
    assert choose_retired(names, "s", keep=1, current=names[0], limit=limit) == [names[1]]
    with pytest.raises(InputError, match="at least one"):
        choose_retired(names, "s", keep=0, current=names[0], limit=limit)
