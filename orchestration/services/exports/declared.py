"""Exporters as the project declares them, and one that is only being written."""

from __future__ import annotations

from collections.abc import Mapping

from assets.exporters.component import Exporter
from assets.exporters.spec import ExporterSpec
from orchestration.location import Location
from orchestration.pipelines.build import ScheduleSpec
from orchestration.pipelines.component import Pipeline
from orchestration.services.exports.entries import Delivering, ExporterEntry
from orchestration.services.unsaved import Definition, as_input, make_component, unplaced
from resources.connectors.component import ConnectorComponent
from resources.kernel.errors import UnknownNameError
from resources.references import declared_in


def exporter_entries(location: Location) -> list[ExporterEntry]:
    """What is declared of each exporter, in order of name. Connects to nothing."""
    pipelines = _pipelines(location)
    found = []
    for name, exporter in sorted(_exporters(location).items()):
        found.append(
            ExporterEntry(
                name=name,
                source=exporter.source_key,
                connector=exporter.connector,
                table=exporter.table,
                mode=exporter.mode,
                refresh=exporter.refresh,
                pipelines=tuple(pipelines.get(f"exports/{name}", ())),
                description=exporter.description,
            )
        )
    return found


def exporter_spec(location: Location, name: str) -> ExporterSpec:
    """What the exporter `name` says.

    Raises:
        UnknownNameError: it is not declared; lists the known ones.
    """
    known = _exporters(location)
    if name not in known:
        raise UnknownNameError("exporter", name, known)
    exporter = known[name]
    tree = location.definitions.component_tree
    connectors = declared_in(tree, ConnectorComponent, noun="connector") if tree else {}
    return exporter.spec_on(connectors[exporter.connector])


def unsaved_exporter(location: Location, definition: Definition) -> ExporterSpec:
    """What a definition says that is not saved yet.

    Raises:
        InputError: attributes that an exporter does not take, or that do not go together.
    """
    exporter, context = make_component(location, definition, Exporter, "exporter")
    with as_input(), unplaced(location):
        return exporter.spec(context)


def _exporters(location: Location) -> Mapping[str, Exporter]:
    tree = location.definitions.component_tree
    return declared_in(tree, Exporter, noun="exporter") if tree else {}


def _pipelines(location: Location) -> dict[str, list[Delivering]]:
    """Pipelines by the key of each asset that they end in."""
    tree = location.definitions.component_tree
    found: dict[str, list[Delivering]] = {}
    declared = declared_in(tree, Pipeline, noun="pipeline") if tree else {}
    for name, pipeline in sorted(declared.items()):
        for key in [*(f"exports/{exporter}" for exporter in pipeline.export), *pipeline.assets]:
            found.setdefault(key, []).append(_delivering(name, pipeline))
    return found


def _delivering(name: str, pipeline: Pipeline) -> Delivering:
    given = pipeline.schedule
    if given is None:
        return Delivering(name)
    spec = ScheduleSpec.parse(
        cron=given.cron, timezone=given.timezone, start=given.start, end=given.end, where=name
    )
    return Delivering(name, spec.cron, spec.timezone, spec.start, spec.end)
