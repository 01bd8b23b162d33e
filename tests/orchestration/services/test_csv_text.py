import csv
import io
from datetime import UTC, datetime

import pytest

from orchestration.services.csv_text import csv_lines, harmless

MOMENT = datetime(2026, 11, 30, 12, 5, 7, 999, tzinfo=UTC)


def test_rows_come_back_as_they_were_written():
    rows = [
        {"name": 'a "b", c\nd', "size": 3, "when": MOMENT, "note": None},
        {"name": "ä日本", "size": 0, "when": MOMENT, "note": ""},
    ]
    text = "".join(csv_lines(("name", "size", "when", "note"), rows))
    assert list(csv.reader(io.StringIO(text))) == [
        ["name", "size", "when", "note"],
        ['a "b", c\nd', "3", "2026-11-30T12:05:07+00:00", ""],
        ["ä日本", "0", "2026-11-30T12:05:07+00:00", ""],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx"])
def test_nothing_is_computed_by_a_spreadsheet(text):
    assert harmless(text) == f"'{text}"
    assert next(csv.reader(list(csv_lines(("a",), [{"a": text}]))[1:])) == [f"'{text}"]


def test_plain_text_stays():
    assert harmless("a=b") == "a=b"
