"""Tasks found: states and search together, the counts of all tabs, every order page by page."""

import pytest

from resources.stores.catalog.import_tasks.listing import SORTS, TaskListing, TaskSearch, place
from tests.resources.stores.catalog.import_tasks.conftest import new_task

NAMES = ["Äpfel 100%", "reports 2026", "Reports 2025", "news", "NEWS_old", "b", "a"]


@pytest.fixture
def listing(tasks, database):
    for number, name in enumerate(NAMES):
        made = tasks.create(new_task(str(number), name))
        if number % 2:
            tasks.act(made.id, "start", "ada", run_id=f"r{number}")
    tasks.create(new_task("x", "reports of another project", project="else"))
    return TaskListing(database)


def names(found) -> list[str]:
    return [task.name for task in found]


def test_state_and_search_hold_together_and_tabs_count_the_same_search(listing):
    wanted = TaskSearch("shop", ("importing",), "rEPORTS")
    assert names(listing.page(wanted, limit=10)) == ["reports 2026"]
    assert listing.counts(wanted) == {"importing": 1, "not_started": 1}
    assert listing.counts(TaskSearch("shop")) == {"importing": 3, "not_started": 4}
    assert names(listing.page(TaskSearch("shop", q="ÄPFEL"), limit=10)) == ["Äpfel 100%"]
    assert names(listing.page(TaskSearch("shop", q="0%"), limit=10)) == ["Äpfel 100%"]
    assert names(listing.page(TaskSearch("shop", q="_"), limit=10)) == ["NEWS_old"]
    assert listing.page(TaskSearch("shop", target="other"), limit=10) == []


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
def test_pages_in_any_order_hold_each_task_once(listing, sort, descending):
    wanted = TaskSearch("shop", sort=sort, descending=descending)
    whole = names(listing.page(wanted, limit=100))
    found, after = [], None
    while page := listing.page(wanted, after=after, limit=3):
        found += names(page)
        after = place(page[-1], sort)
    assert found == whole
    assert sorted(found) == sorted(NAMES)
