"""What tasks bring into collections is found by the task, on SQLite and on PostgreSQL."""

import pytest

from resources.collections.filters import FilterError
from resources.import_tasks.sources import SourceItem
from resources.kernel.errors import InputError
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.import_tasks.collecting import (
    BroughtItem,
    TaskCollecting,
    TaskFolder,
)
from tests.resources.stores.catalog.import_tasks.conftest import new_task


@pytest.fixture
def bring(database, tasks, items):
    def one_task(key: str, content: str, *names: str) -> int:
        task = tasks.create(new_task(key))
        listed = [SourceItem(name, f"s3://lake/{name}", 1, content) for name in names]
        items.add(task.id, listed)
        brought = [
            BroughtItem(n, "text", one.reference, one.name, content + one.name, 1, content, "")
            for n, one in enumerate(listed, 1)
        ]
        TaskCollecting(database, TaskFolder(task.id, "docs", "in")).settle([], brought)
        return task.id

    return one_task


@pytest.fixture
def found(database):
    def titles(filter_text: str) -> list[str]:
        catalog = ItemCatalog(database)
        page = catalog.items("docs", filter_text=filter_text, limit=100)
        assert catalog.count("docs", filter_text) == len(page.items)
        return [one.title for one in page.items]

    return titles


def test_items_are_found_by_the_task_that_brought_them_last(bring, found):
    first, second = bring("1", "old", "a", "b", "c"), bring("2", "new", "c", "d")
    third = bring("3", "new", "c")  # finds it unchanged
    assert found(f"import_task = {first}") == ["a", "b"]
    assert found(f"import_task = {second}") == ["c", "d"]
    assert found(f"import_task in ({third}, 2147483647)") == []
    assert found(f"import_task != {second}") == ["a", "b"]
    assert found(f"import_task >= {second} and not title = d") == ["c"]
    assert found(f"import_task in {first}..{second} and folder = in") == ["a", "b", "c", "d"]
    assert found("import_task missing") == []
    assert found("import_task exists") == ["a", "b", "c", "d"]


@pytest.mark.parametrize("number", ["5.5", "-1", "2147483648", "1e300", "\u0665", "x"])
def test_what_is_no_number_of_a_task_is_refused(bring, found, number):
    bring("1", "old", "a")
    with pytest.raises(FilterError, match="a whole number"):
        found(f'import_task = "{number}"')


def test_tasks_are_no_order(database, bring):
    bring("1", "old", "a")
    with pytest.raises(InputError, match="cannot be sorted"):
        ItemCatalog(database).items("docs", sort="import_task")
