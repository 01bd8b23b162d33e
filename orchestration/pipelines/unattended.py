"""Pipelines that start by themselves and make an asset with partitions: no run of theirs would know which one."""

from __future__ import annotations

from orchestration.loading.problems import Problem
from orchestration.location import Location
from resources.references import JOB_POSITION, metadata_value


def unattended_problems(location: Location) -> list[Problem]:
    """A warning for each pipeline whose schedule or sensor starts runs of no partition, all of which fail."""
    parted = {spec.key for spec in location.specs if spec.partitions_def is not None}
    if not parted:
        return []
    definitions = location.definitions
    starters = {s.name for s in (*(definitions.schedules or []), *(definitions.sensors or []))}
    found = []
    for job in definitions.get_repository_def().get_all_jobs():
        where = str(metadata_value(job.metadata.get(JOB_POSITION)) or "")
        makes = sorted(key.to_user_string() for key in parted & job.asset_layer.selected_asset_keys)
        if where and makes and starters & {f"{job.name}_schedule", f"{job.name}_new_objects"}:
            found.append(_problem(where, job.name, makes[0]))
    return found


def _problem(where: str, pipeline: str, asset: str) -> Problem:
    file, _, line = where.rpartition(":")
    return Problem(
        file,
        int(line),
        f"pipeline {pipeline!r} starts by itself and makes {asset}, which has partitions: its runs are of none of"
        " them and fail",
        hint="Give that asset an automation condition or a schedule of its own"
        " (dg.build_schedule_from_partitioned_job), and what is made of it `refresh: on_change`",
        is_warning=True,
    )
