"""The texts of a collection in pieces for retrieval: an asset of its own downstream of the collection, a row a piece.

It is made of the documents as the catalog holds them, and is current when it was made of the same changes, cut in the same way.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pyarrow as pa

from assets.boundary import boundary
from assets.collections.declaration import ChunkSizes
from assets.collections.texts import unpack
from assets.noun import asset_definition, make_asset_spec
from assets.table_asset import finish_table, table_result
from resources.kernel.errors import IntegrityError
from resources.kernel.keys import Key
from resources.kernel.records import BatchStream, StoredVersion
from resources.stores.catalog.collections.texts import StoredTexts
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore
from resources.stores.ui_metadata import shown_seconds

ORIGIN = "collection chunks"
_BATCH_ROWS = 1_024
_SCHEMA = pa.schema(
    [
        pa.field("item", pa.int64(), nullable=False),
        pa.field("number", pa.int64(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("folder", pa.string(), nullable=False),
        pa.field("headings", pa.list_(pa.string()), nullable=False),
        pa.field("page_from", pa.int64()),
        pa.field("page_to", pa.int64()),
        pa.field("text", pa.string(), nullable=False),
    ]
)
_COLUMNS = {
    "item": "Id of the item in the collection",
    "number": "Place of the piece in its text, from 1 on",
    "headings": "The headings that it stands under, the highest first",
    "page_from": "The page on which it begins, where the document has pages",
}


@dataclass(frozen=True)
class ChunksSpec:
    """The chunks of a collection.

    Args:
        collection: whose texts they are.
        key: their asset key.
        sizes: how texts are cut.
        keep_versions: how many versions stay in the store.
        owners: of the collection.
    """

    collection: str
    key: Key
    sizes: ChunkSizes
    keep_versions: int = 3
    owners: tuple[str, ...] = ()
    column_descriptions: Mapping[str, str] = field(default_factory=lambda: _COLUMNS)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        sizes = self.sizes
        return make_asset_spec(
            self.key,
            given,
            kinds={"parquet"},
            group_name="collections",
            deps=[dg.AssetKey(self.key[:-1])],
            description=f"Texts of {self.collection} in pieces, cut by {sizes.by}",
            owners=list(self.owners),
            metadata={"origin": ORIGIN, "dataset": self.collection},
            code_version=f"{sizes.by} {sizes.size} {sizes.overlap}",
        )


def build_chunks(spec: ChunksSpec, asset: dg.AssetSpec) -> dg.Definitions:
    """The asset `("datasets", name, "chunks")` downstream of the collection."""

    @asset_definition(asset, required_resource_keys={"store", "catalog"})
    def _cut(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return keep_chunks(context, spec, context.resources.store, context.resources.catalog)

    return dg.Definitions(assets=[_cut])


def keep_chunks(
    context: dg.AssetExecutionContext,
    spec: ChunksSpec,
    store: StoreResource,
    catalog: CatalogResource,
) -> dg.MaterializeResult[None]:
    """Publishes the chunks of what the collection holds."""
    started = time.monotonic()
    with boundary():
        tables = store.tables()
        version = publish_chunks(
            catalog.collections().database,
            tables,
            spec,
            run_id=context.run.run_id,
            attempt=context.retry_number,
        )
        table = finish_table(context, spec, tables, version.number)
    metadata = {
        "documents": dg.MetadataValue.int(version.properties["documents"]),  # type: ignore[arg-type]  # our own number
        "seconds": shown_seconds(time.monotonic() - started),
    }
    return table_result(table, metadata, descriptions=spec.column_descriptions)


def publish_chunks(
    database: CatalogDatabase,
    tables: TableStore,
    spec: ChunksSpec,
    *,
    run_id: str,
    attempt: int = 0,
) -> StoredVersion:
    """The version that shows the chunks of what the collection holds: a new one if none does yet.

    Raises:
        NotFoundError: nothing was imported into the collection yet.
    """
    with StoredTexts(database).stream(spec.collection) as (changes, texts):
        made_of = {"changes": changes, "cut": [spec.sizes.by, spec.sizes.size, spec.sizes.overlap]}
        newest = _newest(tables, spec)
        if newest is not None and newest.properties.get("chunks_of") == made_of:
            return newest
        counted: list[int] = [0]
        with (
            tables.writer(spec.key, run_id=run_id, attempt=attempt) as writer,
            closing(_batches(spec, texts, counted)) as batches,
        ):
            writer.write(BatchStream(_SCHEMA, batches))
            properties = {"origin": ORIGIN, "chunks_of": made_of, "documents": counted[0]}
            return writer.publish(properties)


def _batches(
    spec: ChunksSpec, texts: Iterator[tuple[int, str, str, str, bytes]], counted: list[int]
) -> Generator[pa.RecordBatch]:
    rows: list[tuple[Any, ...]] = []
    for item, title, url, folder, packed in texts:
        counted[0] += 1
        for chunk in _chunks(spec.sizes, packed):
            rows.append(
                (
                    item,
                    chunk.number,
                    title,
                    url,
                    folder,
                    list(chunk.headings),
                    chunk.page_from,
                    chunk.page_to,
                    chunk.text,
                )
            )
            if len(rows) >= _BATCH_ROWS:
                yield _batch(rows)
                rows = []
    if rows:
        yield _batch(rows)


def _chunks(sizes: ChunkSizes, packed: bytes) -> Iterator[Any]:
    from resources.documents.chunks import ChunkRule, chunks_of

    rule = ChunkRule(by=sizes.by, size=sizes.size, overlap=sizes.overlap)
    return iter(chunks_of(unpack(packed), rule))


def _batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, f.type) for values, f in zip(columns, _SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def _newest(tables: TableStore, spec: ChunksSpec) -> StoredVersion | None:
    """The newest version; None of a damaged one: the next is then written anew."""
    with suppress(IntegrityError):
        return tables.item(spec.key).latest()
    return None
