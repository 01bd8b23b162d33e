"""The vectors that come with items' metadata, as an embedding: an asset of its own downstream of the collection.

One for each key of type embedding that the collection's schema declares. It is read from a version of the collection's
table, which its manifest names, and has no version of its own where the vectors are those that it shows already.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.noun import make_asset_spec
from assets.stored_asset import build_stored_asset
from assets.table_asset import finish_table, table_result
from resources.collections.vectors import COLUMNS, VectorReader
from resources.kernel.errors import IntegrityError
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import BatchStream, StoredVersion
from resources.stores.resource import StoreResource
from resources.stores.tables import StoredTable, TableStore
from resources.stores.ui_metadata import shown_seconds

ORIGIN = "collection"
"""Where such an embedding comes from; in the asset's metadata and among the properties of its versions."""

_BATCH_ROWS = 1_024
_COLUMNS = {
    "item": "Id of the item in the collection",
    "frame": "Number of the frame of a video; null for the item itself",
    "second": "The same in seconds, where the video counts its key frames so",
}


@dataclass(frozen=True)
class VectorsSpec:
    """The embedding that the vectors of a collection form.

    Args:
        name: of the embedding.
        collection: whose items have them.
        metadata_key: under which they stand.
        size: numbers in each.
        keep_versions: how many versions stay in the store.
        owners: of the collection.
    """

    name: str
    collection: str
    metadata_key: str
    size: int
    keep_versions: int = 3
    owners: tuple[str, ...] = ()
    column_descriptions: Mapping[str, str] = field(default_factory=lambda: _COLUMNS)

    @property
    def key(self) -> Key:
        """Its asset key, and its place in the store."""
        return asset_key("embeddings", self.name)

    @property
    def source(self) -> Key:
        """The asset key of the collection."""
        return asset_key("datasets", self.collection)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        return make_asset_spec(
            self.key,
            given,
            kinds={"parquet"},
            deps=[dg.AssetKey(self.source)],
            description=f"Vectors under {self.metadata_key!r} of the items of {self.collection}",
            owners=list(self.owners),
            metadata={
                "origin": ORIGIN,
                "dataset": self.collection,
                "metadata key": self.metadata_key,
            },
            code_version=f"{self.metadata_key} {self.size}",
        )


def default_name(collection: str, key: str) -> str:
    """What the embedding of a key is called unless the collection says otherwise: `site_photos_my_vec`."""
    return f"{collection}_{re.sub(r'[^a-z0-9]+', '_', key.lower()).strip('_')}"


def build_vectors(spec: VectorsSpec, asset: dg.AssetSpec) -> dg.Definitions:
    """The asset `("embeddings", name)` downstream of the collection."""
    return build_stored_asset(spec, keep_vectors, asset)


def keep_vectors(
    context: dg.AssetExecutionContext, spec: VectorsSpec, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Publishes the vectors of the newest version of the collection."""
    started = time.monotonic()
    with boundary():
        tables = store.tables()
        version = publish_vectors(
            tables, spec, run_id=context.run.run_id, attempt=context.retry_number
        )
        table = finish_table(context, spec, tables, version.number)
    properties: Mapping[str, Any] = version.properties
    metadata = {
        "dimension": dg.MetadataValue.int(spec.size),
        "of single frames": dg.MetadataValue.int(properties["of_frames"]),
        "values that do not fit": dg.MetadataValue.int(properties["misfits"]),
        "collection version": dg.MetadataValue.int(properties["inputs"][spec.collection]),
        "seconds": shown_seconds(time.monotonic() - started),
    }
    return table_result(table, metadata, descriptions=spec.column_descriptions)


def publish_vectors(
    tables: TableStore, spec: VectorsSpec, *, run_id: str, attempt: int = 0
) -> StoredVersion:
    """The version that shows the vectors of the collection's newest version: a new one if none does yet.

    Raises:
        NotFoundError: the collection has no version yet.
    """
    source = tables.read(spec.source)
    newest = _newest(tables, spec)
    if newest is not None and newest.properties.get("inputs") == _inputs(spec, source):
        return newest
    reader = VectorReader(spec.metadata_key, spec.size)
    with tables.writer(spec.key, run_id=run_id, attempt=attempt) as writer:
        with closing(source.batches(COLUMNS, _BATCH_ROWS)) as stream:
            writer.write(BatchStream(reader.schema, map(reader.read, stream)))
        if newest is not None and newest.properties.get("digest") == reader.digest:
            return newest  # the collection changed, and no vector did
        return writer.publish(
            {
                "origin": ORIGIN,
                "inputs": _inputs(spec, source),
                "metadata_key": spec.metadata_key,
                "dimension": spec.size,
                "of_frames": reader.of_frames,
                "misfits": reader.misfits,
                "digest": reader.digest,
            }
        )


def _inputs(spec: VectorsSpec, source: StoredTable) -> dict[str, int]:
    return {spec.collection: source.version.number}


def _newest(tables: TableStore, spec: VectorsSpec) -> StoredVersion | None:
    """The newest version if it is of this key and size; None of a damaged one: the next is then written anew."""
    with suppress(IntegrityError):
        newest = tables.item(spec.key).latest()
        declared = {"metadata_key": spec.metadata_key, "dimension": spec.size}
        if newest is not None and declared.items() <= newest.properties.items():
            return newest
    return None
