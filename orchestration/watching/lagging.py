"""The sensor that publishes what a table in the catalog holds when its dataset shows less.

A run commits to the catalog, then publishes the dataset version. One that ended in between and is not tried again would leave
the dataset behind until the next change; this asks for a run that publishes what holds.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore

EVERY_SECONDS = 60
ON_ITS_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Of runs that wait or work."""


@dataclass(frozen=True)
class LaggingDataset:
    """A dataset that shows less than the catalog holds.

    Args:
        name: of the dataset.
        job: the job that publishes it.
        holds: a text that differs with what the catalog holds.
        run_tags: of the run that is asked for.
        found_by: the tags by which every run that publishes it is found.
    """

    name: str
    job: str
    holds: str
    run_tags: Mapping[str, str]
    found_by: Mapping[str, str]


FindLagging = Callable[[CatalogResource, TableStore], Iterable[LaggingDataset]]


def build_publisher(
    sensor: str, jobs: list[Any], find: FindLagging, *, description: str, idle: str
) -> dg.SensorDefinition:
    """One sensor for all datasets of a kind.

    Args:
        sensor: its name.
        jobs: those that it may ask for.
        find: looks for datasets that lag.
        description: of the sensor.
        idle: what it says when none does.
    """

    @dg.sensor(
        name=sensor,
        jobs=jobs,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def _look(
        context: dg.SensorEvaluationContext, store: StoreResource, catalog: CatalogResource
    ) -> dg.SensorResult:
        requests = list(_requests(context.instance, find(catalog, store.tables())))
        return dg.SensorResult(run_requests=requests, skip_reason=None if requests else idle)

    return _look


def _requests(
    instance: dg.DagsterInstance, lagging: Iterable[LaggingDataset]
) -> Iterator[dg.RunRequest]:
    for one in lagging:
        under_way = dg.RunsFilter(tags=dict(one.found_by), statuses=ON_ITS_WAY)
        if instance.get_runs(under_way, limit=1):
            continue  # it publishes what holds
        # One attempt an hour: what cannot be published now is not asked for all the time.
        hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
        yield dg.RunRequest(
            run_key=f"{one.name} {one.holds} {hour}", job_name=one.job, tags=dict(one.run_tags)
        )
