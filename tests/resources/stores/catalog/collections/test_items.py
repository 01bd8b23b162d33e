"""Single items: found by id, renamed, moved, removed, their metadata merged; what follows for the next import."""

import msgspec
import pytest
import sqlalchemy as sa

from resources.collections.schema_changes import AddEmbedding, AddGeospatial, AddScalar
from resources.kernel.errors import InputError, NotFoundError
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.tables import DOCUMENTS, KNOWN
from tests.resources.stores.catalog.collections.drafts import (
    COLLECTION,
    SKIP,
    batches,
    draft,
    facets,
    held,
    run,
)

LABELS = "labels"


@pytest.fixture
def items(collections):
    schemas = MetadataCatalog(collections.database)
    schemas.apply(LABELS, AddScalar("lux", "number"), "ada")
    schemas.apply(LABELS, AddGeospatial("place"), "ada")
    schemas.apply(LABELS, AddEmbedding("vec", 2), "ada")
    drafts = [draft(f"s3://b/{n}", metadata={"lux": n, "a": [n]}) for n in range(4)]
    run(collections, "1", drafts, schema=LABELS)
    run(collections, "1", [draft("s3://b/0")], collection="other")
    return ItemCatalog(collections.database)


def ids(items, text=""):
    return [item.id for item in items.items(COLLECTION, filter_text=text).items]


