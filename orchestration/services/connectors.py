"""Connectors: which there are, who uses them, whether one answers, and what stands in it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from orchestration.location import Location
from resources.connectors.resource import ConnectorResource
from resources.kernel.errors import InputError, WaybillError
from resources.kernel.records import BrowseEntry, CheckReport, CheckStep

CONNECTOR_JOB = "connector_check"
"""The job of the Launchpad that tries a connector."""

BROWSE_LIMIT = 10_000
"""The most entries that one look may show."""


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
    """Datasources, exporters and pipelines that name it: what breaks without it (F037)."""


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


def list_connectors(location: Location) -> list[ConnectorSummary]:
    """Every declared connector, in order of name. Connects to none."""
    users = location.users_of_connectors()
    return [
        _summary(name, resource, users.get(name, ()))
        for name, resource in location.connectors().items()
    ]


def check_connector(location: Location, name: str) -> ConnectorTest:
    """Resolves the name, connects, signs in, looks once (F036).

    Raises:
        UnknownNameError: it is not declared.
        ConfigError: a variable that it names is not set.
    """
    connector = location.connector(name)
    started = time.monotonic()
    try:
        report = connector.check()
    except (
        WaybillError
    ) as error:  # what stands before any answer of the other side, a missing package say
        report = CheckReport(ok=False, detail=str(error))
    seconds = round(time.monotonic() - started, 3)
    return ConnectorTest(name, report.ok, report.detail, dict(report.facts), report.steps, seconds)


def browse_connector(location: Location, name: str, path: str, *, limit: int) -> Browsed:
    """What stands directly below `path`, in order, at most `limit` entries (F039, F040).

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
    found = tuple(islice(connector.browse(path, limit=limit + 1), limit + 1))
    return Browsed(name, path, found[:limit], len(found) > limit)


def _summary(name: str, resource: ConnectorResource, users: Sequence[str]) -> ConnectorSummary:
    variables = resource.environment_names()
    kind, target = resource.declared_place()
    is_set = {variable: variable in os.environ for variable in variables.values()}
    return ConnectorSummary(name, kind, target, is_set, tuple(users))
