"""Import tasks on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from resources.import_tasks.definition import parse_definition
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from resources.stores.catalog.import_tasks.records import TaskRequest


@pytest.fixture
def database(config):
    return CatalogDatabase(config)


@pytest.fixture
def tasks(database):
    return ImportTaskCatalog(database)


@pytest.fixture
def items(database):
    return TaskItemCatalog(database)


def new_task(key: str = "k", name: str = "", *, project: str = "shop", via="api") -> TaskRequest:
    definition = parse_definition(
        {
            "name": name,
            "target": {"kind": "collection", "name": "docs", "folder": "in"},
            "source": {"type": "connector", "connector": "lake", "path": "**/*.pdf"},
        }
    )
    return TaskRequest(project, key, definition, via, "ada")
