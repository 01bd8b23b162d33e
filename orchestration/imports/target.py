"""What a kind of target is to import tasks. An adapter a kind; its asset does the work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import dagster as dg

from orchestration.location import Location
from resources.import_tasks.definition import TargetKind, TaskDefinition
from resources.stores.catalog.import_tasks.records import StoredTask

TASK_TAG = "waybill/import_task"
"""On every run that works on a task: its id."""


class TaskTarget(Protocol):
    """How tasks go into things of one kind."""

    @property
    def kind(self) -> TargetKind:
        """Which kind."""

    def check(self, location: Location, given: TaskDefinition) -> None:
        """Nothing, where the target may take what the task wants to bring.

        Raises:
            UnknownNameError: there is no such target or connector; lists the known ones.
            InputError: the target does not take that; says what to declare.
        """

    def job(self, location: Location, task: StoredTask) -> str:
        """The name of the job that works on a task; empty: the job that makes any asset by itself.

        Raises:
            UnknownNameError: the target is no longer declared.
        """

    def assets(self, task: StoredTask) -> Collection[dg.AssetKey]:
        """Which assets of the job are made; all when empty."""

    def config(self, location: Location, task: StoredTask) -> Mapping[str, Any]:
        """What a run of that job is told."""

    def tags(self, task: StoredTask) -> Mapping[str, str]:
        """Tags of such a run beside `TASK_TAG`."""
