"""Keys sort by their bytes, equal ones by their place."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.classifications.reading.order import is_ascending, order_keys

PIECES = st.sampled_from(
    ["", "a", "b", "aaaaaaaa", "sku-0000", "é", "\uffff", "\U00010000", "x" * 40, "\x01"]
)
KEYS = st.lists(st.lists(PIECES, min_size=1, max_size=4).map("".join), max_size=30)


@settings(max_examples=200, deadline=None)
@given(KEYS)
def test_like_sorted_bytes(keys: list[str]) -> None:
    array = pa.array(keys, pa.string())
    expected = sorted(range(len(keys)), key=lambda place: keys[place].encode())
    assert order_keys(array).tolist() == expected
    places = sorted(set(keys), key=str.encode)
    assert is_ascending(array) == (keys == places)


def test_a_part_of_an_array() -> None:
    array = pa.array(["z", "b", "a", "b", "a", "y"]).slice(1, 4)
    assert order_keys(array).tolist() == [1, 3, 0, 2]
