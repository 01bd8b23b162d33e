"""Runs that a person asks for by name: in the server of the home folder where there is one, else in this process.

What starts with `start_` asks the server and returns the run's id at once; the other ones follow the run to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from orchestration.location import Location
from orchestration.services.home import Home
from orchestration.services.locks import is_held
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.watch import RunOutcome, StepNews, run_here, run_there
from resources.kernel.errors import ConfigError, said
from resources.kernel.keys import TABLE_NOUNS
from resources.sources.uploads import UPLOAD_TAG
from resources.stores.asset_partitions import tags_of_partition

_MADE_BY = {
    "model": "Name models/{name} under `assets:` of a pipeline, and train it by `waybill run PIPELINE`",
    "embedding": "Compute it by `waybill embedding compute {name}`",
    "image folder": "Give it another ZIP by `waybill image-folder upload FILE --name {name}`",
    "datasource": "Look at it by `waybill datasource observe {name}`, or refresh the dataset that is made of it",
    "exporter": "Deliver by `waybill exporter run {name}`",
}
"""What else a name may be of, and how that is made anew."""


def start_pipeline(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    partition: str = "",
) -> str:
    """Has the server run a pipeline; the run's id.

    Raises:
        UnknownNameError: there is none of that name, or no such partition.
        InputError: the key of `asked` was used for other work; it makes an asset with partitions, and none is given,
            or the other way round.
    """
    job = location.job(name)
    tags = tags_of_partition(f"pipeline {name}", job.partitions_def, partition, instance)
    return start_run(home, instance, job, asked, tags=tags)


def start_refresh(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    partition: str = "",
) -> str:
    """Has the server make a dataset anew from what it is made of, and check it; the run's id.

    Raises:
        UnknownNameError: nothing makes it, or it has no such partition.
        ConfigError: it is no dataset but something else.
        InputError: the key of `asked` was used for other work; it has partitions and none is given, or the other way
            round.
    """
    spec = _to_refresh(location, name)
    tags = tags_of_partition(f"dataset {name}", spec.partitions_def, partition, instance)
    return start_run(home, instance, location.asset_job(), asked, assets=[spec.key], tags=tags)


def start_embedding(
    home: Home, location: Location, instance: dg.DagsterInstance, name: str, asked: Asked
) -> str:
    """Has the server compute an embedding anew from the newest version of its dataset; the run's id.

    Raises:
        UnknownNameError: it is not declared.
        InputError: the key of `asked` was used for other work.
    """
    assets = [location.maker(name, "embedding").key]
    return start_run(home, instance, location.asset_job(), asked, assets=assets)


def compute_embedding(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    tell: Callable[[StepNews], None],
) -> RunOutcome:
    """Computes an embedding anew from the newest version of its dataset.

    Raises:
        UnknownNameError: it is not declared.
    """
    assets = [location.maker(name, "embedding").key]
    return run_to_end(home, instance, PlannedRun(location.asset_job(), assets), asked, tell)


def start_import(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    number: int,
) -> str:
    """Has the server import one upload of a dataset or an image folder, whichever is the newest by then; the run's id.

    Raises:
        UnknownNameError: nothing makes it.
        InputError: the key of `asked` was used for other work.
    """
    assets, tags = [location.maker(name, *TABLE_NOUNS).key], {UPLOAD_TAG: str(number)}
    return start_run(home, instance, location.asset_job(), asked, assets=assets, tags=tags)


def run_pipeline(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
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
    return run_to_end(home, instance, PlannedRun(job, tags=tags), asked, tell)


def refresh_dataset(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    tell: Callable[[StepNews], None],
    partition: str = "",
) -> RunOutcome:
    """Makes a dataset anew from what it is made of, and checks it: one partition of it, if it has any.

    Raises:
        UnknownNameError: nothing makes it, or it has no such partition.
        ConfigError: it is no dataset but something else.
        InputError: it has partitions and none is given, or the other way round.
    """
    spec = _to_refresh(location, name)
    tags = tags_of_partition(f"dataset {name}", spec.partitions_def, partition, instance)
    plan = PlannedRun(location.asset_job(), [spec.key], tags)
    return run_to_end(home, instance, plan, asked, tell)


def _to_refresh(location: Location, name: str) -> dg.AssetSpec:
    """What makes a dataset; of a name that something else has, how that is made anew."""
    if name not in location.datasets():
        for noun, how in _MADE_BY.items():
            if name in location.made(noun):
                raise ConfigError(
                    f"{name!r} is {'an' if noun[0] in 'aeiou' else 'a'} {said(noun)}, no dataset",
                    hint=how.format(name=name),
                )
    return location.dataset(name)


def import_upload(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    name: str,
    asked: Asked,
    tell: Callable[[StepNews], None],
    number: int,
) -> RunOutcome:
    """Imports one upload of a dataset or an image folder, whichever is the newest by then.

    Raises:
        UnknownNameError: nothing makes it.
    """
    assets, tags = [location.maker(name, *TABLE_NOUNS).key], {UPLOAD_TAG: str(number)}
    plan = PlannedRun(location.asset_job(), assets, tags)
    return run_to_end(home, instance, plan, asked, tell)


def server_runs(home: Home) -> bool:
    """Whether `waybill up` runs for this home folder."""
    return is_held(home.locks / "up.lock")


def require_server(home: Home) -> None:
    """Makes sure that a daemon takes what is put into the queue.

    Raises:
        ConfigError: no server runs.
    """
    if not server_runs(home):
        raise ConfigError(
            f"no server runs for the home folder {home.root}, so nothing would take the run up",
            hint="Start one with `waybill up`, or leave out --no-wait to run it here",
        )


@dataclass(frozen=True)
class PlannedRun:
    """What is to run: a job, or some of its assets.

    Args:
        job: the job.
        assets: only these of it; all when empty.
        tags: beside the job's own.
        config: the run's config.
    """

    job: dg.JobDefinition
    assets: Collection[dg.AssetKey] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None


def run_to_end(
    home: Home,
    instance: dg.DagsterInstance,
    plan: PlannedRun,
    asked: Asked,
    tell: Callable[[StepNews], None],
) -> RunOutcome:
    """Has the server of the home folder run something and follows it; where none runs, runs it in this process.

    Args:
        home: whose server it is.
        instance: where the run is recorded.
        plan: what runs.
        asked: who wants it.
        tell: hears of each step.
    """
    job, assets, config = plan.job, plan.assets, plan.config
    if server_runs(home):
        run_id = start_run(home, instance, job, asked, assets=assets, config=config, tags=plan.tags)
        return run_there(instance, run_id, tell)
    tags = {**plan.tags, **asked.tags}
    return run_here(home, instance, job, tell, config=config, tags=tags, assets=assets)
