"""What the code location adds to its classification sets: a job each, sensors for files and for datasets that lag."""

from __future__ import annotations

import dagster as dg

from orchestration.classifications.jobs import build_job, declared_sets
from orchestration.classifications.publisher import build_set_publisher
from orchestration.classifications.sensor import build_sensor


def build_set_runs(loaded: dg.Definitions) -> dg.Definitions:
    """Jobs and sensors of the sets in `loaded`."""
    jobs, sensors = [], []
    specs = declared_sets(loaded)
    for spec in specs.values():
        job = build_job(spec)
        jobs.append(job)
        if spec.files is not None:
            sensors.append(build_sensor(spec, job))
    if specs:
        sensors.append(build_set_publisher(specs, jobs))
    return dg.Definitions(jobs=jobs, sensors=sensors)
