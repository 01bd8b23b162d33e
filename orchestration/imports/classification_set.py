"""Tasks of classification files that go into sets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import dagster as dg

from assets.classifications.build import parse_options
from assets.classifications.declaration import DECLARATION, ClassificationSpec
from orchestration.classifications.jobs import run_tags
from orchestration.imports.asset_runs import check_files, run_config
from orchestration.location import Location
from resources.import_tasks.definition import TargetKind, TaskDefinition
from resources.import_tasks.places import at_place
from resources.kernel.errors import InputError, UnknownNameError
from resources.references import metadata_value
from resources.stores.catalog.import_tasks.records import StoredTask

_FORM = frozenset({"encoding", "list_delimiter", "blank_clears"})


class ClassificationSetTarget:
    """See `TaskTarget`."""

    kind: ClassVar[TargetKind] = "classification_set"

    def check(self, location: Location, given: TaskDefinition) -> None:
        """Nothing, where there is such a set, it may take files from there, and they can be read as the task says."""
        with at_place("target.name"):
            spec = _find(location, given.target.name)
        check_files(location, f"classification set {spec.name}", spec.connectors, given.source)
        unknown = sorted(given.options.form.keys() - _FORM)
        with at_place("options.form"):
            if unknown:
                raise InputError(
                    f"options.form has {unknown[0]!r}",
                    hint=f"It may have {', '.join(sorted(_FORM))}",
                )
            parse_options(spec, **given.options.form)

    def job(self, location: Location, task: StoredTask) -> str:
        """The job that takes a file of the set."""
        return _find(location, task.target).job

    def assets(self, task: StoredTask) -> Collection[dg.AssetKey]:  # noqa: ARG002 - its job has no other
        """That of its job."""
        return ()

    def config(self, location: Location, task: StoredTask) -> Mapping[str, Any]:  # noqa: ARG002 - as others have it
        """The task's id."""
        return run_config(task)

    def tags(self, task: StoredTask) -> Mapping[str, str]:
        """Those of every run of the set."""
        return run_tags(task.target, task.source, task.asked_by)


def _find(location: Location, name: str) -> ClassificationSpec:
    found = {
        key: asset for key, asset in location.datasets().items() if DECLARATION in asset.metadata
    }
    if name not in found:
        raise UnknownNameError("classification set", name, found)
    return ClassificationSpec.from_metadata(metadata_value(found[name].metadata[DECLARATION]))
