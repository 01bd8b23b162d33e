"""A collection as a table: what its asset publishes as a version.

One row an item, in the order in which they came. Custom and media metadata are there as JSON, and again as columns with types:
`media_<field>`, and `meta_<key>` for each declared key, null where a value does not fit; a place is a struct of latitude
and longitude. All rows are of one snapshot, and memory is bounded by bytes: metadata may have 10 MB an item.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import sqlalchemy as sa

from resources.collections.declared_values import MetadataReader
from resources.collections.filter_fields import MEDIA
from resources.collections.metadata_schema import KeyKind, MetadataKey, MetadataSchema
from resources.kernel.records import BatchStream
from resources.stores.catalog.collections.imports import find_collection
from resources.stores.catalog.collections.opened import look_at
from resources.stores.catalog.collections.records import StoredCollection
from resources.stores.catalog.collections.tables import COLLECTIONS, ITEMS
from resources.stores.catalog.database import CatalogDatabase

BATCH_ROWS = 4_096
BATCH_BYTES = 8_000_000
_FETCHED = 100
_MOMENT = pa.timestamp("us", tz="UTC")
_PLACE = pa.struct([("latitude", pa.float64()), ("longitude", pa.float64())])
_TYPES: Mapping[KeyKind, pa.DataType] = {
    "boolean": pa.bool_(),
    "datetime": _MOMENT,
    "number": pa.float64(),
    "uuid": pa.string(),
    "varchar": pa.string(),
    "text": pa.string(),
    "enum": pa.string(),
    "geospatial": _PLACE,
}
_FRACTIONS = frozenset({"fps", "duration"})
_FIXED = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("folder", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("urls", pa.list_(pa.string()), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("rule", pa.string()),
        pa.field("message", pa.string()),
        pa.field("error_url", pa.string()),
        pa.field("attempts", pa.int64(), nullable=False),
        pa.field("created_at", _MOMENT, nullable=False),
        pa.field("changed_at", _MOMENT, nullable=False),
        pa.field("objects", pa.list_(pa.string())),
        pa.field("media", pa.string()),
        pa.field("metadata", pa.string()),
    ]
)
_COLUMNS = (
    "i.id, d.path, i.type, i.title, i.urls, i.state, i.rule, i.message, i.error_url, i.attempts,"
    " i.created_at, i.changed_at, i.objects, {media}, {metadata}"
)


_TEXTS = " LEFT JOIN collection_documents t ON t.item_id = i.id"


class TextColumns(Protocol):
    """Makes columns of texts as they are kept."""

    @property
    def schema(self) -> pa.Schema:
        """The columns."""

    def arrays(
        self, outputs: Sequence[str | None], texts: Sequence[bytes | None]
    ) -> list[pa.Array]:
        """Their values for some items: what each text is to be shown as, and the text; None where an item has none."""

    def bytes_of(self, text: bytes) -> int:
        """How many bytes a text has that is not packed any longer."""


class CollectionPublisher:
    """Reads collections as tables. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self.database = database

    @contextmanager
    def stream(
        self, collection: str, texts: TextColumns | None = None
    ) -> Iterator[tuple[StoredCollection, BatchStream]]:
        """All items of a collection; with it the collection as it is in the same snapshot.

        Args:
            collection: its name.
            texts: makes columns of the texts of documents; None: there are none.

        Raises:
            NotFoundError: nothing was imported into it yet.
        """
        is_sqlite = self.database.is_sqlite
        with look_at(self.database, collection) as (connection, opened):
            shape = _Shape(opened.schema, texts)
            names = ("media", "metadata")
            json = {name: f"i.{name}" + ("" if is_sqlite else "::text") for name in names}
            of_texts, joined = ("", "") if texts is None else (", t.output, t.document", _TEXTS)
            query = (
                f"SELECT {_COLUMNS.format(**json)}{of_texts} FROM {opened.facets.table} f"
                " JOIN collection_items i ON i.id = f.item"
                f" JOIN collection_folders d ON d.id = i.folder_id{joined} ORDER BY f.item"
            )
            # A caller that stops half-way leaves a cursor open; it must be closed before the connection.
            with closing(_chunks(connection, query, (13, 14), texts)) as chunks:
                batches = (shape.batch(rows) for rows in chunks)
                yield opened.stored, BatchStream(shape.schema, batches)


