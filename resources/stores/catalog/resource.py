"""The catalog as a Dagster resource, under the key `catalog`."""

from __future__ import annotations

from resources.fixed import FixedResource
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.database import CatalogDatabase


class CatalogResource(FixedResource):
    """Part of Waybill, not a connector: the database of classification sets.

    Where it is says the environment, so no secret is part of a configuration.
    """

    def classifications(self) -> ClassificationCatalog:
        """The classification sets in it."""
        return ClassificationCatalog(CatalogDatabase.open())

    def collections(self) -> CollectionCatalog:
        """The collections in it."""
        return CollectionCatalog(CatalogDatabase.open())
