"""Tasks of ZIPs and images that go into image folders."""

from __future__ import annotations

from typing import ClassVar

from assets.image_folders.component import ImageFolder
from orchestration.imports.asset_runs import AssetTarget, check_files
from orchestration.location import Location
from resources.import_tasks.definition import TargetKind, TaskDefinition
from resources.import_tasks.places import at_place
from resources.kernel.errors import UnknownNameError
from resources.kernel.keys import IMAGE_FOLDER
from resources.references import declared_in


class ImageFolderTarget(AssetTarget):
    """See `TaskTarget`."""

    kind: ClassVar[TargetKind] = "image_folder"

    def check(self, location: Location, given: TaskDefinition) -> None:
        """Nothing, where there is such a folder and it may take files from there."""
        with at_place("target.name"):
            found = _find(location, given.target.name)
        check_files(location, f"{IMAGE_FOLDER} {found.name}", found.connectors, given.source)

    def check_declared(self, location: Location, name: str) -> None:
        """See `AssetTarget`."""
        _find(location, name)


def _find(location: Location, name: str) -> ImageFolder:
    tree = location.definitions.component_tree
    declared = declared_in(tree, ImageFolder, noun=IMAGE_FOLDER) if tree else {}
    if name not in declared:
        raise UnknownNameError(IMAGE_FOLDER, name, declared)
    return declared[name]
