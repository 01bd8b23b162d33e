"""A collection as a table: what a version holds, in bounded pieces of one snapshot."""

import msgspec
import pyarrow as pa
import pytest

from resources.collections.items import ItemOutcome
from resources.kernel.errors import NotFoundError
from resources.stores.catalog.collections import publishing
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.publishing import CollectionPublisher
from tests.resources.stores.catalog.collections.drafts import COLLECTION, DOUBLE, draft, run
from tests.resources.stores.catalog.collections.filter_model import KEYS, SCHEMA, some_drafts


@pytest.fixture
def filled(collections):
    schemas = MetadataCatalog(collections.database)
    active = [key for key in KEYS if key.state == "active"]
    schemas.declare(SCHEMA.name, active, "project")
    import_id, _ = run(collections, "1", some_drafts(40), DOUBLE, schema=SCHEMA.name)
    pending = collections.pending(import_id)
    collections.settle(
        import_id,
        [
            ItemOutcome(pending[0].id, rule="object_not_found", message="no", url="s3://b"),
            ItemOutcome(pending[1].id, objects=b'["ab","cd"]', media=b'{"fps":25,"width":7}'),
        ],
    )
    return collections


def table(collections):
    with CollectionPublisher(collections.database).stream(COLLECTION) as (stored, stream):
        found = pa.Table.from_batches(list(stream), stream.schema)
    assert stored == collections.find(COLLECTION)
    return found


def test_a_row_an_item_with_its_metadata_as_json_and_by_type(filled):
    rows = table(filled).to_pylist()
    items = ItemCatalog(filled.database)
    kept = items.items(COLLECTION, limit=100).items
    assert [row["id"] for row in rows] == [item.id for item in kept]
    for row, item in zip(rows, kept, strict=True):
        assert (row["type"], row["title"], tuple(row["urls"]), row["state"]) == (
            item.type,
            item.title,
            item.urls,
            item.state,
        )
        assert row["created_at"] == item.created_at
        metadata = msgspec.json.decode(item.metadata or b"{}")
        assert msgspec.json.decode(row["metadata"] or "{}") == metadata
        assert row["meta_lux"] is None or row["meta_lux"] == metadata["lux"]
        assert row["meta_notes"] in (None, metadata.get("notes"))
        assert row["meta_place"] in (None, metadata.get("place"))
        assert "meta_vec" not in row
    assert sum(row["meta_taken"] is not None for row in rows) > 3
    failed = next(row for row in rows if row["state"] == "failed")
    assert (failed["rule"], failed["message"], failed["error_url"]) == (
        "object_not_found",
        "no",
        "s3://b",
    )
    looked = next(row for row in rows if row["objects"])
    assert (looked["objects"], looked["media_fps"], looked["media_width"]) == (
        ["ab", "cd"],
        25.0,
        7,
    )


def test_it_comes_in_pieces_that_are_small_in_bytes(filled, monkeypatch):
    whole = table(filled)
    monkeypatch.setattr(publishing, "BATCH_BYTES", 500)
    with CollectionPublisher(filled.database).stream(COLLECTION) as (_, stream):
        sizes = [batch.num_rows for batch in stream]
    assert sum(sizes) == 40
    assert len(sizes) > 5
    assert table(filled) == whole


def test_a_reader_who_stops_half_way_leaves_nothing_open(filled, monkeypatch):
    monkeypatch.setattr(publishing, "BATCH_ROWS", 5)
    with CollectionPublisher(filled.database).stream(COLLECTION) as (_, stream):
        assert next(iter(stream)).num_rows == 5
    run(filled, "2", [draft("s3://b/new")], schema=SCHEMA.name)


def test_what_is_read_is_of_one_moment(filled, monkeypatch):
    monkeypatch.setattr(publishing, "BATCH_ROWS", 5)
    with CollectionPublisher(filled.database).stream(COLLECTION) as (stored, stream):
        batches = iter(stream)
        rows = next(batches).num_rows
        run(filled, "2", [draft("s3://b/new")], schema=SCHEMA.name)
        rows += sum(batch.num_rows for batch in batches)
    assert rows == 40
    assert filled.find(COLLECTION).changes > stored.changes


def test_there_is_no_such_collection(collections):
    with pytest.raises(NotFoundError, match="holds nothing"):  # noqa: SIM117
        with CollectionPublisher(collections.database).stream("nothing"):
            pass
