"""The pipelines of a loaded location: jobs that people run by name, with what starts them."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from orchestration.classifications.jobs import SET_TAG
from orchestration.collections.jobs import COLLECTION_TAG
from orchestration.dagster_warnings import without_dagster_warnings
from orchestration.location import Location
from orchestration.restoring import JOB as RESTORE_JOB
from orchestration.services.connectors import CONNECTOR_JOB
from orchestration.services.datasources import DATASOURCE_JOB
from orchestration.services.pipelines.entry import (
    PipelineEntry,
    PipelineStep,
    ScheduleEntry,
    SensorEntry,
)
from resources.kernel.keys import Key
from resources.references import JOB_POSITION, JOB_TARGETS, metadata_value, name_of_asset

_OURS = (CONNECTOR_JOB, DATASOURCE_JOB, RESTORE_JOB)
_OF_NOUNS = frozenset({SET_TAG, COLLECTION_TAG})
"""Tags of jobs that belong to a classification set or a collection: what they do is done there."""


def pipeline_entries(location: Location) -> list[PipelineEntry]:
    """What is declared of each pipeline, in order of name. Builds no job."""
    definitions = location.definitions
    with without_dagster_warnings():
        found = [_entry(location, job) for job in definitions.jobs or [] if _is_pipeline(job)]
    return sorted(found, key=lambda entry: entry.name)


def _is_pipeline(job: Any) -> bool:
    """Not what Waybill itself runs: looking at connectors, taking classification files."""
    return job.name not in _OURS and _OF_NOUNS.isdisjoint(getattr(job, "tags", None) or {})


def _entry(location: Location, job: Any) -> PipelineEntry:
    facts = {
        name: metadata_value(value)
        for name, value in (getattr(job, "metadata", None) or {}).items()
    }
    return PipelineEntry(
        name=job.name,
        description=job.description or "",
        where=str(facts.get(JOB_POSITION) or ""),
        targets=tuple(facts.get(JOB_TARGETS) or ()),
        steps=tuple(_steps(location, job)),
        schedules=tuple(_schedules(location, job.name)),
        sensors=tuple(_sensors(location, job.name)),
    )


def _steps(location: Location, job: Any) -> Iterator[PipelineStep]:
    selection = getattr(job, "selection", None)
    if not isinstance(selection, dg.AssetSelection):
        return  # a job of ops
    keys = selection.resolve(location.definitions.resolve_asset_graph())
    nouns = location.nouns()
    inputs = {
        spec.key: {dep.asset_key for dep in spec.deps} & keys
        for spec in location.specs
        if spec.key in keys
    }
    before = {key: inputs.get(key, set()) for key in sorted(keys)}
    for key in TopologicalSorter(before).static_order():
        parts: Key = tuple(key.path)
        after = tuple(sorted(found.to_user_string() for found in before[key]))
        yield PipelineStep(parts, nouns.get(parts, ""), name_of_asset(key), after)


def _schedules(location: Location, job: str) -> Iterator[ScheduleEntry]:
    for schedule in location.definitions.schedules or []:
        if isinstance(schedule, dg.ScheduleDefinition) and schedule.job_name == job:
            facts = {name: metadata_value(value) for name, value in schedule.metadata.items()}
            crons = schedule.cron_schedule
            yield ScheduleEntry(
                name=schedule.name,
                crons=(crons,) if isinstance(crons, str) else tuple(crons),
                timezone=schedule.execution_timezone or "UTC",
                start=str(facts.get("start") or ""),
                end=str(facts.get("end") or ""),
                is_on=schedule.default_status == dg.DefaultScheduleStatus.RUNNING,
            )


def _sensors(location: Location, job: str) -> Iterator[SensorEntry]:
    for sensor in location.definitions.sensors or []:
        if job in _jobs_of(sensor):
            facts = {name: metadata_value(value) for name, value in (sensor.metadata or {}).items()}
            yield SensorEntry(
                name=sensor.name,
                connector=str(facts.get("connector") or ""),
                path=str(facts.get("path") or ""),
                every_seconds=sensor.minimum_interval_seconds or 30,
                description=sensor.description or "",
                is_on=sensor.default_status == dg.DefaultSensorStatus.RUNNING,
            )


def _jobs_of(sensor: dg.SensorDefinition) -> set[str]:
    return {target.job_name for target in sensor.targets if target.job_name}
