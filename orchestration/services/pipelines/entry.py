"""What is declared of a pipeline. Imports no Dagster: a list answers at once."""

from __future__ import annotations

from dataclasses import dataclass

from resources.kernel.keys import Key


@dataclass(frozen=True)
class PipelineStep:
    """An asset that a pipeline makes or observes."""

    key: Key
    noun: str
    name: str
    after: tuple[str, ...] = ()
    """Keys of those before it in the pipeline, as texts."""


@dataclass(frozen=True)
class ScheduleEntry:
    """What starts a pipeline by the clock."""

    name: str
    crons: tuple[str, ...]
    timezone: str
    start: str = ""
    """First day, `YYYY-MM-DD`."""
    end: str = ""
    """Last day, included."""
    is_on: bool = True
    """On unless it was switched off."""


@dataclass(frozen=True)
class SensorEntry:
    """What starts a pipeline when something is new."""

    name: str
    connector: str = ""
    path: str = ""
    every_seconds: int = 30
    description: str = ""
    is_on: bool = True
    """On unless it was switched off."""


@dataclass(frozen=True)
class PipelineEntry:
    """A pipeline."""

    name: str
    description: str = ""
    where: str = ""
    """File and line of its declaration; empty of a job of the user's own Python."""
    targets: tuple[str, ...] = ()
    """Keys of the assets that it is for."""
    steps: tuple[PipelineStep, ...] = ()
    """Each after those that it needs."""
    schedules: tuple[ScheduleEntry, ...] = ()
    sensors: tuple[SensorEntry, ...] = ()

    @property
    def triggers(self) -> tuple[ScheduleEntry | SensorEntry, ...]:
        """All that starts it."""
        return (*self.schedules, *self.sensors)
