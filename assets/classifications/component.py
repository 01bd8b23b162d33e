"""`assets.ClassificationSet` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, cast

import dagster as dg
from pydantic import Field

from assets.classifications.build import build_classification_set, keep_set
from assets.classifications.declaration import ClassificationSpec, OnError, WatchedFiles
from assets.classifications.schema import (
    FILE_LIMIT,
    FILE_LIMIT_CEILING,
    LIST_DELIMITERS,
    ColumnType,
    Encoding,
    SetColumn,
    SetSchema,
    find_encoding,
)
from assets.noun import NounComponent, connectors_of_files, placed
from resources.connectors.component import ConnectorComponent
from resources.declared import Declared
from resources.references import require
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource


class DeclaredColumn(Declared):
    """One column beside the key."""

    name: str
    """Exactly as files write it; settled once the set has taken its first file."""
    type: str = "text"
    """`text`, `integer`, `float` or `list[string]`; settled like the name."""
    description: str = ""
    """What it means; the UI shows it beside the column's type."""


class Files(Declared):
    """A place that is watched for new files."""

    connector: str
    """A folder, a bucket or a file server."""
    path: str
    """A key or a glob."""
    on_error: OnError = "continue"
    """`continue`: files after a rejected one come in; `wait`: none does before it is replaced or removed."""
    include_existing: bool = True
    """Whether what is there at the first look comes in too."""
    settle_seconds: int | None = None
    """How long a file must be unchanged before it counts."""
    every_seconds: int = 15
    """How often to look."""


class ClassificationSet(NounComponent):
    """A table of keys and attributes, maintained by uploaded files; each file is checked as a whole before it takes effect."""

    noun: ClassVar[str] = "classification set"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: products
columns:                              # beside Key, which every file has
  - {name: Brand, description: Who made it}
  - {name: Size, type: integer}
  - {name: Materials, type: "list[string]"}
""",
        """\
name: countries
columns: [{name: Region}, {name: Risk, type: float}]
encoding: latin1
list_delimiter: "|"
blank_clears: true
max_bytes: 5000000
keep_versions: 50
files: {connector: landing, path: "countries/*.csv", on_error: wait}
connectors: [landing]                 # import tasks may take files from there too
description: Where we sell
owners: ["team:sales"]
tags: {domain: sales}
group: master_data
kinds: [table]
""",
    )
    asks: ClassVar[Mapping[str, str]] = {
        "files.connector": "connector",
        "connectors": "connector",
    }
    shown_first: ClassVar[tuple[str, ...]] = ("description",)
    renamed: ClassVar[Mapping[str, str]] = {"keep": "keep_versions"}

    columns: list[DeclaredColumn]
    """Columns beside the key."""
    encoding: str = "utf8"
    """Of files that do not say: `utf8` or `latin1`."""
    list_delimiter: str = ","
    """Between the elements of a list cell."""
    blank_clears: bool = False
    """Whether a blank cell clears the stored value instead of keeping it."""
    max_bytes: int = FILE_LIMIT
    """Largest file that is taken."""
    keep_versions: int = Field(default=20, ge=1)
    """How many earlier versions stay: for undo, and as dataset versions."""
    files: Files | None = None
    """A place that is watched for new files."""
    connectors: list[str] = Field(default_factory=list)
    """Folders, buckets and file servers from which import tasks may take files."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset; its job and sensor come with the code location."""
        spec = ClassificationSpec(
            name=self.name,
            schema=self._schema(context),
            keep_versions=self.keep_versions,
            description=self.description,
            owners=tuple(self.owners),
            tags=self.tags,
            files=self._files(context),
            column_descriptions={c.name: c.description for c in self.columns if c.description},
            connectors=connectors_of_files(self, context, self.connectors),
        )
        return build_classification_set(
            spec, asset=self.asset_of(context, spec), execute=self.execute
        )

    def execute(
        self,
        context: dg.AssetExecutionContext,
        spec: ClassificationSpec,
        store: StoreResource,
        catalog: CatalogResource,
    ) -> dg.MaterializeResult[None]:
        """Takes a file in, goes back to a version, or shows what holds."""
        return keep_set(context, spec, store, catalog)

    def _schema(self, context: dg.ComponentLoadContext) -> SetSchema:
        columns = [self._column(context, number) for number in range(len(self.columns))]
        with placed(context, self._wrong_attribute()):
            return SetSchema(
                columns=tuple(columns),
                encoding=cast("Encoding", self.encoding),  # it refuses what is none
                list_delimiter=self.list_delimiter,
                blank_clears=self.blank_clears,
                max_bytes=self.max_bytes,
            )

    def _wrong_attribute(self) -> str:
        """Which attribute a refusal of the schema is about."""
        if find_encoding(self.encoding) is None:
            return "encoding"
        if self.list_delimiter not in LIST_DELIMITERS:
            return "list_delimiter"
        return "columns" if 0 < self.max_bytes <= FILE_LIMIT_CEILING else "max_bytes"

    def _column(self, context: dg.ComponentLoadContext, number: int) -> SetColumn:
        given = self.columns[number]
        with placed(context, "columns", number):
            return SetColumn(given.name, cast("ColumnType", given.type))  # it refuses what is none

    def _files(self, context: dg.ComponentLoadContext) -> WatchedFiles | None:
        given = self.files
        if given is None:
            return None
        connector = require(
            context, ConnectorComponent, given.connector, noun="connector", attribute="files"
        )
        if connector.holds != "files":
            raise self.refusal(
                context,
                f"connector {given.connector!r} holds tables, not files",
                "files",
                hint="Name a folder, a bucket or a file server",
            )
        if (given.settle_seconds or 0) < 0 or given.every_seconds < 1 or not given.path.strip():
            raise self.refusal(
                context,
                "`path` names something, `settle_seconds` is 0 or more, `every_seconds` 1 or more",
                "files",
            )
        return WatchedFiles(
            connector=given.connector,
            path=given.path,
            on_error=given.on_error,
            include_existing=given.include_existing,
            settle_seconds=given.settle_seconds,
            every_seconds=given.every_seconds,
        )
