"""Items of tasks: listed once however often it is tried, settled once, counted in the task's row."""

from resources.import_tasks.sources import SourceItem
from resources.stores.catalog.import_tasks.records import ItemResult
from tests.resources.stores.catalog.import_tasks.conftest import new_task


def source_items(*numbers: int) -> list[SourceItem]:
    return [SourceItem(f"F{n}.pdf", f"s3://lake/{'x' * 3_000}{n}", n, f"e{n}") for n in numbers]


def test_a_listing_that_begins_anew_adds_what_is_new(tasks, items):
    made = tasks.create(new_task())
    assert items.add(made.id, source_items(1, 2, 3)) == 3
    assert items.add(made.id, source_items(2, 3, 4, 4)) == 1
    assert [item.number for item in items.page(made.id)] == [1, 2, 3, 4]
    assert tasks.find(made.id).total == 4
    assert tasks.find(made.id).listed_at is None
    items.note_listed(made.id)
    assert tasks.find(made.id).listed_at is not None


def test_what_is_known_to_be_unchanged_is_never_taken_up(tasks, items):
    made = tasks.create(new_task())
    listed = source_items(1, 2, 3)
    items.add(made.id, listed, unchanged={listed[1].reference: 70})
    assert [item.number for item in items.pending(made.id)] == [1, 3]
    [known] = items.page(made.id, state="skipped")
    assert (known.outcome, known.target_item) == ("unchanged", 70)  # a link leads there
    stored = tasks.find(made.id)
    assert (stored.total, stored.skipped, stored.unchanged, stored.pending) == (3, 1, 1, 2)


def test_what_became_of_an_item_is_written_down_once(tasks, items):
    made = tasks.create(new_task())
    items.add(made.id, source_items(1, 2, 3, 4))
    results = [
        ItemResult(1, "done", "created", sha256="ab", size=7, target_item=70),
        ItemResult(2, "failed", rule="encrypted", message="It is\0 encrypted"),
        ItemResult(3, "skipped", "duplicate", message="as F1.pdf"),
    ]
    assert items.settle(made.id, results) == 3
    assert items.settle(made.id, [ItemResult(1, "failed", rule="empty"), *results[1:]]) == 0
    stored = tasks.find(made.id)
    assert (stored.done, stored.failed, stored.skipped, stored.pending) == (1, 1, 1, 1)
    assert (stored.created, stored.duplicates) == (1, 1)
    first, second = items.page(made.id, limit=2)
    assert (first.state, first.sha256, first.size, first.target_item) == ("done", "ab", 7, 70)
    assert (second.rule, second.message, second.attempts) == ("encrypted", "It is encrypted", 1)
    assert [item.number for item in items.all_of(made.id, "failed")] == [2]
    assert [item.number for item in items.page(made.id, q="f3")] == [3]
    assert items.page(made.id, q="%") == []
