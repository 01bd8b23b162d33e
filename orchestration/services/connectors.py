"""Connectors: which there are, and whether one answers."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import dagster as dg

from orchestration.services.location import Location, environment_names
from resources.connectors.resource import ConnectorResource
from resources.kernel.errors import WaybillError
from resources.kernel.records import CheckReport


@dataclass(frozen=True)
class ConnectorSummary:
    """A declared connector. Says where secrets come from, never what they are."""

    name: str
    kind: str
    target: str
    """Where it leads, without credentials."""
    environment: dict[str, bool]
    """Variables that it needs, and whether each is set."""


@dataclass(frozen=True)
class ConnectorTest:
    """What trying a connector found."""

    name: str
    ok: bool
    detail: str
    facts: dict[str, str]
    seconds: float


def list_connectors(location: Location) -> list[ConnectorSummary]:
    """Every declared connector, in order of name. Connects to none."""
    return [_summary(name, resource) for name, resource in location.connectors().items()]


def check_connector(location: Location, name: str) -> ConnectorTest:
    """Connects, signs in, looks once.

    Raises:
        UnknownNameError: nobody declares it.
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
    return ConnectorTest(name, report.ok, report.detail, dict(report.facts), seconds)


def _summary(name: str, resource: ConnectorResource) -> ConnectorSummary:
    variables = environment_names(resource)
    declared = {
        field: f"${value.env_var_name}" if isinstance(value, dg.EnvVar) else str(value)
        for field, value in vars(resource).items()
    }
    kind, target = resource.place(declared)
    return ConnectorSummary(name, kind, target, {v: v in os.environ for v in variables.values()})
