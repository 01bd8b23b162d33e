"""What the UI shows of a table: harmless whatever the data holds (T38)."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from resources.stores.ui_metadata import escape_markdown, sample_markdown


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
    assert header == "| year 12000 | nanos | span | blob | list | null\\| |"
    assert row.startswith("| 12000-01-")
    assert "00:00:00.000000001" in row
    assert row.endswith("| 3 bytes | \\[1, None\\] | *null* |")


def test_many_columns_and_no_rows():
    wide = pa.table({f"c{i}": [i] for i in range(100)})
    assert sample_markdown(wide).endswith("… and 70 more columns")
    assert sample_markdown(wide.slice(0, 0)) == "No rows."
