"""Which runs a sensor has asked for, as Dagster knows them."""

from __future__ import annotations

import dagster as dg


def was_submitted(instance: dg.DagsterInstance, sensor: str, run_key: str) -> bool:
    """Whether Dagster submitted a run for this key; one that was only created is asked for again."""
    runs = instance.get_runs(
        dg.RunsFilter(tags={"dagster/sensor_name": sensor, "dagster/run_key": run_key}), limit=10
    )
    return any(run.status != dg.DagsterRunStatus.NOT_STARTED for run in runs)
