"""The items of a collection as a dataset version: what SQL, exporters and Python read.

The catalog is the truth, the version its image. A collection that has not changed since its newest image keeps it, so
nothing downstream runs for an import without effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa

from assets.collections.declaration import CollectionSpec
from resources.kernel.errors import IntegrityError
from resources.kernel.records import BatchStream, StoredVersion
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.publishing import CollectionPublisher
from resources.stores.catalog.collections.records import StoredCollection
from resources.stores.media.writer import MediaWriter
from resources.stores.tables import TableStore
from resources.stores.versions import VersionStore

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
    with catalog.lock(spec.name), publisher.stream(spec.name) as (stored, stream):
        image_of = _image_of(stored)
        newest = _newest(store, spec)
        if newest is not None and newest.properties.get(_IMAGE_OF) == image_of:
            return newest
        with store.writer(spec.key, run_id=run_id, attempt=attempt) as tables:
            tables.write(stream if writer is None else _counted(stream, writer))
            claim: dict[str, Any] = {} if writer is None else writer.claim()
            return tables.publish({"origin": "collection", _IMAGE_OF: image_of, **claim})


def lags(store: VersionStore, spec: CollectionSpec, stored: StoredCollection) -> bool:
    """Whether the newest dataset version shows less than the collection holds."""
    newest = _newest(store, spec)
    return newest is None or newest.properties.get(_IMAGE_OF) != _image_of(stored)


def _image_of(stored: StoredCollection) -> dict[str, object]:
    return {"changes": stored.changes}


def _counted(stream: BatchStream, writer: MediaWriter) -> BatchStream:
    def batches() -> Iterator[pa.RecordBatch]:
        for batch in stream.batches:
            for hashes in batch.column("objects").to_pylist():
                for sha256 in hashes or ():
                    writer.keep_known(sha256)
            yield batch

    return BatchStream(stream.schema, batches())


def _newest(store: VersionStore, spec: CollectionSpec) -> StoredVersion | None:
    """The newest version; None when its manifest is damaged: the next one is then written anew."""
    with suppress(IntegrityError):
        return store.item(spec.key).latest()
    return None
