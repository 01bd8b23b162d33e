"""Connectors: which there are, who uses them, whether one answers, and what stands in it.

A connector can be tried, and looked into, before it is saved; see `unsaved.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from orchestration.location import Location, open_connector
from orchestration.services.unsaved import Definition, as_input, make_component, unplaced
from resources.connectors.base import Connector, TableConnector
from resources.connectors.component import ConnectorComponent
from resources.connectors.resource import ConnectorResource, Holds
from resources.declared import DeclaredComponent, names_given
from resources.kernel.errors import InputError, UnknownNameError, WaybillError
from resources.kernel.records import BrowseEntry, CheckReport, CheckStep, TableName, TellStep
from resources.references import metadata_value, name_of_asset, registry_of

CONNECTOR_JOB = "connector_check"
"""The job of the Launchpad that tries a connector."""

BROWSE_LIMIT = 10_000
"""The most entries that one look may show."""

_SHOWN_AS = {"recurring import": "pipeline"}
"""Nouns of YAML that are called otherwise where things are listed."""


@dataclass(frozen=True)
class ConnectorSummary:
    """A declared connector. Says where secrets come from, never what they are."""

    name: str
    kind: str
    target: str
    """Where it leads, without credentials."""
    environment: dict[str, bool]
    """Variables that it needs, and whether each is set."""
    used_by: tuple[str, ...]
    """Data sources, datasets, collections, pipelines and the like that name it: what breaks without it (F037)."""
    holds: Holds = "files"
    """What stands in it: files, or tables of a database."""


@dataclass(frozen=True)
class ConnectorTest:
    """What trying a connector found."""

    name: str
    ok: bool
    detail: str
    facts: dict[str, str]
    steps: tuple[CheckStep, ...]
    """What was tried, in order; the first that failed is the last."""
    seconds: float


@dataclass(frozen=True)
class Browsed:
    """What stands directly below a place of a connector."""

    connector: str
    path: str
    entries: tuple[BrowseEntry, ...]
    is_cut: bool
    """There is more than was asked for."""


@dataclass(frozen=True)
class Described:
    """A table of a connector."""

    connector: str
    table: str
    columns: tuple[tuple[str, str], ...]
    """(column, type)"""


def list_connectors(location: Location) -> list[ConnectorSummary]:
    """Every declared connector, in order of name. Connects to none."""
    users = _users_of_connectors(location)
    return [
        _summary(name, resource, users.get(name, ()))
        for name, resource in location.connectors().items()
    ]


def show_connector(location: Location, name: str) -> ConnectorSummary:
    """One declared connector. Connects to nothing.

    Raises:
        UnknownNameError: it is not declared.
    """
    known = location.connectors()
    if name not in known:
        raise UnknownNameError("connector", name, known)
    return _summary(name, known[name], _users_of_connectors(location).get(name, ()))


def check_connector(location: Location, name: str, tell: TellStep | None = None) -> ConnectorTest:
    """Resolves the name, connects, signs in, looks once (F036).

    Args:
        location: where it is declared.
        name: of the connector.
        tell: hears of each step as it ends.

    Raises:
        UnknownNameError: it is not declared.
        ConfigError: a variable that it names is not set.
    """
    return _check(name, location.connector(name), tell)


def check_unsaved_connector(
    location: Location, definition: Definition, tell: TellStep | None = None
) -> ConnectorTest:
    """The same of a connector that is only being written.

    Raises:
        InputError: attributes that it does not take, a secret that is no name of a variable.
        ConfigError: a variable that is not set.
    """
    connector = unsaved_connector(location, definition)
    return _check(connector.name, connector, tell)


def unsaved_connector(location: Location, definition: Definition) -> Connector:
    """The connector that a definition declares.

    Raises:
        InputError: attributes that it does not take, a secret that is no name of a variable.
        ConfigError: a variable that is not set.
    """
    component, _ = make_component(location, definition, ConnectorComponent, "connector")
    with unplaced(location) as where:
        with as_input():
            resource = component.resource(where)
        return open_connector(resource)


def browse_connector(
    location: Location, name: str, path: str, *, limit: int, after: str = ""
) -> Browsed:
    """What stands directly below `path`, in order, at most `limit` entries (F039, F040).

    Args:
        location: where it is declared.
        name: of the connector.
        path: a place, as an earlier list shows it; the top when empty.
        limit: most entries.
        after: path of the last entry of a list that was cut: this one goes on behind it.

    Raises:
        UnknownNameError: the connector is not declared.
        NotFoundError: it has no such place.
        InputError: a limit out of bounds, a path that leads elsewhere.
        ConnectorError: it does not answer, or refuses.
    """
    if not 0 < limit <= BROWSE_LIMIT:
        raise InputError(f"a list has 1 to {BROWSE_LIMIT} entries, not {limit}")
    connector = location.connector(name)
    # One more than shown tells whether there are more.
    found = tuple(islice(connector.browse(path, limit=limit + 1, after=after), limit + 1))
    return Browsed(name, path, found[:limit], len(found) > limit)


def describe_table(location: Location, name: str, table: str) -> Described:
    """The columns of a table and their types, as an import would bring them; no row is read.

    Raises:
        UnknownNameError: the connector is not declared.
        InputError: it holds files.
        NotFoundError: no such table; lists near names.
        ConnectorError: it does not answer, or refuses.
    """
    connector = location.connector(name)
    if not isinstance(connector, TableConnector):
        raise InputError(
            f"connector {name!r} holds files, not tables",
            hint="`waybill datasource test` shows the columns of a file",
        )
    schema = connector.describe(TableName.parse(table))
    return Described(name, table, tuple((column.name, str(column.type)) for column in schema))


def _check(name: str, connector: Connector, tell: TellStep | None) -> ConnectorTest:
    started = time.monotonic()
    try:
        report = connector.check(tell)
    except WaybillError as error:
        # What stands before any answer of the other side, a missing package say.
        report = CheckReport(ok=False, detail=str(error))
    seconds = round(time.monotonic() - started, 3)
    return ConnectorTest(name, report.ok, report.detail, dict(report.facts), report.steps, seconds)


def _summary(name: str, resource: ConnectorResource, users: Sequence[str]) -> ConnectorSummary:
    variables = resource.environment_names()
    kind, target = resource.declared_place()
    is_set = {variable: variable in os.environ for variable in variables.values()}
    return ConnectorSummary(name, kind, target, is_set, tuple(users), resource.holds)


def _users_of_connectors(location: Location) -> dict[str, list[str]]:
    """Who names each connector, as `noun name`, in order: what breaks without it (F037)."""
    users: dict[str, set[str]] = {}
    for connector, user in (*_in_yaml(location), *_in_definitions(location)):
        users.setdefault(connector, set()).add(user)
    return {connector: sorted(names) for connector, names in users.items()}


def _in_yaml(location: Location) -> Iterator[tuple[str, str]]:
    """Connectors that components name, and these."""
    registry = registry_of(location.definitions.component_tree)
    for component in registry.entries() if registry else ():
        if isinstance(component, DeclaredComponent):
            noun = _SHOWN_AS.get(component.noun, component.noun)
            for connector in names_given(component, "connector"):
                yield connector, f"{noun} {component.name}"


def _in_definitions(location: Location) -> Iterator[tuple[str, str]]:
    """Connectors that definitions name, those of Python too, and these."""
    nouns = location.nouns()
    for spec in location.specs:
        if connector := _metadata_text(spec.metadata, "connector"):
            noun = nouns[tuple(spec.key.path)] or "asset"
            yield connector, f"{noun} {name_of_asset(spec.key)}"
    for sensor in location.definitions.sensors or []:
        metadata = getattr(sensor, "metadata", {})
        if connector := _metadata_text(metadata, "connector"):
            yield connector, f"pipeline {_metadata_text(metadata, 'pipeline') or sensor.name}"


def _metadata_text(metadata: Mapping[str, object], name: str) -> str:
    return str(metadata_value(metadata.get(name, "")))
