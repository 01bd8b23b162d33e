"""Which classification sets have to be published: the run that changed them died too early."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from assets.classifications.declaration import ClassificationSpec
from assets.classifications.publishing import lags
from orchestration.classifications.jobs import SET_TAG, run_tags
from orchestration.watching.lagging import LaggingDataset, build_publisher
from resources.kernel.errors import SchemaMismatchError
from resources.stores.catalog.resource import CatalogResource
from resources.stores.tables import TableStore

SENSOR = "classification_sets_published"


def build_set_publisher(
    specs: Mapping[str, ClassificationSpec], jobs: list[Any]
) -> dg.SensorDefinition:
    """One sensor for all sets of the code location."""

    def find(catalog: CatalogResource, store: TableStore) -> Iterator[LaggingDataset]:
        sets = catalog.classifications()
        for spec in specs.values():
            try:
                stored = sets.check_columns(spec.name, spec.columns)
            except SchemaMismatchError:
                continue  # every run of the set says so; none could publish it
            if stored is not None and lags(store, spec, stored):
                tags = run_tags(spec.name, f"version {stored.version}", "waybill")
                holds = stored.changed_at.isoformat()
                yield LaggingDataset(spec.name, spec.job, holds, tags, {SET_TAG: spec.name})

    return build_publisher(
        SENSOR,
        jobs,
        find,
        description="Publishes what a classification set holds when the run that changed it died before it did",
        idle="every dataset shows what its set holds",
    )
