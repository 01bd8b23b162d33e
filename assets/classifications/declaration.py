"""What a project declares of a classification set, as one record, and as the metadata that its asset carries.

The asset's metadata is how the command line and the sensor know the set: they look at assets, not at YAML.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import dagster as dg

from assets.classifications.schema import SetColumn, SetSchema
from assets.noun import make_asset_spec
from resources.kernel.keys import Key, asset_key

DECLARATION = "waybill/classification"
"""Key of the declaration in the asset's metadata."""

FILE_JOB = "apply_{name}"
"""The job that takes a file into a set."""

OnError = Literal["continue", "wait"]


@dataclass(frozen=True)
class WatchedFiles:
    """Where files of a set arrive by themselves.

    Args:
        connector: a place of files.
        path: a key or a glob there.
        on_error: `continue`: the files after a rejected one come in; `wait`: none does before it is replaced or removed.
        include_existing: whether what is there at the first look counts as new.
        settle_seconds: how long a file must have been left alone; as the connector has it when None.
        every_seconds: how often to look.
    """

    connector: str
    path: str
    on_error: OnError = "continue"
    include_existing: bool = True
    settle_seconds: int | None = None
    every_seconds: int = 15


@dataclass(frozen=True)
class ClassificationSpec:
    """A set as declared.

    Args:
        name: of the set, and of the dataset that it is read as.
        schema: columns and how files are read.
        keep_versions: how many earlier versions an undo can reach, and how many stay in the store.
        files: where files arrive by themselves.
        column_descriptions: by column.
        connectors: where import tasks may take files from.
    """

    name: str
    schema: SetSchema
    keep_versions: int = 20
    description: str = ""
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    files: WatchedFiles | None = None
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    connectors: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Asset key. Tables that Waybill keeps are all datasets, so SQL and exporters find it."""
        return asset_key("datasets", self.name)

    @property
    def columns(self) -> list[tuple[str, str]]:
        """(name, type) as the catalog takes them."""
        return [(column.name, column.type.value) for column in self.schema.columns]

    @property
    def job(self) -> str:
        """Name of the job that takes a file."""
        return FILE_JOB.format(name=self.name)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        return make_asset_spec(
            self.key,
            given,
            kinds={"table"},
            group_name="classifications",
            description=f"Classification set {self.name}: a table kept by files",
            metadata={
                "origin": "classification",
                DECLARATION: dg.MetadataValue.json(self.to_metadata()),
            },
        )

    def to_metadata(self) -> dict[str, Any]:
        """The declaration as JSON can hold it."""
        schema = self.schema
        return {
            "name": self.name,
            "columns": [[name, kind] for name, kind in self.columns],
            "descriptions": dict(self.column_descriptions),
            "encoding": schema.encoding.value,
            "list_delimiter": schema.list_delimiter,
            "blank_clears": schema.blank_clears,
            "max_bytes": schema.max_bytes,
            "keep_versions": self.keep_versions,
            "description": self.description,
            "owners": list(self.owners),
            "tags": dict(self.tags),
            "files": None if self.files is None else dict(vars(self.files)),
            "connectors": list(self.connectors),
        }

    @classmethod
    def from_metadata(cls, given: object) -> ClassificationSpec:
        """The declaration that `to_metadata` wrote, as a mapping or as JSON text."""
        found: Any = json.loads(given) if isinstance(given, str) else given
        return cls(
            name=found["name"],
            schema=SetSchema(
                columns=tuple(SetColumn(name, kind) for name, kind in found["columns"]),
                encoding=found["encoding"],
                list_delimiter=found["list_delimiter"],
                blank_clears=found["blank_clears"],
                max_bytes=found["max_bytes"],
            ),
            keep_versions=found["keep_versions"],
            description=found["description"],
            owners=tuple(found["owners"]),
            tags=found["tags"],
            files=None if found["files"] is None else WatchedFiles(**found["files"]),
            column_descriptions=found["descriptions"],
            connectors=tuple(found["connectors"]),
        )
