"""What the code location adds to its collections: a job each, sensors for watched places and for datasets that lag."""

from __future__ import annotations

import dagster as dg

from orchestration.collections.jobs import build_job, declared_collections
from orchestration.collections.publisher import build_collection_publisher
from orchestration.collections.sync import build_sync


def build_collection_runs(loaded: dg.Definitions) -> dg.Definitions:
    """Jobs and sensors of the collections in `loaded`."""
    jobs, sensors = [], []
    specs = declared_collections(loaded)
    for spec in specs.values():
        job = build_job(spec)
        jobs.append(job)
        if spec.watch is not None:
            sensors.append(build_sync(spec, job))
    if specs:
        sensors.append(build_collection_publisher(specs, jobs))
    return dg.Definitions(jobs=jobs, sensors=sensors)
