"""The rows of a set as a dataset version: what SQL, exporters and everybody else read.

The catalog is the truth, the dataset its image. A set that has not changed since its newest image keeps it, so nothing
downstream runs for a file without effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.declaration import ClassificationSpec
from assets.classifications.schema import KEY
from resources.kernel.errors import ConflictError, IntegrityError, NotFoundError
from resources.kernel.records import BatchStream, StoredVersion
from resources.stores.catalog.classifications.catalog import SCAN_SHARE, ClassificationCatalog
from resources.stores.catalog.classifications.records import StoredSet, StoredState
from resources.stores.tables import TableStore
from resources.stores.versions import VersionStore

_IMAGE_OF = "classification"


def publish(
    catalog: ClassificationCatalog,
    store: TableStore,
    spec: ClassificationSpec,
    *,
    run_id: str,
    attempt: int = 0,
    rows: pa.Table | None = None,
) -> StoredVersion:
    """The dataset version that shows the set as it is now; a new one if there is none yet.

    The caller holds the set's lock, so that images appear in the order of the set's versions.

    Args:
        catalog: where the set is.
        store: where datasets are.
        spec: the set.
        run_id: of this run.
        attempt: number of its retry.
        rows: all rows of the set, if they are at hand.

    Raises:
        SchemaMismatchError: the declaration lost or retyped a column that is stored.
    """
    stored = catalog.check_columns(spec.name, spec.columns)
    image_of = _image_of(stored, spec)
    newest = _newest(store, spec)
    if newest is not None and newest.properties.get(_IMAGE_OF) == image_of:
        return newest
    with store.writer(spec.key, run_id=run_id, attempt=attempt) as writer:
        if rows is not None:
            writer.write(BatchStream(rows.schema, iter(rows.to_batches())))
        else:
            with catalog.stream(spec.name, spec.columns) as (found, stream):
                image_of = _image_of(found, spec)
                writer.write(stream)
        return writer.publish({"origin": "classification", _IMAGE_OF: image_of})


def read_state(
    catalog: ClassificationCatalog, store: TableStore, spec: ClassificationSpec, keys: pa.Array
) -> StoredState:
    """The stored rows of these keys, or all rows where that is cheaper: from the image if it shows what holds.

    Raises:
        SchemaMismatchError: the declaration lost or retyped a column that is stored.
    """
    stored = catalog.check_columns(spec.name, spec.columns)
    if stored is not None and len(keys) * SCAN_SHARE >= stored.key_count:
        newest = _newest(store, spec)
        if newest is not None and newest.properties.get(_IMAGE_OF) == _image_of(stored, spec):
            # Damaged or collected: the catalog has it all.
            with suppress(IntegrityError, NotFoundError):
                table = store.read(spec.key, newest.number).to_table()
                return StoredState(stored, table.cast(spec.schema.arrow), is_whole=True)
    return catalog.read(spec.name, spec.columns, keys)


@contextmanager
def stream_rows(
    catalog: ClassificationCatalog, store: TableStore, spec: ClassificationSpec
) -> Iterator[Iterator[pa.RecordBatch]]:
    """All rows in key order, memory bounded: from the image if it shows what holds, else from the catalog.

    Raises:
        SchemaMismatchError: the declaration lost or retyped a column that is stored.
    """
    stored = catalog.check_columns(spec.name, spec.columns)
    image = None
    if stored is not None and is_published(store, spec, stored):
        with suppress(IntegrityError, NotFoundError):  # damaged or collected before a row was read
            image = store.read(spec.key).batches()
    if image is not None:
        with closing(image):
            yield (batch.cast(spec.schema.arrow) for batch in image)
        return
    with catalog.stream(spec.name, spec.columns) as (_, batches):
        yield iter(batches)


def is_published(store: TableStore, spec: ClassificationSpec, stored: StoredSet) -> bool:
    """Whether the newest dataset version shows the set as it is."""
    newest = _newest(store, spec)
    return newest is not None and newest.properties.get(_IMAGE_OF) == _image_of(stored, spec)


def lags(store: VersionStore, spec: ClassificationSpec, stored: StoredSet) -> bool:
    """Whether the newest dataset version shows an older version of the set than the one that holds.

    Columns declared since are no reason: the next file brings them.
    """
    if not stored.version:
        return False
    newest = _newest(store, spec)
    shown: Any = newest.properties.get(_IMAGE_OF) if newest is not None else None
    holds = _image_of(stored, spec)
    facts = ("set version", "changed at")
    return not shown or any(shown.get(fact) != holds[fact] for fact in facts)


def rows_at(
    catalog: ClassificationCatalog, store: TableStore, spec: ClassificationSpec, wanted: int
) -> pa.Table:
    """All rows as they were at version `wanted`, in key order.

    Raises:
        NotFoundError: no such version; `GoneError` when it is no longer kept.
        ConflictError: the set changed while it was read.
    """
    stored = catalog.check_columns(spec.name, spec.columns)
    everything = pa.nulls(stored.key_count if stored else 0, pa.string())
    now = read_state(catalog, store, spec, everything)
    if now.stored is not None and now.stored.version == wanted:
        return now.table
    earlier = catalog.earlier(spec.name, spec.columns, wanted)
    if now.stored is None or earlier.stored.version != now.stored.version:
        raise ConflictError(
            f"classification set {spec.name!r} changed while it was read", hint="Try again"
        )
    kept = now.table.filter(pc.invert(pc.is_in(now.table.column(KEY), earlier.keys)))
    rows = pa.concat_tables([kept, earlier.table])
    return rows.take(pc.sort_indices(rows.column(KEY)))


def _image_of(stored: StoredSet | None, spec: ClassificationSpec) -> dict[str, object]:
    return {
        "set version": stored.version if stored else 0,
        "changed at": stored.changed_at.isoformat() if stored and stored.version else "",
        "columns": [list(column) for column in spec.columns],
    }


def _newest(store: VersionStore, spec: ClassificationSpec) -> StoredVersion | None:
    """The newest version; None when its manifest is damaged: the next one is then written anew."""
    try:
        return store.item(spec.key).latest()
    except IntegrityError:
        return None
