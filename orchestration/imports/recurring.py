"""Import tasks that make themselves: a job that makes its task when it runs, and what starts it: the clock, or new files.

A run of the job makes one task and works on it; so the task is there, and begun, at one moment, and a run that is tried again goes
on with the task of the first one. Run by hand it does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import msgspec
from msgspec.structs import replace

from orchestration.pipelines.build import ScheduleSpec, build_schedule
from orchestration.watching.looking import files_at, look_for_new_objects, tags_of
from orchestration.watching.new_objects import WatchPolicy
from orchestration.watching.object_ledger import ObjectsRequest
from resources.connectors.base import FileConnector
from resources.import_tasks.definition import MOST_FILES, ConnectorSource, TaskDefinition
from resources.kernel.keys import asset_key
from resources.references import JOB_POSITION, JOB_TARGETS

KEEP_TASKS = 1_000
"""Ended tasks of a recurring import that stay, where it says nothing else."""
_AT_ONCE = 1_000
"""Files of one task into a collection or an image folder; the rest comes with the next ones."""


@dataclass(frozen=True)
class InboxSpec:
    """A place whose new files become tasks.

    Args:
        include_existing: whether what is there at the first look is taken too.
        settle_seconds: how long a file must be unchanged; as the connector has it when None.
        every_seconds: how often to look.
    """

    include_existing: bool = True
    settle_seconds: int | None = None
    every_seconds: int = 30


@dataclass(frozen=True)
class RecurringSpec:
    """What a recurring import says.

    Args:
        name: of it, and of its job.
        task: what each of its tasks is told.
        description: for people.
        where: file and line of its declaration.
        keep_tasks: so many of its tasks that have ended stay, the newest.
    """

    name: str
    task: TaskDefinition
    description: str = ""
    where: str = ""
    keep_tasks: int = KEEP_TASKS

    @property
    def key(self) -> dg.AssetKey:
        """The asset that it fills."""
        return dg.AssetKey(asset_key("datasets", self.task.target.name))

    def config(self, keys: Sequence[str] = ()) -> dict[str, Any]:
        """What a run is told: the task to make, of these objects alone if some are named."""
        task = self.task
        if keys and isinstance(task.source, ConnectorSource):
            task = replace(task, source=replace(task.source, keys=tuple(keys)))
        new_task = msgspec.json.encode(task).decode()
        told = {"new_task": new_task, "keep_tasks": self.keep_tasks}
        return {"ops": {self.key.to_python_identifier(): {"config": told}}}


def build_recurring(
    spec: RecurringSpec, *, schedule: ScheduleSpec | None = None, inbox: InboxSpec | None = None
) -> dg.Definitions:
    """The job of a recurring import, and what starts it."""
    source = spec.task.source
    job = dg.define_asset_job(
        spec.name,
        selection=dg.AssetSelection.assets(spec.key),
        config=spec.config(),
        description=spec.description or f"Import tasks into {spec.task.target.name}",
        metadata={
            JOB_TARGETS: dg.MetadataValue.json([spec.key.to_user_string()]),
            JOB_POSITION: dg.MetadataValue.text(spec.where),
        },
    )
    watches = inbox is not None and isinstance(source, ConnectorSource)
    return dg.Definitions(
        jobs=[job],
        schedules=[build_schedule(spec.name, schedule, job, alone=True)] if schedule else [],
        sensors=[_sensor(spec, source, inbox, job)] if watches else [],  # type: ignore[arg-type]  # `watches` says so
    )


def sensor_name(spec: RecurringSpec) -> str:
    """Name of the sensor of an inbox."""
    return f"{spec.name}_new_objects"


def _sensor(
    spec: RecurringSpec, source: ConnectorSource, inbox: InboxSpec, job: Any
) -> dg.SensorDefinition:
    name = sensor_name(spec)

    @dg.sensor(
        name=name,
        job=job,
        minimum_interval_seconds=inbox.every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Makes an import task of new files at {source.path} of connector {source.connector}",
        required_resource_keys={source.connector},
        metadata={"connector": source.connector, "path": source.path, "pipeline": spec.name},
    )
    def _look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        connector = getattr(context.resources, source.connector).files()
        return look_for_new_objects(
            context,
            files_at(connector, source.path),
            _policy(spec, source, inbox, connector),
            lambda wanted: _request(spec, wanted),
        )

    return _look


def _policy(
    spec: RecurringSpec, source: ConnectorSource, inbox: InboxSpec, connector: FileConnector
) -> WatchPolicy:
    given = inbox.settle_seconds
    takes_lots = spec.task.target.kind in ("collection", "image_folder")
    return WatchPolicy(
        sensor=sensor_name(spec),
        scope=f"{source.connector} {source.path}",
        include_existing=inbox.include_existing,
        settle_seconds=connector.settle_seconds if given is None else given,
        clock_doubt_seconds=connector.clock_doubt_seconds,
        objects_per_run=_AT_ONCE if takes_lots else MOST_FILES,
    )


def _request(spec: RecurringSpec, wanted: ObjectsRequest) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=wanted.run_key,
        run_config=spec.config(wanted.keys),
        tags=tags_of(wanted),
    )