def all_collections(database: CatalogDatabase) -> list[StoredCollection]:
    """Every collection that holds something, whatever project declares it; none before there is a catalog."""
    if not database.exists():
        return []
    with database.read() as connection:
        names = connection.execute(sa.select(COLLECTIONS.c.name).order_by(COLLECTIONS.c.id))
        found = [find_collection(connection, name) for name in names.scalars().all()]
    return [one for one in found if one is not None]


def kept_objects(database: CatalogDatabase, collection_id: int) -> Iterator[str]:
    """SHA-256 of all bytes that were kept of a collection's items."""
    query = (
        sa.select(ITEMS.c.objects)
        .where(ITEMS.c.collection_id == collection_id, ITEMS.c.objects.is_not(None))
        .execution_options(stream_results=True, max_row_buffer=_FETCHED)
    )
    with database.read() as connection, connection.execute(query) as result:
        for (text,) in result:
            yield from msgspec.json.decode(text, type=list[str])


class _Shape:
    """The columns of a collection's table, and how rows become them."""

    def __init__(self, schema: MetadataSchema, texts: TextColumns | None) -> None:
        self._texts = texts
        active = (key for key in schema.keys.values() if key.state == "active")
        typed = (key for key in active if key.kind in _TYPES)
        self._keys = tuple(sorted(typed, key=lambda key: key.name))
        self._media = tuple(
            MetadataKey(name, "text" if field.kind == "text" else "number")
            for name, field in MEDIA.items()
        )
        self._read, self._read_media = MetadataReader(self._keys), MetadataReader(self._media)
        media = [pa.field(f"media_{key.name}", _media_type(key)) for key in self._media]
        meta = [pa.field(f"meta_{key.name}", _TYPES[key.kind]) for key in self._keys]
        self._own = pa.schema([*_FIXED, *media, *meta])
        self.schema = self._own if texts is None else pa.schema([*self._own, *texts.schema])

    def batch(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        columns: list[Any] = list(zip(*rows, strict=True))
        of_texts: list[pa.Array] = []
        if self._texts is not None:
            *columns, outputs, texts = columns
            of_texts = self._texts.arrays(outputs, texts)
        columns[4] = [text.split("\n") for text in columns[4]]
        columns[12] = [None if text is None else msgspec.json.decode(text) for text in columns[12]]
        for key, values in zip(self._media, self._read_media.columns(columns[13]), strict=True):
            is_whole = key.kind == "number" and key.name not in _FRACTIONS
            columns.append([_whole(v) for v in values] if is_whole else values)
        for key, values in zip(self._keys, self._read.columns(columns[14]), strict=True):
            columns.append([_as_place(v) for v in values] if key.kind == "geospatial" else values)
        arrays = [
            pa.array(values, field.type) for values, field in zip(columns, self._own, strict=True)
        ]
        return pa.RecordBatch.from_arrays([*arrays, *of_texts], schema=self.schema)


def _media_type(key: MetadataKey) -> pa.DataType:
    if key.kind == "text":
        return pa.string()
    return pa.float64() if key.name in _FRACTIONS else pa.int64()


def _whole(value: Any) -> int | None:
    return None if value is None or abs(value) >= 2**63 else int(value)


def _as_place(value: Any) -> dict[str, float] | None:
    return None if value is None else {"latitude": value[0], "longitude": value[1]}


def _chunks(
    connection: sa.Connection, query: str, heavy: tuple[int, ...], texts: TextColumns | None
) -> Generator[list[Sequence[Any]]]:
    """Rows of a query, so many at a time as memory allows; the columns `heavy` may be long, the last one is a packed text."""
    streamed = connection.execution_options(stream_results=True, max_row_buffer=_FETCHED)
    rows: list[Sequence[Any]] = []
    size = 0
    with streamed.exec_driver_sql(query) as result:
        for row in result:
            rows.append(row)
            size += sum(len(row[at] or "") for at in heavy)
            size += texts.bytes_of(row[-1]) if texts is not None and row[-1] is not None else 0
            if len(rows) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield rows
                rows, size = [], 0
    if rows:
        yield rows
