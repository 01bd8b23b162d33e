"""What the UI shows of a table: harmless whatever the data holds (T38)."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from resources.stores.ui_metadata import (
    SHOWN_CHARACTERS,
    escape_markdown,
    human_size,
    origin_texts,
    sample_markdown,
    short_float,
    shown_seconds,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 1.5", "plain 1.5"),
        ("a|b", "a\\|b"),
        ("`x`", "\\`x\\`"),
        ("<script>", "&lt;script>"),
        ("&lt;", "&amp;lt;"),
        ("![x](http://a)", "\\!\\[x\\](http://a)"),
        ("*b* _i_ ~s~", "\\*b\\* \\_i\\_ \\~s\\~"),
        ("a\\|b", "a\\\\\\|b"),
        ("two\nlines\r\n\ttab", "two lines tab"),
        ("\x00\x1b[31m", "\\[31m"),
        ("a\u202eb\u2066c\ufeff", "a b c"),
        ("x" * 61, "x" * 59 + "…"),
        ("", ""),
    ],
    ids=[
        "plain", "pipe", "backtick", "html", "entity", "image", "emphasis", "backslash", "lines",
        "terminal", "direction", "long", "empty",
    ],
)  # fmt: skip
def test_escaping(text, shown):
    assert escape_markdown(text) == shown


def test_a_cut_never_ends_inside_an_escape():
    for length in range(55, 65):
        shown = escape_markdown("|" * length)
        assert shown.replace("\\|", "").strip("…") == ""


def test_sample_of_awkward_values():
    table = pa.table(
        {
            "year 12000": pa.array([316516204800000000], pa.timestamp("us")),
            "nanos": pa.array([1], pa.timestamp("ns")),
            "span": pa.array([dt.timedelta(days=1)]),
            "blob": [b"123"],
            "list": [[1, None]],
            "null|": pa.array([None], pa.string()),
        }
    )
    header, _, row = sample_markdown(table).split("\n")
    assert header == "| year 12000 | nanos | span | blob | null\\| | list |"
    assert row.startswith("| 12000-01-")
    assert "00:00:00.000000001" in row
    assert row.endswith("| 3 bytes | *null* | \\[1, None\\] |")


def test_many_columns_and_no_rows():
    wide = pa.table({f"c{i}": [i] for i in range(100)})
    assert sample_markdown(wide).endswith("… and 70 more columns")
    assert sample_markdown(wide.slice(0, 0)) == "No rows."


@pytest.mark.parametrize("columns", [1, 3, 40])
def test_a_sample_is_short_enough_to_be_shown_without_a_click(columns):
    table = pa.table({f"column {n}": ["some words of text"] * 5 for n in range(columns)})
    shown = sample_markdown(table)
    assert len(shown) < SHOWN_CHARACTERS
    assert shown.startswith("| column 0 |")
    assert ("more columns" in shown) == (columns == 40)


def test_one_column_is_shown_however_wide():
    assert "wide" in sample_markdown(pa.table({"wide": ["x" * 60] * 30, "other": [1] * 30}))


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (5_290_143, "5.3 MB"),
        (999_960, "1.0 MB"),
        (3 * 10**15, "3000.0 TB"),
    ],
)
def test_sizes_for_people(size, shown):
    assert human_size(size) == shown


def test_figures_for_people():
    assert [shown_seconds(s) for s in (3.927322047999951, 114.31, 0.0123)] == [3.9, 114.3, 0.01]
    assert short_float(0.42340000000000001234) == 0.4234


def test_where_columns_come_from_is_their_description():
    many = [("flights", f"c{n}") for n in range(9)]
    assert origin_texts({"a": [("flights", "hour"), ("airlines", "name")], "b": [], "c": many}) == {
        "a": "from flights.hour, airlines.name",
        "c": "from flights.c0, flights.c1, flights.c2, flights.c3, flights.c4, flights.c5 and 3 more",
    }
