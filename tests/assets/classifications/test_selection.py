"""Filters of a download (F135)."""

from __future__ import annotations

import pyarrow as pa
import pytest

from assets.classifications.selection import Selection, select
from resources.kernel.errors import InputError, UnknownNameError
from tests.assets.classifications.sets import SET

STATE = pa.Table.from_pylist(
    [
        {"Key": "A-1", "Brand": "Cedar", "Stock": 5, "Price": 1.5, "Tags": ["p", "q"]},
        {"Key": "a-1", "Brand": "Oak", "Stock": 7},
        {"Key": "a-2", "Brand": "oak", "Price": 0.1, "Tags": ["r"]},
        {"Key": "a-3"},
    ],
    schema=SET.arrow,
)
CASES = {
    "all": (Selection(), ["A-1", "a-1", "a-2", "a-3"]),
    "keys": (Selection(keys=("a-2", "A-1", "no")), ["A-1", "a-2"]),
    "no-keys": (Selection(keys=()), []),
    "key-regex": (Selection(key_regex="^a.*[12]$"), ["a-1", "a-2"]),
    "equals-text": (Selection(equals={"Brand": "Oak"}), ["a-1"]),
    "equals-integer": (Selection(equals={"Stock": "7"}), ["a-1"]),
    "equals-float": (Selection(equals={"Price": "0.1"}), ["a-2"]),
    "equals-element": (Selection(equals={"Tags": "q"}), ["A-1"]),
    "matches": (Selection(matches={"Brand": "(?i)^oak$", "Price": "."}), ["a-2"]),
    "matches-element": (Selection(matches={"Tags": "[qr]"}), ["A-1", "a-2"]),
    "classified": (Selection(classified="classified"), ["A-1", "a-1", "a-2"]),
    "unclassified": (Selection(classified="unclassified"), ["A-1", "a-1", "a-2", "a-3"]),
    "bare": (Selection(classified="bare"), ["a-3"]),
    "without a text": (Selection(equals={"Brand": ""}), ["a-3"]),
    "without a number": (Selection(equals={"Price": ""}), ["a-1", "a-3"]),
    "without a list": (Selection(equals={"Tags": "", "Stock": "7"}), ["a-1"]),
    "matches nothing": (Selection(matches={"Tags": "^$"}), ["a-1", "a-3"]),
    "a float by value": (Selection(equals={"Price": "1.50"}), ["A-1"]),
    "a float as an exponent": (Selection(equals={"Price": "1e-1"}), ["a-2"]),
    "an integer by value": (Selection(equals={"Stock": "+7.0"}), ["a-1"]),
    "an integer that is none": (Selection(equals={"Stock": "7.5"}), []),
    "an integer beyond 64 bits": (Selection(equals={"Stock": "1" + "0" * 30}), []),
    "after": (Selection(after="a-1"), ["a-2", "a-3"]),
    "after none": (Selection(after="Z", limit=2), ["a-1", "a-2"]),
    "first of a regex": (Selection(key_regex="^a", limit=2), ["a-1", "a-2"]),
    "together": (Selection(key_regex="1$", classified="classified", limit=1), ["A-1"]),
}


@pytest.mark.parametrize(("selection", "keys"), CASES.values(), ids=CASES)
@pytest.mark.parametrize(
    "state",
    [STATE, pa.concat_tables([STATE.slice(0, 2), STATE.slice(2)])],
    ids=["one-chunk", "chunks"],
)
def test_selection(state: pa.Table, selection: Selection, keys: list[str]) -> None:
    assert select(state, selection)["Key"].to_pylist() == keys


def test_unknown_column_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"'brand'.*Brand"):
        select(STATE, Selection(equals={"brand": "x"}))


@pytest.mark.parametrize(("column", "text"), [("Stock", "x"), ("Price", "nan "), ("Stock", "inf")])
def test_a_number_is_asked_for_as_a_number(column: str, text: str) -> None:
    with pytest.raises(InputError, match=f"'{column}' holds numbers"):
        select(STATE, Selection(equals={column: text}))


@pytest.mark.parametrize(
    "selection",
    [Selection(key_regex="("), Selection(matches={"Tags": "(?=x)"})],
    ids=["key", "value"],
)
def test_bad_regular_expression(selection: Selection) -> None:
    with pytest.raises(InputError, match="RE2"):
        select(STATE, selection)
