"""Runs that profile a version of a dataset, asked for by its name: as `launch.py` has the others."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from orchestration.location import Location
from orchestration.services.home import Home
from orchestration.services.runs.launch import PlannedRun, run_to_end
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.watch import RunOutcome, StepNews
from resources.kernel.errors import ConfigError
from resources.profiles.kept import profile_key


def start_profile(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    version: int = 0,
) -> str:
    """Has the server profile a version of a dataset, the newest when it is 0; the run's id.

    Raises:
        UnknownNameError: nothing makes the dataset.
        ConfigError: it is declared with `profile: off`, or has no profile.
        InputError: the key of `asked` was used for other work.
    """
    key, config = _profiling(location, name, version)
    return start_run(home, instance, location.asset_job(), asked, assets=[key], config=config)


def compute_profile(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    tell: Callable[[StepNews], None],
    version: int = 0,
) -> RunOutcome:
    """Profiles a version of a dataset, the newest when it is 0.

    Raises:
        UnknownNameError: nothing makes the dataset.
        ConfigError: it is declared with `profile: off`, or has no profile.
    """
    key, config = _profiling(location, name, version)
    plan = PlannedRun(location.asset_job(), [key], config=config)
    return run_to_end(home, instance, plan, asked, tell)


def _profiling(
    location: Location, name: str, version: int
) -> tuple[dg.AssetKey, dict[str, object]]:
    """The asset of a dataset's profile, and the config of a run that makes it."""
    key = dg.AssetKey(profile_key(tuple(location.dataset(name).key.path)))
    if not any(spec.key == key for spec in location.specs):
        raise ConfigError(
            f"dataset {name!r} has no profile",
            hint="Declare it with `profile: always` or `profile: on_demand`",
        )
    config = {"version": version, "force": False}
    return key, {"ops": {key.to_python_identifier(): {"config": config}}}
