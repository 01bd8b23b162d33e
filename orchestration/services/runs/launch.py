"""Runs that a person asks for by name: in the server of the home folder where there is one, else in this process.

What starts with `start_` asks the server and returns the run's id at once; the other ones follow the run to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import dagster as dg

from orchestration.location import Location
from orchestration.services.home import Home
from orchestration.services.locks import is_held
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.watch import RunOutcome, StepNews, run_here, run_there
from resources.kernel.errors import ConfigError


def start_pipeline(
    home: Home, location: Location, instance: dg.DagsterInstance, name: str, asked: Asked
) -> str:
    """Has the server run a pipeline; the run's id.

    Raises:
        UnknownNameError: there is none of that name.
        InputError: the key of `asked` was used for other work.
    """
    return start_run(home, instance, location.job(name), asked)


def start_refresh(
    home: Home, location: Location, instance: dg.DagsterInstance, name: str, asked: Asked
) -> str:
    """Has the server make a dataset anew from what it is made of, and check it; the run's id.

    Raises:
        UnknownNameError: nothing makes it.
        InputError: the key of `asked` was used for other work.
    """
    spec = location.dataset(name)
    return start_run(home, instance, location.asset_job(), asked, assets=[spec.key])


def run_pipeline(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    tell: Callable[[StepNews], None],
) -> RunOutcome:
    """Runs a pipeline.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return _run(home, instance, location.job(name), asked, tell)


def refresh_dataset(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    tell: Callable[[StepNews], None],
) -> RunOutcome:
    """Makes a dataset anew from what it is made of, and checks it.

    Raises:
        UnknownNameError: nothing makes it.
    """
    spec = location.dataset(name)
    return _run(home, instance, location.asset_job(), asked, tell, assets=[spec.key])


def server_runs(home: Home) -> bool:
    """Whether `waybill up` runs for this home folder."""
    return is_held(home.locks / "up.lock")


def require_server(home: Home) -> None:
    """Makes sure that somebody will take what is put into the queue.

    Raises:
        ConfigError: no server runs.
    """
    if not server_runs(home):
        raise ConfigError(
            f"no server runs for the home folder {home.root}, so nothing would take the run up",
            hint="Start one with `waybill up`, or leave out --no-wait to run it here",
        )


def _run(
    home: Home,
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
    asked: Asked,
    tell: Callable[[StepNews], None],
    *,
    assets: Collection[dg.AssetKey] = (),
) -> RunOutcome:
    if server_runs(home):
        return run_there(instance, start_run(home, instance, job, asked, assets=assets), tell)
    return run_here(home, instance, job, tell, tags=asked.tags, assets=assets)
