"""`assets.Collection` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import dagster as dg
from pydantic import Field

from assets.collections.build import build_collection, keep_collection
from assets.collections.declaration import (
    MEDIA_TYPES,
    ChunkSizes,
    CollectionSpec,
    DocumentLimits,
    DocumentsSpec,
    Output,
    Probe,
    WatchedObjects,
)
from assets.collections.schema_component import MetadataSchema
from assets.collections.tasks.chunks import ChunksSpec, build_chunks
from assets.collections.vectors import VectorsSpec, build_vectors, default_name
from assets.noun import NounComponent, connectors_of_files, placed
from assets.refresh import ON_CHANGE, automation_for
from resources.collections.folders import check_folder
from resources.collections.items import MediaType
from resources.collections.metadata_schema import MetadataKey
from resources.declared import Declared
from resources.kernel.keys import check_name
from resources.references import position, require
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource


class Chunks(Declared):
    """How texts are cut for retrieval."""

    by: Literal["heading", "size"] = "heading"
    """At headings, or at a size alone."""
    size: int = Field(default=2_000, ge=100, le=100_000)
    """Most characters of a chunk."""
    overlap: int = Field(default=0, ge=0)
    """Characters that a chunk has of the one before it."""


class Limits(Declared):
    """What one document may cost before it is given up: each is an error of that document."""

    file_mb: int = Field(default=512, ge=1, le=2_048)
    """Most megabytes of a file."""
    pages: int = Field(default=2_000, ge=1, le=100_000)
    """Most pages, slides, sheets or chapters."""
    seconds: int = Field(default=120, ge=1, le=3_600)
    """Most time that reading it takes."""
    memory_mb: int = Field(default=1_024, ge=128, le=16_384)
    """Most memory that its reader takes."""


class Documents(Declared):
    """How a collection takes documents: their text, structure and properties become columns of its table."""

    output: Output = "markdown"
    """What texts are shown as: `markdown`, `json`, `text`."""
    chunks: Chunks | None = None
    """How texts are cut into the asset of chunks, a row a chunk; none when left out."""
    limits: Limits = Field(default_factory=Limits)
    """What one document may cost."""


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
embeddings: {}
probe: always
keep_copies: true
keep_versions: 10
watch: {connector: archive, path: "scans/**/*.pdf", every_seconds: 30}
documents: {output: markdown, chunks: {by: heading, size: 2000, overlap: 200}, limits: {pages: 500, seconds: 60}}
column_descriptions: {title: What radiologists call it}
description: What the clinic sends
owners: ["team:imaging"]
tags: {domain: clinic}
group: imaging
kinds: [table]
""",
        """name: articles
web: true                 # import tasks may fetch pages of the public web
types: [text]
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
    """How many versions of the table of items to keep, and of each embedding."""
    embeddings: dict[str, str] = Field(default_factory=dict)
    """Names of the embeddings that vectors form, by the schema's key; `<collection>_<key>` for those left out."""
    watch: Watch | None = None
    """A place whose new objects come in by themselves."""
    documents: Documents | None = None
    """How import tasks bring documents and pages in; it takes none when left out."""
    column_descriptions: dict[str, str] = Field(default_factory=dict)
    """What columns of the table of items mean."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset; its job and sensor come with the code location."""
        with placed(context, "folder"):
            folder = check_folder(self.folder)
        vectors = self._vectors(context)
        spec = CollectionSpec(
            name=self.name,
            connectors=connectors_of_files(self, context, self.connectors),
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
            embeddings=tuple(one.name for one in vectors),
            documents=self._documents(context),
        )
        own = build_collection(spec, asset=self.asset_of(context, spec), execute=self.execute)
        automation = automation_for(ON_CHANGE)
        return dg.Definitions.merge(
            own,
            *_chunks_of(spec, automation),
            *(
                build_vectors(one, one.asset_spec(automation_condition=automation))
                for one in vectors
            ),
        )

    def execute(
        self,
        context: dg.AssetExecutionContext,
        spec: CollectionSpec,
        store: StoreResource,
        catalog: CatalogResource,
    ) -> dg.MaterializeResult[None]:
        """Takes a specification in, goes on with an import, or shows what holds."""
        return keep_collection(context, spec, store, catalog)

    def _documents(self, context: dg.ComponentLoadContext) -> DocumentsSpec | None:
        given = self.documents
        if given is None:
            return None
        chunks = given.chunks
        if chunks is not None and chunks.overlap > chunks.size // 2:
            raise self.refusal(
                context,
                f"chunks of {chunks.size:,} characters cannot overlap by {chunks.overlap:,}",
                *("documents", "chunks"),
                hint="Half of the size at most",
            )
        limits = given.limits
        return DocumentsSpec(
            given.output,
            None if chunks is None else ChunkSizes(chunks.by, chunks.size, chunks.overlap),
            DocumentLimits(limits.file_mb, limits.pages, limits.seconds, limits.memory_mb),
        )

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

    def _vectors(self, context: dg.ComponentLoadContext) -> list[VectorsSpec]:
        """An embedding for each key of the schema that is one."""
        declared = {k.name: k for k in self._schema_keys(context) if k.kind == "embedding"}
        if unknown := next((name for name in self.embeddings if name not in declared), None):
            raise self.refusal(
                context,
                f"its schema declares no embedding {unknown!r}",
                *("embeddings", unknown),
                hint=f"Embeddings: {', '.join(declared) or 'none'}",
            )
        found: dict[str, VectorsSpec] = {}
        for key in declared.values():
            name = self.embeddings.get(key.name) or default_name(self.name, key.name)
            check_name("embedding", name, where=position(context, "embeddings"))
            if name in found:
                raise self.refusal(
                    context,
                    f"the embeddings of {found[name].metadata_key!r} and {key.name!r} are both called {name!r}",
                    "embeddings",
                    hint=f"Name one of them: `embeddings: {{{key.name}: another_name}}`",
                )
            found[name] = VectorsSpec(
                name, self.name, key.name, key.size, self.keep_versions, tuple(self.owners)
            )
        return list(found.values())

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


def _chunks_of(spec: CollectionSpec, automation: Any) -> list[dg.Definitions]:
    """The asset of the chunks of its texts, where they are cut."""
    if spec.documents is None or spec.documents.chunks is None or spec.chunks_key is None:
        return []
    chunks = ChunksSpec(
        spec.name, spec.chunks_key, spec.documents.chunks, spec.keep_versions, spec.owners
    )
    return [build_chunks(chunks, chunks.asset_spec(automation_condition=automation))]
