"""A loaded project as lists see it."""

from __future__ import annotations

from dataclasses import asdict

from orchestration.location import Location
from orchestration.services.connectors import list_connectors
from orchestration.services.dataset_entries import dataset_entries
from orchestration.services.datasources import list_datasources
from orchestration.services.snapshot import Snapshot


def snapshot_of(location: Location, problems: tuple[str, ...]) -> Snapshot:
    """What lists need of a location. Connects to nothing."""
    return Snapshot(
        datasets=tuple(dataset_entries(location)),
        problems=problems,
        connectors=tuple(asdict(found) for found in list_connectors(location)),
        datasources=tuple(asdict(found) for found in list_datasources(location)),
        store=location.store().url if "store" in (location.definitions.resources or {}) else "",
    )
