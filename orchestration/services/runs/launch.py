"""Runs that a person asks for by name: in the server of the home folder where there is one, else in this process."""

from __future__ import annotations

from collections.abc import Callable, Collection

import dagster as dg

from orchestration.location import Location
from orchestration.services.home import Home
from orchestration.services.locks import is_held
from orchestration.services.runs.watch import (
    RunOutcome,
    StepNews,
    enqueue,
    run_here,
    run_there,
)


def run_pipeline(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    tell: Callable[[StepNews], None],
) -> RunOutcome:
    """Runs a pipeline.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return _run(home, instance, location.job(name), tell)


def refresh_dataset(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    tell: Callable[[StepNews], None],
) -> RunOutcome:
    """Makes a dataset anew from what it is made of, and checks it.

    Raises:
        UnknownNameError: nothing makes it.
    """
    spec = location.dataset(name)
    return _run(home, instance, location.asset_job(), tell, assets=[spec.key])


def start_refresh(location: Location, instance: dg.DagsterInstance, name: str) -> str:
    """Has a dataset made anew by the server, now or when there is one; the run's id.

    Raises:
        UnknownNameError: nothing makes it.
    """
    spec = location.dataset(name)
    return enqueue(instance, location.asset_job(), assets=[spec.key])


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
) -> RunOutcome:
    if server_runs(home):
        return run_there(instance, job, tell, assets=assets)
    return run_here(home, instance, job, tell, assets=assets)
