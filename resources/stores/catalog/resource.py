"""The catalog as a Dagster resource, under the key `catalog`."""

from __future__ import annotations

import dagster as dg

from resources.stores.catalog.classification_catalog import ClassificationCatalog
from resources.stores.catalog.database import CatalogDatabase


class CatalogResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # Dagster's own generic default
    """What neither runs nor datasets can hold. Where it is says the environment, so no secret is part of a configuration."""

    def classifications(self) -> ClassificationCatalog:
        """The classification sets in it."""
        return ClassificationCatalog(CatalogDatabase.open())
