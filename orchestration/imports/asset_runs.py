"""What tasks into datasets, image folders and classification sets have in common: files, and a run of the target's asset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg

from orchestration.location import Location
from resources.connectors.base import FileConnector
from resources.import_tasks.definition import ConnectorSource, Source, WebSource
from resources.import_tasks.places import at_place
from resources.kernel.errors import InputError
from resources.kernel.keys import asset_key
from resources.sources.objects import check_path
from resources.sources.whole_files import no_pages
from resources.stores.catalog.import_tasks.records import StoredTask


def check_files(
    location: Location, target: str, connectors: Collection[str], source: Source
) -> None:
    """Nothing, where a source has files that the target may take.

    Args:
        location: has the connectors.
        target: what messages call it.
        connectors: those that it declares.
        source: of the task.

    Raises:
        InputError: pages of the web; a connector that the target does not declare, or that holds tables; a path that makes no sense.
    """
    if isinstance(source, WebSource):
        with at_place("source"):
            raise no_pages()
    if isinstance(source, ConnectorSource):
        check_objects(location, target, connectors, source)


def check_objects(
    location: Location, target: str, connectors: Collection[str], source: ConnectorSource
) -> None:
    """Nothing, where a target may take files from there.

    Raises:
        InputError: a connector that the target does not declare, or that holds tables; a path that makes no sense.
    """
    with at_place("source.connector"):
        if source.connector not in connectors:
            raise InputError(
                f"{target}: {source.connector[:80]!r} is none of its connectors",
                hint=f"Its `connectors:` are {', '.join(connectors) or 'none'}",
            )
        if not isinstance(location.connector(source.connector), FileConnector):
            raise InputError(f"connector {source.connector!r} holds tables, not files")
    with at_place("source.path"):
        check_path(source.path)


def run_config(task: StoredTask) -> Mapping[str, Any]:
    """What a run of the target's asset is told: the task's id, and nothing else; what it says stands in the catalog."""
    op = dg.AssetKey(asset_key("datasets", task.target)).to_python_identifier()
    return {"ops": {op: {"config": {"task": task.id}}}}


class AssetTarget(ABC):
    """What targets have in common whose asset has no job of its own: the run makes it by itself. See `TaskTarget`."""

    @abstractmethod
    def check_declared(self, location: Location, name: str) -> None:
        """Nothing, where there is such a target and tasks go into it.

        Raises:
            UnknownNameError: there is none; lists the known ones.
            ConfigError: it takes no tasks.
        """

    def job(self, location: Location, task: StoredTask) -> str:
        """The job that makes any asset."""
        self.check_declared(location, task.target)
        return ""

    def assets(self, task: StoredTask) -> Collection[dg.AssetKey]:
        """That of the target, with its checks."""
        return [dg.AssetKey(asset_key("datasets", task.target))]

    def config(self, location: Location, task: StoredTask) -> Mapping[str, Any]:  # noqa: ARG002 - as others have it
        """The task's id."""
        return run_config(task)

    def tags(self, task: StoredTask) -> Mapping[str, str]:  # noqa: ARG002 - as others have it
        """None but that of the task."""
        return {}
