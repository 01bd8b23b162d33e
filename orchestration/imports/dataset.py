"""Tasks of table files that go into datasets: with `upload: true`, since their files are kept as an upload of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import dagster as dg

from assets.datasets.component import Dataset
from orchestration.imports.asset_runs import check_files, run_config
from orchestration.location import Location
from resources.formats.registry import is_readable_name
from resources.import_tasks.definition import TargetKind, TaskDefinition, UploadSource
from resources.kernel.errors import ConfigError, InputError, UnknownNameError
from resources.kernel.keys import asset_key
from resources.references import declared_in
from resources.stores.catalog.import_tasks.records import StoredTask


class DatasetTarget:
    """See `TaskTarget`."""

    kind: ClassVar[TargetKind] = "dataset"

    def check(self, location: Location, given: TaskDefinition) -> None:
        """Nothing, where the dataset takes files and these can be read as it says."""
        found = _find(location, given.target.name)
        check_files(location, f"dataset {found.name}", found.connectors, given.source)
        if isinstance(given.source, UploadSource) and not found.format:
            check_readable([file.name for file in given.source.files])

    def job(self, location: Location, task: StoredTask) -> str:
        """The job that makes any asset."""
        _find(location, task.target)
        return ""

    def assets(self, task: StoredTask) -> Collection[dg.AssetKey]:
        """The dataset, with its checks."""
        return [dg.AssetKey(asset_key("datasets", task.target))]

    def config(self, location: Location, task: StoredTask) -> Mapping[str, Any]:  # noqa: ARG002 - as others have it
        """The task's id."""
        return run_config(task)

    def tags(self, task: StoredTask) -> Mapping[str, str]:  # noqa: ARG002 - as others have it
        """None but that of the task."""
        return {}


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
