"""A catalog on SQLite and one on PostgreSQL: what is promised holds on both."""

from __future__ import annotations

import pytest

from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def config(request, tmp_path):
    if request.param == "sqlite":
        return sqlite_config(tmp_path / "catalog.sqlite")
    return request.getfixturevalue("postgres_config")


@pytest.fixture
def open_catalog(config):
    """Opens the same catalog anew, in a forked child too."""
    return lambda: ClassificationCatalog(CatalogDatabase(config))


@pytest.fixture
def catalog(open_catalog):
    return open_catalog()
