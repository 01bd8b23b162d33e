"""What is declared of exporters, as lists and pages need it. Imports no Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from resources.kernel.keys import Key, asset_key


@dataclass(frozen=True)
class Delivering:
    """A pipeline that ends in an exporter.

    Args:
        pipeline: its name.
        cron: when it runs by the clock; empty when it does not.
        timezone: of the cron.
        start: first day.
        end: last day.
    """

    pipeline: str
    cron: str = ""
    timezone: str = "UTC"
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True)
class ExporterEntry:
    """What is declared of an exporter."""

    name: str
    source: Key
    """Asset key of what it delivers: a dataset or an embedding."""
    connector: str
    table: str
    mode: str
    refresh: str
    """When it delivers by itself: `manual`, `on_change`, or a cron."""
    pipelines: tuple[Delivering, ...] = ()
    description: str = ""

    @property
    def key(self) -> Key:
        """Its asset key."""
        return asset_key("exports", self.name)
