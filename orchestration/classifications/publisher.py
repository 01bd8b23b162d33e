"""The sensor that publishes what a set holds when its dataset lags: the run that changed the set died too early.

A run commits to the catalog, then publishes the dataset version. Killed in between and never tried again, it would leave
the dataset behind until the set's next file; this asks for a run that publishes what holds.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.classifications.declaration import ClassificationSpec
from assets.classifications.publishing import lags
from orchestration.classifications.jobs import SET_TAG, run_tags
from resources.kernel.errors import SchemaMismatchError
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore

SENSOR = "classification_sets_published"
EVERY_SECONDS = 60
_ON_ITS_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def build_publisher(
    specs: Mapping[str, ClassificationSpec], jobs: list[Any]
) -> dg.SensorDefinition:
    """One sensor for all sets of the code location."""

    @dg.sensor(
        name=SENSOR,
        jobs=jobs,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Publishes what a classification set holds when the run that changed it died before it did",
    )
    def _look(
        context: dg.SensorEvaluationContext, store: StoreResource, catalog: CatalogResource
    ) -> dg.SensorResult:
        sets, tables = catalog.classifications(), store.tables()
        requests = list(_requests(context.instance, sets, tables, specs))
        reason = None if requests else "every dataset shows what its set holds"
        return dg.SensorResult(run_requests=requests, skip_reason=reason)

    return _look


def _requests(
    instance: dg.DagsterInstance,
    catalog: ClassificationCatalog,
    store: TableStore,
    specs: Mapping[str, ClassificationSpec],
) -> Iterator[dg.RunRequest]:
    for spec in specs.values():
        try:
            stored = catalog.check_columns(spec.name, spec.columns)
        except SchemaMismatchError:
            continue  # every run of the set says so; none could publish it
        if stored is None or not lags(store, spec, stored):
            continue
        under_way = dg.RunsFilter(tags={SET_TAG: spec.name}, statuses=_ON_ITS_WAY)
        if instance.get_runs(under_way, limit=1):
            continue  # it publishes what holds
        # One attempt an hour: what cannot be published now is not asked for all the time.
        hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
        yield dg.RunRequest(
            run_key=f"{spec.name} {stored.changed_at.isoformat()} {hour}",
            job_name=spec.job,
            tags=run_tags(spec, f"version {stored.version}", "waybill"),
        )
