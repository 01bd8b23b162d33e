"""Tasks of ZIPs and images that go into image folders."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import dagster as dg

from assets.image_folders.component import ImageFolder
from orchestration.imports.asset_runs import check_files, run_config
from orchestration.location import Location
from resources.import_tasks.definition import TargetKind, TaskDefinition
from resources.kernel.errors import UnknownNameError
from resources.kernel.keys import IMAGE_FOLDER, asset_key
from resources.references import declared_in
from resources.stores.catalog.import_tasks.records import StoredTask


class ImageFolderTarget:
    """See `TaskTarget`."""

    kind: ClassVar[TargetKind] = "image_folder"

    def check(self, location: Location, given: TaskDefinition) -> None:
        """Nothing, where there is such a folder and it may take files from there."""
        found = _find(location, given.target.name)
        check_files(location, f"{IMAGE_FOLDER} {found.name}", found.connectors, given.source)

    def job(self, location: Location, task: StoredTask) -> str:
        """The job that makes any asset."""
        _find(location, task.target)
        return ""

    def assets(self, task: StoredTask) -> Collection[dg.AssetKey]:
        """The image folder."""
        return [dg.AssetKey(asset_key("datasets", task.target))]

    def config(self, location: Location, task: StoredTask) -> Mapping[str, Any]:  # noqa: ARG002 - as others have it
        """The task's id."""
        return run_config(task)

    def tags(self, task: StoredTask) -> Mapping[str, str]:  # noqa: ARG002 - as others have it
        """None but that of the task."""
        return {}


def _find(location: Location, name: str) -> ImageFolder:
    tree = location.definitions.component_tree
    declared = declared_in(tree, ImageFolder, noun=IMAGE_FOLDER) if tree else {}
    if name not in declared:
        raise UnknownNameError(IMAGE_FOLDER, name, declared)
    return declared[name]
