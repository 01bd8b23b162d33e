"""The sensor that publishes what a collection holds when its dataset lags: the run that changed it was stopped, failed or died.

What such a run had done stays in the catalog. Without this the dataset would show it with the next import only. Items that
were changed one by one (metadata, folder) come into the dataset in the same way.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.collections.declaration import CollectionSpec
from assets.collections.publishing import lags
from orchestration.collections.jobs import COLLECTION_TAG, run_tags
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore

SENSOR = "collections_published"
EVERY_SECONDS = 60
_ON_ITS_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def build_publisher(specs: Mapping[str, CollectionSpec], jobs: list[Any]) -> dg.SensorDefinition:
    """One sensor for all collections of the code location."""

    @dg.sensor(
        name=SENSOR,
        jobs=jobs,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Publishes what a collection holds when its dataset shows less",
    )
    def _look(
        context: dg.SensorEvaluationContext, store: StoreResource, catalog: CatalogResource
    ) -> dg.SensorResult:
        requests = list(_requests(context.instance, catalog.collections(), store.tables(), specs))
        reason = None if requests else "every dataset shows what its collection holds"
        return dg.SensorResult(run_requests=requests, skip_reason=reason)

    return _look


def _requests(
    instance: dg.DagsterInstance,
    catalog: CollectionCatalog,
    store: TableStore,
    specs: Mapping[str, CollectionSpec],
) -> Iterator[dg.RunRequest]:
    for spec in specs.values():
        stored = catalog.find(spec.name)
        if stored is None or not lags(store, spec, stored):
            continue
        under_way = dg.RunsFilter(tags={COLLECTION_TAG: spec.name}, statuses=_ON_ITS_WAY)
        if instance.get_runs(under_way, limit=1):
            continue  # it publishes what holds
        # One attempt an hour: what cannot be published now is not asked for all the time.
        hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
        yield dg.RunRequest(
            run_key=f"{spec.name} {stored.changes} {hour}",
            job_name=spec.job,
            tags=run_tags(spec, "what holds"),
        )
