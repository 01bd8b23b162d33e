"""Connectors and data sources as the snapshot of a project has them. Imports no Dagster of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from orchestration.services.connectors import ConnectorSummary
from orchestration.services.datasources import DatasourceSummary
from orchestration.services.snapshot import Declaration, Snapshot
from resources.kernel.errors import UnknownNameError

T = TypeVar("T", ConnectorSummary, DatasourceSummary)


def connectors_of(snapshot: Snapshot) -> list[ConnectorSummary]:
    """Every declared connector, in order of name."""
    return [_made(given, ConnectorSummary) for given in snapshot.connectors]


def find_connector(snapshot: Snapshot, name: str) -> ConnectorSummary:
    """A declared connector.

    Raises:
        UnknownNameError: it is not declared.
    """
    return _find(connectors_of(snapshot), name, "connector")


def datasources_of(snapshot: Snapshot) -> list[DatasourceSummary]:
    """Every declared data source, in order of name."""
    return [_made(given, DatasourceSummary) for given in snapshot.datasources]


def find_datasource(snapshot: Snapshot, name: str) -> DatasourceSummary:
    """A declared data source.

    Raises:
        UnknownNameError: it is not declared.
    """
    return _find(datasources_of(snapshot), name, "datasource")


def find_declaration(snapshot: Snapshot, noun: str, name: str) -> Declaration | None:
    """Where a component stands, and what is said of it there."""
    return next((d for d in snapshot.declarations if (d.noun, d.name) == (noun, name)), None)


def _find(declared: list[T], name: str, noun: str) -> T:
    for found in declared:
        if found.name == name:
            return found
    raise UnknownNameError(noun, name, [found.name for found in declared])


def _made(given: Mapping[str, Any], kind: type[T]) -> T:
    return msgspec.convert(given, kind)
