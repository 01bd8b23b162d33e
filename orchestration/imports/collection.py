"""Tasks that go into collections: documents, pages, media."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import dagster as dg

from assets.collections.declaration import DECLARATION, CollectionSpec
from orchestration.collections.jobs import run_config, run_tags
from orchestration.imports.asset_runs import check_objects
from orchestration.location import Location
from resources.documents.packages import check_ocr, check_parsers
from resources.import_tasks.definition import (
    ConnectorSource,
    TargetKind,
    TaskDefinition,
    TaskOptions,
    WebSource,
    places_of,
)
from resources.import_tasks.places import at_place
from resources.kernel.errors import InputError, UnknownNameError
from resources.references import metadata_value
from resources.stores.catalog.import_tasks.records import StoredTask
from resources.web.addresses import check_named


class CollectionTarget:
    """See `TaskTarget`."""

    kind: ClassVar[TargetKind] = "collection"

    def check(self, location: Location, given: TaskDefinition) -> None:
        """Nothing, where the collection takes what the task wants to bring."""
        with at_place("target.name"):
            spec = _find(location, given.target.name)
        _check_packages(spec, given.options)
        if isinstance(given.source, WebSource):
            _check_web(spec, given.source)
        elif isinstance(given.source, ConnectorSource):
            check_objects(location, f"collection {spec.name}", spec.connectors, given.source)

    def job(self, location: Location, task: StoredTask) -> str:
        """The collection's import job."""
        return _find(location, task.target).job

    def assets(self, task: StoredTask) -> Collection[dg.AssetKey]:  # noqa: ARG002 - its job has no others
        """Those of its job: the collection, and the embeddings of its vectors."""
        return ()

    def config(self, location: Location, task: StoredTask) -> Mapping[str, Any]:
        """The task's id, and nothing else: what it says stands in the catalog."""
        return run_config(_find(location, task.target), {"task": task.id})

    def tags(self, task: StoredTask) -> Mapping[str, str]:
        """Those of every run of the collection."""
        return run_tags(CollectionSpec(task.target), f"import task {task.id}")


def _find(location: Location, name: str) -> CollectionSpec:
    found = {
        key: asset for key, asset in location.datasets().items() if DECLARATION in asset.metadata
    }
    if name not in found:
        raise UnknownNameError("collection", name, found)
    return CollectionSpec.from_metadata(metadata_value(found[name].metadata[DECLARATION]))


def _check_packages(spec: CollectionSpec, options: TaskOptions) -> None:
    """What is missing is told before anything is brought."""
    if spec.documents is not None:
        with at_place("target.name"):
            check_parsers()
    if not options.ocr:
        return
    with at_place("options.ocr"):
        check_ocr()
        if spec.documents is None:
            raise InputError(
                f"collection {spec.name} keeps no texts: nothing would come of those in pictures",
                hint="Declare `documents:` for it",
            )


def _check_web(spec: CollectionSpec, source: WebSource) -> None:
    if not spec.web:
        raise InputError(
            f"collection {spec.name} takes nothing from the public web",
            hint="Declare `web: true` for it",
            place="source",
        )
    for place, address in places_of(source):
        with at_place(place):
            check_named(address)
