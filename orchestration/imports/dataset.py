"""Tasks of table files that go into datasets: with `upload: true`, since their files are kept as an upload of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from assets.datasets.component import Dataset
from orchestration.imports.asset_runs import AssetTarget, check_files
from orchestration.location import Location
from resources.formats.registry import is_readable_name
from resources.import_tasks.definition import TargetKind, TaskDefinition, UploadSource
from resources.import_tasks.places import at_place
from resources.kernel.errors import ConfigError, InputError, UnknownNameError
from resources.references import declared_in


class DatasetTarget(AssetTarget):
    """See `TaskTarget`."""

    kind: ClassVar[TargetKind] = "dataset"

    def check(self, location: Location, given: TaskDefinition) -> None:
        """Nothing, where the dataset takes files and these can be read as it says."""
        with at_place("target.name"):
            found = _find(location, given.target.name)
        check_files(location, f"dataset {found.name}", found.connectors, given.source)
        if isinstance(given.source, UploadSource) and not found.format:
            with at_place("source.files"):
                check_readable([file.name for file in given.source.files])

    def check_declared(self, location: Location, name: str) -> None:
        """See `AssetTarget`."""
        _find(location, name)


def check_readable(names: Collection[str]) -> None:
    """Nothing, where the name of at least one file tells how to read it: others fail at their items.

    Raises:
        InputError: none does.
    """
    if not any(map(is_readable_name, names)):
        name = next(iter(names))
        raise InputError(
            f"{name[:80]!r} does not tell how to read it by its name",
            hint="Name it by its format, such as .csv or .parquet, or give the dataset a `format:`",
        )


def _find(location: Location, name: str) -> Dataset:
    tree = location.definitions.component_tree
    declared = declared_in(tree, Dataset, noun="dataset") if tree else {}
    if name in declared and declared[name].upload:
        return declared[name]
    if name in location.datasets():
        raise ConfigError(
            f"dataset {name!r} is not made of uploaded files",
            hint="Import tasks go into datasets with `upload: true`",
            name=name,
        )
    raise UnknownNameError("dataset", name, [one for one in declared if declared[one].upload])
