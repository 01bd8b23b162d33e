"""What a project declares of a collection, as one record, and as the metadata that its asset carries.

The asset's metadata is how services and sensors know a collection: they look at assets, not at YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import dagster as dg
import msgspec

from assets.noun import make_asset_spec
from resources.collections.items import MediaType
from resources.collections.metadata_schema import MetadataKey
from resources.kernel.keys import Key, asset_key

DECLARATION = "waybill/collection"
"""Key of the declaration in the asset's metadata."""

IMPORT_JOB = "import_{name}"
"""The job that takes a specification into a collection."""

MEDIA_TYPES: tuple[MediaType, ...] = get_args(MediaType)

Probe = Literal["never", "missing", "always"]
"""Whose objects are looked at: none's, those without media metadata, all."""


@dataclass(frozen=True)
class WatchedObjects:
    """A place whose new objects come in by themselves.

    Args:
        connector: one of the collection's.
        path: a key or a glob there.
        include_existing: whether what is there at the first look counts as new.
        every_seconds: how often to look.
    """

    connector: str
    path: str
    include_existing: bool = True
    every_seconds: int = 60


Output = Literal["markdown", "json", "text"]
"""What the text of a document is shown as."""


@dataclass(frozen=True)
class ChunkSizes:
    """How texts are cut for retrieval.

    Args:
        by: at headings, or at a size alone.
        size: most characters of a chunk.
        overlap: characters that a chunk has of the one before it.
    """

    by: Literal["heading", "size"] = "heading"
    size: int = 2_000
    overlap: int = 0


@dataclass(frozen=True)
class DocumentLimits:
    """What one document may cost before it is given up.

    Args:
        file_mb: most megabytes of a file.
        pages: most pages, slides, sheets or chapters.
        seconds: most time that reading it takes.
        memory_mb: most memory that its reader takes.
    """

    file_mb: int = 512
    pages: int = 2_000
    seconds: int = 120
    memory_mb: int = 1_024


@dataclass(frozen=True)
class DocumentsSpec:
    """How a collection takes documents.

    Args:
        output: what their text is shown as.
        chunks: how texts are cut into the asset of chunks; None: there is none.
        limits: of each document.
    """

    output: Output = "markdown"
    chunks: ChunkSizes | None = None
    limits: DocumentLimits = DocumentLimits()


@dataclass(frozen=True)
class CollectionSpec:
    """A collection as declared.

    Args:
        name: of the collection, and of the dataset that it is read as.
        connectors: those that URLs of its items may lead into.
        web: whether URLs may lead to the public web.
        types: of items that it takes; all when empty.
        folder: where items go unless an import says otherwise.
        metadata_schema: name of the schema that custom metadata is checked by; empty: none.
        schema_keys: what the project declares of that schema.
        probe: whose objects are looked at.
        keep_copies: whether the bytes of items are kept in the media store.
        keep_versions: how many versions stay in the store.
        watch: a place whose new objects come in by themselves.
        column_descriptions: by column.
        embeddings: names of those that vectors of its items form.
        documents: how it takes documents; None: it takes none.
    """

    name: str
    connectors: tuple[str, ...] = ()
    web: bool = False
    types: tuple[MediaType, ...] = ()
    folder: str = ""
    metadata_schema: str = ""
    schema_keys: tuple[MetadataKey, ...] = ()
    probe: Probe = "missing"
    keep_copies: bool = False
    keep_versions: int = 3
    watch: WatchedObjects | None = None
    description: str = ""
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    embeddings: tuple[str, ...] = ()
    documents: DocumentsSpec | None = None

    @property
    def key(self) -> Key:
        """Asset key. Tables that Waybill keeps are all datasets, so SQL and exporters find it."""
        return asset_key("datasets", self.name)

    @property
    def chunks_key(self) -> Key | None:
        """Asset key of the chunks of its texts; None: it has none."""
        if self.documents is None or self.documents.chunks is None:
            return None
        return (*self.key, "chunks")

    @property
    def job(self) -> str:
        """Name of the job that takes a specification."""
        return IMPORT_JOB.format(name=self.name)

    def takes(self, kind: MediaType) -> bool:
        """Whether items of this type may come in."""
        return not self.types or kind in self.types

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        return make_asset_spec(
            self.key,
            given,
            kinds={"table"},
            group_name="collections",
            description=f"Collection {self.name}: media and documents with their metadata",
            metadata={
                "origin": "collection",
                DECLARATION: dg.MetadataValue.json(self.to_metadata()),
            },
        )

    def to_metadata(self) -> dict[str, Any]:
        """The declaration as JSON can hold it."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found

    @classmethod
    def from_metadata(cls, given: object) -> CollectionSpec:
        """The declaration that `to_metadata` wrote, as a mapping or as JSON text."""
        if isinstance(given, str):
            return msgspec.json.decode(given, type=cls)
        return msgspec.convert(given, cls)
