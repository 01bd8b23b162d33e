"""Where a run takes place, and who wants it: what use cases that start runs are given."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from orchestration.location import Location
from orchestration.services.home import Home
from orchestration.services.runs.start import Asked


@dataclass(frozen=True)
class Workplace:
    """Where a run takes place, and who wants it."""

    home: Home
    location: Location
    instance: dg.DagsterInstance
    asked: Asked
