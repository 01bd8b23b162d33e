"""Lists a page at a time: nothing twice, nothing left out, whatever comes and goes meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.services.paging import MOST, Page, decode_cursor, encode_cursor, paged
from resources.kernel.errors import InputError

VALUES = st.one_of(st.none(), st.integers(-5, 5), st.text(max_size=3))


def walk(items, limit, *, descending=False, between=lambda: None) -> list:
    seen, cursor = [], None
    while True:
        page = paged(items, lambda item: item, cursor=cursor, limit=limit, descending=descending)
        seen += page.items
        cursor = page.next
        if cursor is None:
            return seen
        between()


@given(st.sets(VALUES, max_size=30), st.integers(1, 7), st.booleans())
def test_pages_together_are_the_list(firsts, limit, descending):
    items = [(first, number) for number, first in enumerate(firsts)]
    whole = paged(items, lambda item: item, limit=MOST, descending=descending)
    assert walk(items, limit, descending=descending) == list(whole.items)
    assert sorted(map(repr, whole.items)) == sorted(map(repr, items))
    assert whole.total == len(items)


def test_none_comes_last_either_way():
    items = [(None, 1), (3, 2), (1, 3)]
    assert paged(items, lambda item: item).items == ((1, 3), (3, 2), (None, 1))
    assert paged(items, lambda item: item, descending=True).items == ((3, 2), (1, 3), (None, 1))


def test_what_goes_meanwhile_moves_nothing():
    items = [(number,) for number in range(10)]

    def remove_the_first():
        items.pop(0)

    assert walk(items, 3, between=remove_the_first) == [(number,) for number in range(10)]


@pytest.mark.parametrize("cursor", ["", "x", "%%%", encode_cursor([1])[:-2], "eyJhIjoxfQ"])
def test_no_cursor_of_a_list(cursor):
    with pytest.raises(InputError, match="no cursor"):
        paged([(1,), (2,)], lambda item: item, cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, MOST + 1])
def test_a_limit_out_of_bounds(limit):
    with pytest.raises(InputError, match="1 to 1000"):
        paged([], lambda item: item, limit=limit)


def test_an_empty_list_has_one_page():
    assert paged([], lambda item: item) == Page((), None, 0)


@given(st.lists(st.one_of(st.none(), st.integers(), st.text()), max_size=4))
def test_a_cursor_holds_its_place(place):
    assert decode_cursor(encode_cursor(place)) == place
