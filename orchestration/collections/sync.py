"""The sensor of a collection that watches a place: what is new there comes in by itself (F108).

Which objects are new says `watching/new_objects.py` (0 missed, 0 doubled). Here: one run for all of them. It lists the
place itself, and imports what the collection does not have yet; so an object that came between the look and the run
is in it too, and comes in once.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from assets.collections.declaration import CollectionSpec
from orchestration.collections.jobs import run_config, run_tags
from orchestration.watching.looking import look_for_new_objects
from orchestration.watching.new_objects import WatchPolicy


def sensor_name(spec: CollectionSpec) -> str:
    """Name of the sensor of a collection."""
    return f"{spec.name}_sync"


def build_sync(spec: CollectionSpec, job: Any) -> dg.SensorDefinition:
    """The sensor of a collection that declares `watch:`."""
    watched = spec.watch
    assert watched is not None  # noqa: S101 - for the type checker: the caller looked

    @dg.sensor(
        name=sensor_name(spec),
        job=job,
        minimum_interval_seconds=watched.every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Takes new objects at {watched.path} of connector {watched.connector} into {spec.name}",
        required_resource_keys={watched.connector},
    )
    def _look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        connector = getattr(context.resources, watched.connector).files()
        name = sensor_name(spec)
        return look_for_new_objects(
            context,
            lambda after: connector.list_objects(watched.path, after=after),
            WatchPolicy(
                sensor=name,
                scope=f"{watched.connector} {watched.path}",
                include_existing=watched.include_existing,
                settle_seconds=connector.settle_seconds,
                clock_doubt_seconds=connector.clock_doubt_seconds,
            ),
            lambda wanted: dg.RunRequest(
                run_key=wanted.run_key,
                run_config=run_config(spec, {"watched": True, "author": f"sensor {name}"}),
                tags=run_tags(spec, f"{watched.connector}: {watched.path}"),
            ),
        )

    return _look
