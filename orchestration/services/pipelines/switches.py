"""Schedules and sensors on and off: what Dagster's instance says, which overrules the declaration.

Stored under the same names as Dagster's own switches, so its UI and its daemon know what was switched here. Works
while the code does not load: a pipeline that does harm can be paused then, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import dagster as dg
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
)
from dagster._time import get_current_timestamp

from orchestration.services.pipelines.entry import ScheduleEntry, SensorEntry
from orchestration.services.record_files import KeptAnswer, RecordFiles

Switches = Mapping[tuple[str, str], bool]
"""(code location, name) -> whether it is on; without those that are as declared."""
Trigger = ScheduleEntry | SensorEntry


def read_switches(instance: dg.DagsterInstance) -> Switches:
    """All that were switched by hand: one query, and none while nothing was switched and nothing has ticked."""
    if not instance.is_persistent:
        return _read_switches(instance)
    files, kept = _of_folder(Path(instance.root_directory))
    return (
        kept.get(lambda: _read_switches(instance)) if files.are_all() else _read_switches(instance)
    )


@lru_cache(maxsize=8)
def _of_folder(dagster_home: Path) -> tuple[RecordFiles, KeptAnswer[Switches]]:
    files = RecordFiles(dagster_home)
    return files, KeptAnswer([files.schedules])


def _read_switches(instance: dg.DagsterInstance) -> Switches:
    found = {}
    for state in instance.all_instigator_state():
        if state.status != InstigatorStatus.DECLARED_IN_CODE:
            found[(state.origin.location_name, state.name)] = state.is_running
    return found


def is_on(trigger: Trigger, location: str, switches: Switches) -> bool:
    """Whether a schedule or a sensor starts runs."""
    return switches.get((location, trigger.name), trigger.is_on)


def switch(instance: dg.DagsterInstance, trigger: Trigger, location: str, *, on: bool) -> None:
    """Switches a schedule or a sensor on or off; nothing if it is so already."""
    if is_on(trigger, location, read_switches(instance)) == on:
        return
    origin = _origin(location, trigger.name)
    kind = _kind(trigger)
    stored = instance.get_instigator_state(origin.get_id(), origin.get_selector().get_id())
    if stored is not None and stored.instigator_type != kind:  # of another kind, with this name
        instance.delete_instigator_state(stored.instigator_origin_id, stored.selector_id)
        stored = None
    status = InstigatorStatus.RUNNING if on else InstigatorStatus.STOPPED
    if stored is None:
        instance.add_instigator_state(InstigatorState(origin, kind, status, _data(trigger, None)))
    elif on:
        began = stored.with_status(status).with_data(_data(trigger, stored))
        instance.update_instigator_state(began)
    else:
        instance.update_instigator_state(stored.with_status(status))


def _origin(location: str, name: str) -> RemoteInstigatorOrigin:
    place = RegisteredCodeLocationOrigin(location)
    return RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(
            code_location_origin=place, repository_name=SINGLETON_REPOSITORY_NAME
        ),
        name,
    )


def _kind(trigger: Trigger) -> InstigatorType:
    return InstigatorType.SCHEDULE if isinstance(trigger, ScheduleEntry) else InstigatorType.SENSOR


def _data(
    trigger: Trigger, stored: InstigatorState | None
) -> ScheduleInstigatorData | SensorInstigatorData:
    """From now on: what was missed meanwhile is not made up for; where a sensor was is kept."""
    now = get_current_timestamp()
    if isinstance(trigger, ScheduleEntry):
        crons = trigger.crons
        return ScheduleInstigatorData(crons[0] if len(crons) == 1 else list(crons), now)
    known = stored.instigator_data if stored is not None else None
    if isinstance(known, SensorInstigatorData):
        return known.with_sensor_start_timestamp(now)
    return SensorInstigatorData(min_interval=trigger.every_seconds, last_sensor_start_timestamp=now)
