"""An earlier version of a dataset made its newest one again, by a run: no byte is copied, and lineage shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg

from orchestration.location import Location
from orchestration.restoring import JOB, restore_config
from orchestration.services.home import Home
from orchestration.services.runs.launch import PlannedRun, run_to_end
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.watch import RunOutcome, StepNews
from resources.kernel.errors import InputError
from resources.kernel.keys import TABLE_NOUNS

_OF_CATALOG = {"classification": "classification set", "collection": "collection"}
"""Makers whose tables are pictures of what the catalog holds: their next run would undo a restoring."""


def start_restore(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    *,
    version: str,
) -> str:
    """Has the server restore a version; the run's id.

    Args:
        home: whose server it is.
        location: the loaded project.
        instance: where the run is recorded.
        name: of the dataset.
        asked: who wants it.
        version: a number or a tag.

    Raises:
        UnknownNameError: nothing makes it.
        NotFoundError: there is no such version or tag; `GoneError` when it has been collected.
        InputError: its rows are kept in the catalog; the key of `asked` was used for other work.
    """
    config = _config(location, name, version, asked)
    return start_run(home, instance, location.job(JOB), asked, config=config)


def restore_dataset(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    tell: Callable[[StepNews], None],
    *,
    version: str,
) -> RunOutcome:
    """Restores a version: in the server of the home folder where there is one, else in this process; see `start_restore`."""
    plan = PlannedRun(location.job(JOB), config=_config(location, name, version, asked))
    return run_to_end(home, instance, plan, asked, tell)


def _config(location: Location, name: str, version: str, asked: Asked) -> dict[str, Any]:
    spec = location.maker(name, *TABLE_NOUNS)
    given = spec.metadata.get("origin", "")
    origin = str(given.value if isinstance(given, dg.MetadataValue) else given)
    if origin in _OF_CATALOG:
        raise InputError(
            f"{name!r} is the table of a {_OF_CATALOG[origin]}: what it holds is kept in the catalog",
            hint="Change it there; the table follows",
        )
    key = tuple(spec.key.path)
    item = location.store().item(key)
    number = item.tagging.find(version)
    item.version(number)
    return restore_config(key, number, by=asked.actor)
