"""What the code location adds to its classification sets: a job each, and a sensor where files arrive by themselves."""

from __future__ import annotations

import dagster as dg

from orchestration.classifications.jobs import build_job, declared_sets
from orchestration.classifications.sensor import build_sensor


def build_set_runs(loaded: dg.Definitions) -> dg.Definitions:
    """Jobs and sensors of the sets in `loaded`."""
    jobs, sensors = [], []
    for spec in declared_sets(loaded).values():
        job = build_job(spec)
        jobs.append(job)
        if spec.files is not None:
            sensors.append(build_sensor(spec, job))
    return dg.Definitions(jobs=jobs, sensors=sensors)
