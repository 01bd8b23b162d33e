"""Filters, counts, order and pages of the list of datasets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestration.services.dataset_list import DatasetSummary
from orchestration.services.dataset_query import SORTS, DatasetQuery, in_order, page_of
from resources.kernel.errors import InputError


def line(name, origin="datasource", status="ready", rows=None, title="", day=1):
    made = None if rows is None else datetime(2026, 1, day, tzinfo=UTC)
    version = None if rows is None else 1
    return DatasetSummary(name, origin, status, rows, version, version, rows, made, title or name)


FOUND = [
    line("orders", rows=7, title="Orders of the Shop"),
    line("totals", "pipeline output", "failed", rows=1, day=2),
    line("joined", "pipeline intermediate", rows=7, day=3),
    line("sets", "upload", "pending"),
    line("returns", "upload", "pending"),
]


def names(page):
    return [found.name for found in page.items]


def test_several_origins_and_statuses_at_once():
    query = DatasetQuery.of(origins=["upload", "pipeline_output"], statuses=["pending", "failed"])
    assert names(page_of(FOUND, query)) == ["returns", "sets", "totals"]


def test_counts_say_what_another_choice_would_show():
    page = page_of(FOUND, DatasetQuery.of(origins=["upload"], statuses=["ready"], search="o"))
    assert (page.total, names(page)) == (0, [])
    assert page.origins == {
        "upload": 0, "datasource": 1, "pipeline output": 0, "pipeline intermediate": 1,
    }  # fmt: skip
    assert page.statuses["pending"] == 0, "neither `returns` nor `sets` has an o"
    assert sum(page_of(FOUND, DatasetQuery()).origins.values()) == 5


@pytest.mark.parametrize("text", ["ORDER", "of the shop", " Shop "])
def test_a_search_looks_at_name_and_title_in_any_case(text):
    assert names(page_of(FOUND, DatasetQuery.of(search=text))) == ["orders"]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_go_through_every_line_once_in_the_order_of_the_whole(sort, descending):
    whole = [d.name for d in in_order(FOUND, DatasetQuery(sort=sort, descending=descending))]
    seen, cursor = [], ""
    while True:
        page = page_of(
            FOUND, DatasetQuery(sort=sort, descending=descending, limit=2, cursor=cursor)
        )
        seen += names(page)
        if page.next is None:
            break
        cursor = page.next
    assert sorted(seen) == sorted(whole)
    assert [SORTS[sort](d) for d in map(_named, seen)] == [
        SORTS[sort](d) for d in map(_named, whole)
    ]
    if sort in ("rows", "updated", "version"):
        assert set(seen[-2:]) == {"returns", "sets"}, "what has no value comes last"


def _named(name):
    return next(found for found in FOUND if found.name == name)


def test_lines_that_come_and_go_move_no_other_line():
    first = page_of(FOUND, DatasetQuery(limit=2))
    assert names(first) == ["joined", "orders"]
    later = [line("added_before"), *[d for d in FOUND if d.name != "joined"]]
    assert names(page_of(later, DatasetQuery(limit=2, cursor=first.next))) == ["returns", "sets"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"origins": ["transform"]}, "Known: upload, datasource, pipeline output"),
        ({"statuses": ["materialized"]}, "Known: pending, queued, running, ready"),
        ({"sort": "colour"}, "Known: name, title"),
        ({"limit": 0}, "1 to 1000"),
    ],
)
def test_a_word_that_there_is_not_is_answered_with_those_that_there_are(given, said):
    with pytest.raises(InputError, match=said):
        DatasetQuery.of(**given)


@pytest.mark.parametrize("cursor", ["x", "!!", "e30", "WzFd" * 3, "\u0663"])
def test_a_cursor_of_something_else_is_refused(cursor):
    with pytest.raises(InputError):
        page_of(FOUND, DatasetQuery(cursor=cursor))
