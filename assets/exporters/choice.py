"""What a run of an exporter delivers: what is declared, in its newest version, unless the run's config says otherwise.

Names and numbers only: no place to write to, nothing that leads out of the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.exporters.spec import ExporterSpec
from resources.kernel.errors import ConfigError, NotFoundError
from resources.kernel.keys import IMAGE_FOLDER, Key, asset_key, noun_of_key
from resources.kernel.records import StoredVersion
from resources.stores.tables import TableStore

# No `StringSource` or `IntSource`: they would take values from the server's environment.
CHOICE_SCHEMA = {
    "dataset": dg.Field(
        str,
        is_required=False,
        description="A dataset to deliver in place of the declared one; its declaration stays as it is",
    ),
    "version": dg.Field(
        int, is_required=False, description="Which version of it; the newest when left out"
    ),
}


@dataclass(frozen=True)
class Pinned:
    """What one run delivers.

    Args:
        source: asset key of the table.
        version: its number.
        rows: how many it holds.
        is_declared: whether it is what the exporter's declaration says, in its newest version.
    """

    source: Key
    version: int
    rows: int | None
    is_declared: bool

    def to_handle(self) -> dict[str, Any]:
        """As it passes from one op to the next."""
        return {
            "source": list(self.source),
            "version": self.version,
            "rows": self.rows,
            "is_declared": self.is_declared,
        }

    @classmethod
    def of_handle(cls, handle: Mapping[str, Any]) -> Pinned:
        """What `to_handle` made."""
        return cls(
            tuple(handle["source"]), handle["version"], handle["rows"], handle["is_declared"]
        )


def choice_config(
    exporter: str, *, dataset: str = "", version: int | None = None
) -> dict[str, Any]:
    """The run config that has the exporter deliver this; empty for what is declared."""
    chosen = {"dataset": dataset or None, "version": version}
    config = {name: value for name, value in chosen.items() if value is not None}
    if not config:
        return {}
    graph = dg.AssetKey(asset_key("exports", exporter)).to_python_identifier()
    return {"ops": {graph: {"ops": {f"pin_{exporter}": {"config": config}}}}}


def pin(spec: ExporterSpec, store: TableStore, config: Mapping[str, Any]) -> Pinned:
    """Settles what a run with this config delivers.

    Raises:
        ConfigError: what is asked for cannot name a dataset, or names an image folder.
        NotFoundError: it has no such version, or none at all; `GoneError` when the version has been collected.
    """
    name = config.get("dataset", "")
    source = asset_key("datasets", name) if name else spec.source
    item, named = store.item(source), f"{noun_of_key(source)} {source[1]}"
    newest = item.latest()
    if newest is None:
        raise NotFoundError(
            f"exporter {spec.name}: {named} has no version yet", hint="Materialize it first"
        )
    if newest.properties.get("origin") == IMAGE_FOLDER:
        raise ConfigError(
            f"exporter {spec.name}: {source[1]!r} is an image folder, which cannot be exported",
            hint="Download it as a ZIP; a transform's table made from its own can be exported",
        )
    wanted = config.get("version")
    version: StoredVersion = newest if wanted in (None, newest.number) else item.version(wanted)
    is_declared = source == spec.source and version.number == newest.number
    return Pinned(source, version.number, version.rows, is_declared)
