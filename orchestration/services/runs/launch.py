"""Runs that a person asks for by name: in the server of the home folder where there is one, else in this process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import dagster as dg

from orchestration.location import Location
from orchestration.services.home import Home
from orchestration.services.locks import is_held
from orchestration.services.runs.watch import RunOutcome, StepNews, run_here, run_there
from resources.stores.asset_partitions import tags_of_partition


def run_pipeline(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    tell: Callable[[StepNews], None],
    partition: str = "",
) -> RunOutcome:
    """Runs a pipeline.

    Raises:
        UnknownNameError: there is none of that name, or no such partition.
        InputError: it makes an asset with partitions, and none is given, or the other way round.
    """
    job = location.job(name)
    tags = tags_of_partition(f"pipeline {name}", job.partitions_def, partition, instance)
    return _run(home, instance, job, tell, tags=tags)


def refresh_dataset(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    tell: Callable[[StepNews], None],
    partition: str = "",
) -> RunOutcome:
    """Makes a dataset anew from what it is made of, and checks it: one partition of it, if it has any.

    Raises:
        UnknownNameError: nothing makes it, or it has no such partition.
        InputError: it has partitions and none is given, or the other way round.
    """
    spec = location.dataset(name)
    tags = tags_of_partition(f"dataset {name}", spec.partitions_def, partition, instance)
    return _run(home, instance, location.asset_job(), tell, assets=[spec.key], tags=tags)


def server_runs(home: Home) -> bool:
    """Whether `waybill up` runs for this home folder."""
    return is_held(home.locks / "up.lock")


def _run(
    home: Home,
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
    tell: Callable[[StepNews], None],
    *,
    assets: Collection[dg.AssetKey] = (),
    tags: Mapping[str, str],
) -> RunOutcome:
    if server_runs(home):
        return run_there(instance, job, tell, assets=assets, tags=tags)
    return run_here(home, instance, job, tell, assets=assets, tags=tags)
