"""The items of a collection as a dataset version: what SQL, exporters and Python read.

The catalog is the truth, the version its image. A collection that has not changed since its newest image keeps it, so
nothing downstream runs for an import without effect.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa

from assets.collections.declaration import CollectionSpec
from assets.collections.texts import TextsOfDocuments
from resources.kernel.errors import IntegrityError
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import BatchStream, StoredVersion
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.indexes import ensure_indexes
from resources.stores.catalog.collections.publishing import (
    CollectionPublisher,
    all_collections,
    kept_objects,
)
from resources.stores.catalog.collections.records import StoredCollection
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.media.claims import claim_of
from resources.stores.media.writer import MediaWriter
from resources.stores.tables import TableStore
from resources.stores.versions import VersionStore

_logger = logging.getLogger(__name__)
_IMAGE_OF = "collection"


def publish(
    catalog: CollectionCatalog,
    store: TableStore,
    spec: CollectionSpec,
    *,
    run_id: str,
    attempt: int = 0,
    writer: MediaWriter | None = None,
) -> StoredVersion:
    """The dataset version that shows the collection as it is now; a new one if there is none yet.

    The lock keeps images in the order of what they show.

    Args:
        catalog: where the items are.
        store: where datasets are.
        spec: the collection.
        run_id: of this run.
        attempt: number of its retry.
        writer: counts the kept bytes of all items, so that none is collected while a version refers to it.
    """
    publisher = CollectionPublisher(catalog.database)
    texts = None if spec.documents is None else TextsOfDocuments(spec.documents.output)
    with catalog.lock(spec.name), publisher.stream(spec.name, texts) as (stored, stream):
        image_of = _image_of(spec, stored)
        newest = _newest(store, spec.key)
        if newest is not None and newest.properties.get(_IMAGE_OF) == image_of:
            return newest
        ensure_indexes(catalog.database, spec.name)
        with store.writer(spec.key, run_id=run_id, attempt=attempt) as tables:
            missing: set[str] = set()
            tables.write(stream if writer is None else _counted(stream, writer, missing))
            claim: dict[str, Any] = {} if writer is None else writer.claim()
            if missing:
                _logger.warning("%s: %d kept objects are not in the store", spec.name, len(missing))
                claim["missing_objects"] = len(missing)
            return tables.publish({"origin": "collection", _IMAGE_OF: image_of, **claim})


def unclaimed_objects(database: CatalogDatabase, store: VersionStore) -> frozenset[str]:
    """SHA-256 of bytes that the catalog names and no version claims: of imports under way, stopped or killed.

    Asked of every collection whose newest version shows less than it holds, or claims nothing.
    """
    found: set[str] = set()
    for stored in all_collections(database):
        newest = _newest(store, asset_key("datasets", stored.name))
        if newest is None or claim_of(newest) is None or _shows_less(newest, stored):
            found.update(kept_objects(database, stored.id))
    return frozenset(found)


def lags(store: VersionStore, spec: CollectionSpec, stored: StoredCollection) -> bool:
    """Whether the newest dataset version shows less than the collection holds."""
    newest = _newest(store, spec.key)
    return newest is None or newest.properties.get(_IMAGE_OF) != _image_of(spec, stored)


def _shows_less(version: StoredVersion, stored: StoredCollection) -> bool:
    image: Any = version.properties.get(_IMAGE_OF) or {}
    return bool(image.get("changes") != stored.changes)


def _image_of(spec: CollectionSpec, stored: StoredCollection) -> dict[str, object]:
    """What a version shows: the collection after so many changes, with texts as they are declared."""
    texts = {} if spec.documents is None else {"texts": spec.documents.output}
    return {"changes": stored.changes, **texts}


def _counted(stream: BatchStream, writer: MediaWriter, missing: set[str]) -> BatchStream:
    """The same stream; all bytes that it names are counted, and those that are not there noted."""

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in stream.batches:
            for hashes in batch.column("objects").to_pylist():
                for sha256 in hashes or ():
                    if writer.keep_known(sha256) is None:
                        missing.add(sha256)
            yield batch

    return BatchStream(stream.schema, batches())


def _newest(store: VersionStore, key: Key) -> StoredVersion | None:
    """The newest version; None when its manifest is damaged: the next one is then written anew."""
    with suppress(IntegrityError):
        return store.item(key).latest()
    return None
