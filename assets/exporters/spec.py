"""What an exporter says: what goes where, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import dagster as dg

from assets.noun import make_asset_spec
from resources.connectors.resource import Holds
from resources.kernel.keys import Key, asset_key, noun_of_key
from resources.kernel.records import TableName, WriteMode


@dataclass(frozen=True)
class ExporterSpec:
    """What an exporter says."""

    name: str
    source: Key
    """Asset key of the table that is delivered: a dataset or an embedding."""
    connector: str
    kind: str
    """Icon of the target in the UI."""
    table: TableName
    target: Holds = "tables"
    """What the connector holds, and so how it is delivered to."""
    mode: WriteMode = "overwrite"
    allow_empty: bool = False
    on_schema_change: Literal["fail", "recreate"] = "fail"
    keep_tables: int | None = None
    truncate_above: int | None = None

    @property
    def key(self) -> Key:
        """Its asset key."""
        return asset_key("exports", self.name)

    @property
    def source_name(self) -> str:
        """What is delivered, for people: `dataset flights`."""
        return f"{noun_of_key(self.source)} {self.source[1]}"

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        return make_asset_spec(
            self.key,
            given,
            kinds={self.kind},
            deps=[dg.AssetKey(self.source)],
            description=f"{self.source_name} into table {self.table} of connector {self.connector} ({self.mode})",
            metadata={
                "connector": self.connector,
                "target table": str(self.table),
                "mode": self.mode,
            },
        )
