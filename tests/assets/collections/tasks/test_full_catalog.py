"""A catalog that can grow no more while a task works: the reason is told, nothing is lost, and a retry goes on."""

import random

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from assets.collections.tasks import working
from resources.stores.catalog.database import CatalogDatabase

NOTES = 150
PLENTY = 2**30


class Limit:
    """What SQLite lets the catalog grow to, in pages: with fewer it says what it says on a full disk."""

    def __init__(self) -> None:
        self.pages = PLENTY

    def fill(self, left: int) -> None:
        """Leaves so many pages more."""
        with CatalogDatabase.open().read() as connection:
            self.pages = left + connection.exec_driver_sql("pragma page_count").scalar()

    def set(self, connection, _record, _proxy) -> None:
        """Of each connection that is taken up; Dagster's own records are not limited."""
        files = [row[2] for row in connection.execute("pragma database_list")]
        if any(file.endswith("catalog.sqlite") for file in files):
            connection.execute(f"pragma max_page_count = {self.pages}")


@pytest.fixture
def limit():
    found = Limit()
    event.listen(Pool, "checkout", found.set)
    yield found
    found.pages = PLENTY
    event.remove(Pool, "checkout", found.set)


def test_a_full_catalog_ends_the_task_with_its_reason_and_a_retry_brings_in_the_rest(
    bench, limit, monkeypatch
):
    monkeypatch.setattr(working, "_LOT_ITEMS", 50)
    words = random.Random(1)  # texts that do not shrink
    for number in range(NOTES):
        text = " ".join(f"{words.getrandbits(40):x}" for _ in range(300))
        bench.put(f"n{number:03}.txt", text)
    task = bench.make("*.txt")
    limit.fill(75)
    ended = bench.start(task.id)
    assert (ended.state, "disk is full" in ended.reason) == ("failed", True)
    assert "Make room" in ended.reason
    assert 0 < ended.done < NOTES
    assert ended.can == ("retry", "delete")
    assert len(bench.in_collection()) == ended.done  # what is written down as done is there

    limit.pages = PLENTY
    done = bench.retry(task.id)
    assert (done.state, done.created, done.failed) == ("completed", NOTES, 0)
    assert len({row["id"] for row in bench.rows()}) == len(bench.rows()) == NOTES
