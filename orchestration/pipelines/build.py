"""From a pipeline's declaration to a job, a schedule and a sensor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg

from orchestration.watching.lagging import ON_ITS_WAY
from orchestration.watching.looking import files_at, look_for_new_objects, tags_of
from orchestration.watching.new_objects import WatchPolicy
from orchestration.watching.object_ledger import ObjectsRequest
from resources.connectors.base import FileConnector
from resources.kernel.errors import ConfigError
from resources.kernel.keys import asset_key
from resources.references import JOB_POSITION, JOB_TARGETS
from resources.sources.settling import SETTLE_TAG

MAX_RUNTIME_SECONDS = (
    12 * 3600
)  # a hung run ends; half of the store's grace before it collects files


@dataclass(frozen=True)
class PipelineSpec:
    """What a pipeline makes: exporters and assets, with everything upstream of them."""

    name: str
    exporters: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    description: str = ""
    where: str = ""

    @property
    def targets(self) -> list[dg.AssetKey]:
        """The keys that it ends in."""
        exports = [dg.AssetKey(asset_key("exports", name)) for name in self.exporters]
        return exports + [dg.AssetKey.from_user_string(text) for text in self.assets]


@dataclass(frozen=True)
class ScheduleSpec:
    """When it runs by the clock: a cron in a time zone, between two days (both included)."""

    cron: str
    timezone: str
    start: date | None = None
    end: date | None = None

    @classmethod
    def parse(
        cls,
        *,
        cron: str,
        timezone: str,
        start: object,
        end: object,
        where: str,
    ) -> ScheduleSpec:
        """The schedule that YAML asks for.

        Raises:
            ConfigError: an unknown time zone, a day that is none, or an end before the start.
        """
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigError(
                f"{where}: {timezone!r} is not a time zone", hint="For instance Europe/Paris or UTC"
            ) from error
        first, last = _parse_day(start, "start", where), _parse_day(end, "end", where)
        if first and last and last < first:
            raise ConfigError(f"{where}: the schedule ends on {last}, before it starts on {first}")
        return cls(cron, timezone, first, last)

    def covers(self, day: date) -> bool:
        """Whether `day` lies in the period."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True)
class NewObjectsSpec:
    """Which objects start a run when they are new or changed."""

    connector: str
    path: str
    one_run_per: Literal["tick", "object"] = "tick"
    include_existing: bool = True
    settle_seconds: int | None = None
    """As the connector has it when None."""
    every_seconds: int = 30


def build_pipeline(
    spec: PipelineSpec,
    *,
    schedule: ScheduleSpec | None = None,
    new_objects: NewObjectsSpec | None = None,
) -> dg.Definitions:
    """The job named after the pipeline, and what starts it."""
    made = dg.AssetSelection.assets(*spec.targets).upstream()
    # Sources are observed first, in the same run: lineage then shows which state of them was imported.
    observed = made.upstream_source_assets() & dg.AssetSelection.key_prefixes(
        "datasources", include_sources=True
    )
    job = dg.define_asset_job(
        spec.name,
        # The health checks of sources are left out: each would connect a second time.
        selection=made | observed.without_checks(),
        description=spec.description
        or f"Makes {', '.join(key.to_user_string() for key in spec.targets)}",
        tags={"dagster/max_runtime": str(MAX_RUNTIME_SECONDS), "waybill/pipeline": spec.name},
        metadata={
            JOB_TARGETS: dg.MetadataValue.json([key.to_user_string() for key in spec.targets]),
            JOB_POSITION: dg.MetadataValue.text(spec.where),
        },
    )
    return dg.Definitions(
        jobs=[job],
        schedules=[build_schedule(spec.name, schedule, job)] if schedule else [],
        sensors=[_sensor(spec, new_objects, job)] if new_objects else [],
    )


def build_schedule(
    name: str, schedule: ScheduleSpec, job: Any, *, alone: bool = False
) -> dg.ScheduleDefinition:
    """What runs a job by the clock.

    Args:
        name: of the job.
        schedule: when.
        job: what runs.
        alone: whether a time passes by while a run of it waits or works.
    """

    def is_due(context: dg.ScheduleEvaluationContext) -> bool:
        local = context.scheduled_execution_time.astimezone(ZoneInfo(schedule.timezone))
        if not schedule.covers(local.date()):
            return False
        under_way = dg.RunsFilter(job_name=name, statuses=ON_ITS_WAY)
        return not (alone and context.instance.get_runs(under_way, limit=1))

    return dg.ScheduleDefinition(
        name=f"{name}_schedule",
        job=job,
        cron_schedule=schedule.cron,
        execution_timezone=schedule.timezone,
        should_execute=is_due,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"{schedule.cron} ({schedule.timezone}), from {schedule.start or 'now'}"
        f" to {schedule.end or 'ever'}",
        metadata={"start": str(schedule.start or ""), "end": str(schedule.end or "")},
    )


def _sensor(spec: PipelineSpec, watched: NewObjectsSpec, job: Any) -> dg.SensorDefinition:
    name = f"{spec.name}_new_objects"

    @dg.sensor(
        name=name,
        job=job,
        minimum_interval_seconds=watched.every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Runs {spec.name} when {watched.path} of connector {watched.connector} shows new"
        " or changed objects",
        required_resource_keys={watched.connector},
        metadata={"connector": watched.connector, "path": watched.path, "pipeline": spec.name},
    )
    def _look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        connector = getattr(context.resources, watched.connector).files()
        return look_for_new_objects(
            context,
            files_at(connector, watched.path),
            _policy(name, watched, connector),
            lambda wanted: _run_request(wanted, watched),
        )

    return _look


def _policy(sensor: str, watched: NewObjectsSpec, connector: FileConnector) -> WatchPolicy:
    given = watched.settle_seconds
    return WatchPolicy(
        sensor=sensor,
        scope=f"{watched.connector} {watched.path}",
        one_run_per=watched.one_run_per,
        include_existing=watched.include_existing,
        settle_seconds=connector.settle_seconds if given is None else given,
        clock_doubt_seconds=connector.clock_doubt_seconds,
    )


def _run_request(wanted: ObjectsRequest, watched: NewObjectsSpec) -> dg.RunRequest:
    tags = tags_of(wanted)
    if watched.settle_seconds is not None:
        tags[SETTLE_TAG] = f"{watched.connector} {watched.settle_seconds}"
    return dg.RunRequest(run_key=wanted.run_key, tags=tags)


def _parse_day(given: object, field: str, where: str) -> date | None:
    if given is None or (isinstance(given, date) and not isinstance(given, datetime)):
        return given
    try:
        return date.fromisoformat(str(given))
    except ValueError as error:
        raise ConfigError(
            f"{where}: schedule.{field}: {str(given)[:60]!r} is not a day", hint="Write YYYY-MM-DD"
        ) from error
