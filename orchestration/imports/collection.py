"""Tasks that go into collections: documents, pages, media."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import dagster as dg

from assets.collections.declaration import DECLARATION, CollectionSpec, DocumentsSpec
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
from resources.kernel.keys import check_name
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
        _check(location, spec, given)

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


def check_new_collection(location: Location, given: TaskDefinition) -> None:
    """Nothing, where a collection that is declared with as much as a task needs would take what it wants to bring.

    Raises:
        ConfigError: a name that cannot be.
        InputError: something else that cannot be.
        UnknownNameError: no such connector.
    """
    with at_place("target.name"):
        check_name("collection", given.target.name)
    source = given.source
    connectors = (source.connector,) if isinstance(source, ConnectorSource) else ()
    needed = CollectionSpec(given.target.name, connectors, web=True, documents=DocumentsSpec())
    _check(location, needed, given)


def _check(location: Location, spec: CollectionSpec, given: TaskDefinition) -> None:
    _check_packages(spec, given.options)
    if spec.documents is None:
        check_texts(spec.name, given.options)
    if isinstance(given.source, WebSource):
        _check_web(spec, given.source)
    elif isinstance(given.source, ConnectorSource):
        check_objects(location, f"collection {spec.name}", spec.connectors, given.source)


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
    if options.ocr:
        with at_place("options.ocr"):
            check_ocr()


def check_texts(name: str, options: TaskOptions) -> None:
    """Nothing, where a collection that keeps no texts can do all that a task is told.

    Raises:
        InputError: it is told what is made of texts alone; says what to declare.
    """
    wanted = {
        "ocr": options.ocr and "nothing would come of those in pictures",
        "output": options.output and f"none would be shown as {options.output}",
        "fields": any(rule.source != "path" for rule in options.fields)
        and "a field can be filled by a pattern over the path alone",
    }
    for option, reason in wanted.items():
        if reason:
            raise InputError(
                f"collection {name} keeps no texts: {reason}",
                hint="Declare `documents:` for it",
                place=f"options.{option}",
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
