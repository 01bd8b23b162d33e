"""Deliveries that are asked for by name: what is declared, another dataset, or an older version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from assets.exporters.choice import choice_config
from orchestration.location import Location
from orchestration.services.exports.declared import exporter_spec
from orchestration.services.home import Home
from orchestration.services.runs.launch import PlannedRun, run_to_end
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.watch import RunOutcome, StepNews
from resources.kernel.errors import NotFoundError


@dataclass(frozen=True)
class Delivery:
    """A delivery that is asked for.

    Args:
        exporter: its name.
        dataset: in place of the declared one; that one when empty.
        version: of it; the newest when None.
    """

    exporter: str
    dataset: str = ""
    version: int | None = None


def start_export(
    home: Home, location: Location, instance: dg.DagsterInstance, wanted: Delivery, asked: Asked
) -> str:
    """Has the server deliver; the run's id.

    Raises:
        UnknownNameError: no such exporter or dataset.
        NotFoundError: the dataset has no such version.
        InputError: the key of `asked` was used for other work.
    """
    key = _check(location, wanted)
    return start_run(
        home, instance, location.asset_job(), asked, assets=[key], config=_config(wanted)
    )


def run_export(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    wanted: Delivery,
    asked: Asked,
    tell: Callable[[StepNews], None],
) -> RunOutcome:
    """Delivers: in the server of the home folder where there is one, else in this process.

    Raises:
        UnknownNameError: no such exporter or dataset.
        NotFoundError: the dataset has no such version.
    """
    key = _check(location, wanted)
    plan = PlannedRun(location.asset_job(), [key], config=_config(wanted))
    return run_to_end(home, instance, plan, asked, tell)


def _config(wanted: Delivery) -> dict[str, object]:
    return choice_config(wanted.exporter, dataset=wanted.dataset, version=wanted.version)


def _check(location: Location, wanted: Delivery) -> dg.AssetKey:
    """The asset of the exporter, once it is certain that there is something to deliver."""
    spec = exporter_spec(location, wanted.exporter)
    source = spec.source
    if wanted.dataset:
        source = tuple(location.dataset(wanted.dataset).key.path)
    item, named = location.store().item(source), wanted.dataset or spec.source_name
    if wanted.version is not None:
        item.version(wanted.version)
    elif item.latest() is None:
        raise NotFoundError(f"{named} has no version yet", hint="Materialize it first")
    return dg.AssetKey(spec.key)
