"""Collections on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.database import CatalogDatabase


@pytest.fixture
def open_collections(config):
    """Opens the same catalog anew, in a forked child too."""
    return lambda: CollectionCatalog(CatalogDatabase(config))


@pytest.fixture
def collections(open_collections):
    return open_collections()
