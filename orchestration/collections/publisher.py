"""Which collections have to be published: the run that changed them was stopped, failed or died.

What such a run had done stays in the catalog. Items that were changed one by one (metadata, folder) come into the dataset in
the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from assets.collections.declaration import CollectionSpec
from assets.collections.publishing import lags
from orchestration.collections.jobs import COLLECTION_TAG, run_tags
from orchestration.watching.lagging import LaggingDataset, build_publisher
from resources.stores.catalog.resource import CatalogResource
from resources.stores.tables import TableStore

SENSOR = "collections_published"


def build_collection_publisher(
    specs: Mapping[str, CollectionSpec], jobs: list[Any]
) -> dg.SensorDefinition:
    """One sensor for all collections of the code location."""

    def find(catalog: CatalogResource, store: TableStore) -> Iterator[LaggingDataset]:
        collections = catalog.collections()
        for spec in specs.values():
            stored = collections.find(spec.name)
            if stored is not None and lags(store, spec, stored):
                tags, found_by = run_tags(spec, "what holds"), {COLLECTION_TAG: spec.name}
                yield LaggingDataset(spec.name, spec.job, str(stored.changes), tags, found_by)

    return build_publisher(
        SENSOR,
        jobs,
        find,
        description="Publishes what a collection holds when its dataset shows less",
        idle="every dataset shows what its collection holds",
    )
