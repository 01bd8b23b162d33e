"""`assets.Collection` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import dagster as dg
from pydantic import Field

from assets.collections.build import build_collection, keep_collection
from assets.collections.declaration import (
    MEDIA_TYPES,
    CollectionSpec,
    Probe,
    WatchedObjects,
)
from assets.collections.schema_component import MetadataSchema
from assets.noun import NounComponent, placed
from resources.collections.folders import check_folder
from resources.collections.items import MediaType
from resources.collections.metadata_schema import MetadataKey
from resources.connectors.component import ConnectorComponent
from resources.declared import Declared
from resources.references import require
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource


class Watch(Declared):
    """A place whose new objects come in by themselves."""

    connector: str
    """One of the collection's connectors."""
    path: str
    """A key or a glob: `incoming/**/*.jpg`."""
    include_existing: bool = True
    """Whether what is there at the first look comes in too."""
    every_seconds: int = Field(default=60, ge=1)
    """How often to look."""


class Collection(NounComponent):
    """Media and documents by specification: each item with its URLs, metadata, state and, if it failed, the reason."""

    noun: ClassVar[str] = "collection"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: site_photos
connectors: [media]    # places that URLs of items may lead into
types: [image, video]  # all when left out
""",
        """\
name: scans
connectors: [archive, clinic]
web: false
types: [dicom_series, pdf]
folder: incoming/2026
metadata_schema: clinical
probe: always
keep_copies: true
keep_versions: 10
watch: {connector: archive, path: "scans/**/*.pdf", every_seconds: 30}
column_descriptions: {title: What radiologists call it}
description: What the clinic sends
owners: ["team:imaging"]
tags: {domain: clinic}
group: imaging
kinds: [table]
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {"media": "resources.S3Connector"}
    asks: ClassVar[Mapping[str, str]] = {
        "connectors": "connector",
        "watch.connector": "connector",
        "metadata_schema": "metadata schema",
    }
    shown_first: ClassVar[tuple[str, ...]] = ("metadata_schema", "description")

    connectors: list[str] = Field(default_factory=list)
    """Folders, buckets and file servers that URLs of its items may lead into."""
    web: bool = False
    """Whether URLs may be `https://` addresses of the public web."""
    types: list[MediaType] = Field(default_factory=list)
    """Which items it takes; all when left out."""
    folder: str = ""
    """Where items go unless an import says otherwise: `site/north`."""
    metadata_schema: str = ""
    """The schema that custom metadata is checked by."""
    probe: Probe = "missing"
    """Whose objects are looked at: `never`, `missing` (those without media metadata), `always`."""
    keep_copies: bool = False
    """Whether the bytes of items are kept in the store, once however often they come, or only referred to."""
    keep_versions: int = Field(default=3, ge=1)
    """How many versions of the table of items to keep."""
    watch: Watch | None = None
    """A place whose new objects come in by themselves."""
    column_descriptions: dict[str, str] = Field(default_factory=dict)
    """What columns of the table of items mean."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset; its job and sensor come with the code location."""
        with placed(context, "folder"):
            folder = check_folder(self.folder)
        for number, connector in enumerate(self.connectors):
            self._check_connector(context, connector, "connectors", number)
        spec = CollectionSpec(
            name=self.name,
            connectors=tuple(dict.fromkeys(self.connectors)),
            web=self.web,
            types=tuple(kind for kind in MEDIA_TYPES if kind in self.types),
            folder=folder,
            metadata_schema=self.metadata_schema,
            schema_keys=self._schema_keys(context),
            probe=self.probe,
            keep_copies=self.keep_copies,
            keep_versions=self.keep_versions,
            watch=self._watched(context),
            description=self.description,
            owners=tuple(self.owners),
            tags=self.tags,
            column_descriptions=self.column_descriptions,
        )
        return build_collection(spec, asset=self.asset_of(context, spec), execute=self.execute)

    def execute(
        self,
        context: dg.AssetExecutionContext,
        spec: CollectionSpec,
        store: StoreResource,
        catalog: CatalogResource,
    ) -> dg.MaterializeResult[None]:
        """Takes a specification in, goes on with an import, or shows what holds."""
        return keep_collection(context, spec, store, catalog)

    def _schema_keys(self, context: dg.ComponentLoadContext) -> tuple[MetadataKey, ...]:
        if not self.metadata_schema:
            return ()
        schema = require(
            context,
            MetadataSchema,
            self.metadata_schema,
            noun="metadata schema",
            attribute="metadata_schema",
        )
        return schema.metadata_keys()

    def _check_connector(
        self, context: dg.ComponentLoadContext, name: str, *attribute: str | int
    ) -> None:
        connector = require(
            context, ConnectorComponent, name, noun="connector", attribute=str(attribute[0])
        )
        if connector.holds != "files":
            raise self.refusal(
                context,
                f"connector {name!r} holds tables, not files",
                *attribute,
                hint="Name a folder, a bucket or a file server",
            )

    def _watched(self, context: dg.ComponentLoadContext) -> WatchedObjects | None:
        given = self.watch
        if given is None:
            return None
        if given.connector not in self.connectors:
            raise self.refusal(
                context,
                f"{given.connector!r} is watched and is none of its `connectors:`",
                "watch",
                hint="Name it there too: URLs of what is found lead into it",
            )
        if not given.path.strip():
            raise self.refusal(context, "`path` names nothing", "watch")
        return WatchedObjects(
            given.connector, given.path, given.include_existing, given.every_seconds
        )