def test_an_item_is_found_in_its_collection_alone(collections, items):
    first, *_, foreign = held(collections)
    assert items.item(COLLECTION, first.id) == first
    for call in (
        lambda: items.item(COLLECTION, foreign.id),
        lambda: items.rename(COLLECTION, foreign.id, "x"),
        lambda: items.merge_metadata(COLLECTION, foreign.id, {"a": 1}),
        lambda: items.item("nothing", first.id),
        lambda: items.count("nothing"),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert items.remove(COLLECTION, [foreign.id]) == items.move(COLLECTION, [foreign.id], "x") == 0
    assert held(collections)[-1] == foreign


def test_a_title_is_changed(collections, items):
    first = ids(items)[0]
    before = collections.find(COLLECTION).changes
    items.rename(COLLECTION, first, "Straße")
    assert items.item(COLLECTION, first).title == "Straße"
    assert collections.find(COLLECTION).changes == before + 1
    for title in ("", "x" * 301, "a\0", "\ud800"):
        with pytest.raises(InputError, match="a title of"):
            items.rename(COLLECTION, first, title)


def test_metadata_is_merged_and_found_by_what_it_is_then(collections, items):
    first = ids(items)[0]
    place = {"latitude": 52.5, "longitude": 13.4}
    merged = items.merge_metadata(
        COLLECTION, first, {"lux": 99.5, "a": None, "place": place, "n": {"m": None}}
    )
    assert msgspec.json.decode(merged.metadata) == {"lux": 99.5, "place": place, "n": {"m": None}}
    assert ids(items, "lux = 99.5 and place.latitude in 52..53 and place.longitude > 13") == [first]
    items.merge_metadata(COLLECTION, first, {"lux": None})
    assert ids(items, "lux missing") == [first]
    assert facets(collections)[0][0] > first  # the other collection's


@pytest.mark.parametrize(
    ("patch", "rule"),
    [
        ({"lux": "bright"}, "metadata_type_mismatch"),
        ({"vec": [1]}, "embedding_size_mismatch"),
        ({"x": "a\0"}, "client_metadata_nul"),
        ({"$encord": {}}, "config_not_video"),
        ({"x": "y" * 10_485_760}, "client_metadata_too_large"),
    ],
)
def test_metadata_that_breaks_a_rule_changes_nothing(items, patch, rule):
    first = ids(items)[0]
    before = items.item(COLLECTION, first)
    with pytest.raises(InputError) as caught:
        items.merge_metadata(COLLECTION, first, patch)
    assert caught.value.facts["rule"] == rule
    assert items.item(COLLECTION, first) == before


def test_what_did_not_fit_before_is_no_fault_of_another_key(collections, items):
    run(collections, "2", [draft("s3://b/odd", metadata={"lux": "bright"})], schema=LABELS)
    odd = ids(items)[-1]
    merged = items.merge_metadata(COLLECTION, odd, {"b": 1})
    assert msgspec.json.decode(merged.metadata) == {"lux": "bright", "b": 1}


def test_items_that_moved_or_went_are_judged_anew(collections, items):
    drafts = [draft(f"s3://b/{n}") for n in range(4)]
    first, second, *_ = ids(items)
    assert items.move(COLLECTION, [first], "north") == 1
    assert items.remove(COLLECTION, [second, 9_999]) == 1
    assert items.item(COLLECTION, first).folder == "north"
    assert ids(items, "folder = north") == [first]
    assert {f.path: f.items for f in items.folders(COLLECTION)} == {"": 2, "north": 1}
    here = collections.preview(COLLECTION, "", batches(drafts), SKIP)
    there = collections.preview(COLLECTION, "north", batches(drafts), SKIP)
    assert (here.total("created"), there.total("created")) == (2, 3)
    _, registered = run(collections, "2", drafts, schema=LABELS)
    assert registered == here
    newest = ids(items)[-2:]
    assert min(newest) > 5  # ids are not given out again


@pytest.mark.parametrize("number", [10**25, -(10**25), 2**63])
def test_a_number_that_no_item_can_have_is_told_so(items, number):
    for ask in (
        lambda: items.item(COLLECTION, number),
        lambda: items.neighbours(COLLECTION, number),
        lambda: items.rename(COLLECTION, number, "x"),
        lambda: items.merge_metadata(COLLECTION, number, {}),
    ):
        with pytest.raises(
            (InputError, NotFoundError), match=r"has no item|larger than any|out of range"
        ):
            ask()


def test_what_belongs_to_an_item_of_another_collection_stays(collections, items):
    """Its text, and that an import task brought it, are found by its id alone."""
    own, *_, foreign = (item.id for item in held(collections))
    with collections.database.write() as connection:
        for number, item in enumerate((own, foreign), 1):
            text = {"document": b"x", "output": "text", "characters": 1, "pages": 1, "language": ""}
            owner = {"item_id": item, "collection_id": number}
            connection.execute(sa.insert(DOCUMENTS).values(**owner, **text))
            brought = {"reference": "r", "fingerprint": "f", "sha256": "s", "made_with": ""}
            place = {"folder_id": number, "identity": b"i", "item_id": item, "task_id": 1}
            connection.execute(sa.insert(KNOWN).values(**place, **brought, changed_at=0))
    assert items.remove(COLLECTION, [own, foreign]) == 1
    with collections.database.read() as connection:
        for table in (DOCUMENTS, KNOWN):
            assert connection.execute(sa.select(table.c.item_id)).scalars().all() == [foreign]
    assert foreign in [item.id for item in held(collections)]


def test_an_import_in_the_middle_sees_what_was_removed_meanwhile(collections, items):
    drafts = [draft(f"s3://b/{n}") for n in range(4)]
    turns = iter([True])

    def read():
        yield drafts
        if next(turns, False):
            items.remove(COLLECTION, ids(items)[:2])

    from resources.stores.catalog.collections.records import ImportRequest

    import_id = collections.begin(COLLECTION, ImportRequest("2", schema=LABELS))
    registered = collections.register(import_id, read, SKIP)
    assert registered.counts == {"created": {"image": 2}, "skipped": {"image": 2}}
    assert items.count(COLLECTION) == 4


def test_a_removed_collection_leaves_nothing_and_can_begin_anew(collections, items):
    assert items.remove_collection(COLLECTION) == 4
    assert collections.find(COLLECTION) is None
    assert len(held(collections)) == 1
    assert collections.imports(COLLECTION) == []
    _, registered = run(collections, "1", [draft("s3://b/0")], schema=LABELS)
    assert registered.total("created") == 1
    assert items.count(COLLECTION) == 1
