"""Schemas in the catalog: changed with history, by one editor at a time, and followed by filters and registering."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from resources.collections.filters import FilterError
from resources.collections.metadata_schema import MetadataKey
from resources.collections.schema_changes import (
    AddEmbedding,
    AddEnum,
    AddEnumOptions,
    AddScalar,
    DeleteKey,
    RestoreKey,
    SchemaChangeError,
)
from resources.kernel.errors import ConflictError
from resources.stores.catalog.collections import facets, imports
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.facets import FacetTable
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.publishing import CollectionPublisher
from resources.stores.catalog.collections.tallies import Tallies
from resources.stores.catalog.database import CatalogDatabase
from tests.faults import Child, count_steps, kill_at, wait_until
from tests.resources.stores.catalog.collections.drafts import COLLECTION, UPSERT, draft, run

LABELS = "labels"


@pytest.fixture
def schemas(collections):
    return MetadataCatalog(collections.database)


@pytest.fixture
def items(collections):
    return ItemCatalog(collections.database)


def found(items, text):
    return [item.title for item in items.items(COLLECTION, filter_text=text).items]


def test_changes_are_kept_with_who_made_them(schemas):
    assert schemas.schema(LABELS).revision == 0
    schemas.apply(LABELS, AddScalar("lux", "number"), "ada")
    schemas.apply(LABELS, AddEnum("weather", ("rain", "fog")), "bob")
    made = schemas.apply(LABELS, DeleteKey("lux"), "ada", revision=2)
    assert made == schemas.schema(LABELS)
    assert made.schema.keys == {
        "lux": MetadataKey("lux", "number", state="deleted"),
        "weather": MetadataKey("weather", "enum", ("fog", "rain")),
    }
    with pytest.raises(SchemaChangeError, match="deleted"):
        schemas.apply(LABELS, AddScalar("lux", "number"), "ada")
    history = schemas.history(LABELS)
    assert [(entry.revision, entry.actor, entry.change) for entry in history] == [
        (3, "ada", DeleteKey("lux")),
        (2, "bob", AddEnum("weather", ("rain", "fog"))),
        (1, "ada", AddScalar("lux", "number")),
    ]
    assert schemas.names() == [LABELS]


def test_of_two_editors_the_slower_one_looks_again(schemas):
    schemas.apply(LABELS, AddScalar("a", "number"), "ada", revision=0)
    with pytest.raises(ConflictError, match="has revision 1, not 0"):
        schemas.apply(LABELS, AddScalar("b", "number"), "bob", revision=0)
    assert list(schemas.schema(LABELS).schema.keys) == ["a"]


@pytest.fixture
def beside_a_change(schemas, items, monkeypatch):
    """Does something after the table of facets was made anew for another key, and before that is committed."""
    schemas.apply(LABELS, AddScalar("b", "number"), "ada")
    drafts = [draft(f"s3://b/{n}", metadata={"a": 50, "b": n}) for n in range(6)]
    run(CollectionCatalog(schemas.database), "1", drafts, schema=LABELS)
    is_made, may_end = threading.Event(), threading.Event()
    ensure_indexes = FacetTable.ensure_indexes

    def wait(self, connection):
        is_made.set()
        assert may_end.wait(30)
        ensure_indexes(self, connection)

    monkeypatch.setattr(FacetTable, "ensure_indexes", wait)
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def is_held_up():
        if schemas.database.is_sqlite:
            return True
        with CatalogDatabase(schemas.database.config).read() as connection:
            return connection.execute(waiting).scalar_one() > 0

    def do(work):
        with ThreadPoolExecutor(2) as threads:
            change = threads.submit(schemas.apply, LABELS, AddScalar("a", "number"), "bob")
            assert is_made.wait(30)
            done = threads.submit(work)
            wait_until(lambda: done.done() or is_held_up())
            may_end.set()
            change.result()
            return done

    return do


def published(database):
    with CollectionPublisher(database).stream(COLLECTION) as (_, stream):
        return sum(batch.num_rows for batch in stream)


@pytest.mark.parametrize(
    ("look", "right"),
    [
        (lambda items: items.count(COLLECTION, "b >= 2"), 4),
        (lambda items: len(items.items(COLLECTION, filter_text="b >= 2").items), 4),
        (lambda items: Tallies(items.database).count(COLLECTION, "b < 2"), 2),
        (lambda items: published(items.database), 6),
    ],
    ids=["count", "page", "tally", "version"],
)
def test_who_looks_while_a_change_is_committed_never_sees_an_empty_collection(
    beside_a_change, items, look, right
):
    """On PostgreSQL the new table has no row for a snapshot that is older than it."""
    assert beside_a_change(lambda: look(items)).result() == right
    assert look(items) == right


def test_metadata_changed_while_a_schema_changes_is_found_by_it(beside_a_change, items):
    number = items.items(COLLECTION).items[0].id
    beside_a_change(lambda: items.merge_metadata(COLLECTION, number, {"b": 99})).result()
    assert [found(items, f) for f in ("b = 99", "a = 99")] == [["0"], []]
    assert items.count(COLLECTION, "a = 50") == 6


def test_changes_of_many_processes_are_all_there(open_collections):
    def one(number):
        schemas = MetadataCatalog(open_collections().database)
        return lambda: schemas.apply(LABELS, AddScalar(f"k{number}", "number"), "x").revision

    outcomes = [child.wait() for child in [Child(one(n)) for n in range(4)]]
    assert sorted(outcome.answer for outcome in outcomes) == [1, 2, 3, 4]
    schemas = MetadataCatalog(open_collections().database)
    assert len(schemas.schema(LABELS).schema.keys) == 4


def test_filters_follow_the_schema_over_items_that_are_there(collections, schemas, items):
    values = [1, 2.5, "2", None, True, [1]]
    drafts = [draft(f"s3://b/{n}", metadata={"lux": v}) for n, v in enumerate(values)]
    run(collections, "1", drafts, schema=LABELS)
    with pytest.raises(FilterError, match="not declared"):
        items.count(COLLECTION, "lux > 0")
    schemas.apply(LABELS, AddScalar("lux", "number"), "ada")
    assert found(items, "lux >= 1") == ["0", "1"]
    assert schemas.misfits(LABELS, MetadataKey("lux", "number")) == {COLLECTION: 3}
    assert schemas.misfits(LABELS, MetadataKey("lux", "text")) == {COLLECTION: 4}
    assert schemas.misfits(LABELS, MetadataKey("other", "text")) == {}
    schemas.apply(LABELS, AddScalar("lux", "varchar"), "ada")
    assert found(items, "lux = 2") == ["2"]
    schemas.apply(LABELS, DeleteKey("lux"), "ada")
    with pytest.raises(FilterError, match="not declared"):
        items.count(COLLECTION, "lux exists")
    schemas.apply(LABELS, RestoreKey("lux"), "ada")
    assert items.count(COLLECTION, "lux exists") == 1


def test_new_and_replaced_metadata_is_filtered_by_the_schema_of_then(collections, schemas, items):
    schemas.apply(LABELS, AddEnum("weather", ("fog",)), "ada")
    schemas.apply(LABELS, AddEmbedding("vec", 2), "ada")
    one = draft("s3://b/a", metadata={"weather": "rain", "vec": [1, 2]})
    run(collections, "1", [one], schema=LABELS)
    assert found(items, "weather exists") == []
    assert found(items, "vec exists") == ["a"]
    schemas.apply(LABELS, AddEnumOptions("weather", ("rain",)), "ada")
    assert found(items, "weather = rain") == ["a"]
    run(collections, "2", [draft("s3://b/a", metadata={"weather": "fog"})], UPSERT, schema=LABELS)
    assert found(items, "weather = fog and vec missing") == ["a"]


def test_a_collection_of_an_older_revision_is_fitted_by_the_next_import(
    collections, schemas, items
):
    schemas.apply(LABELS, AddScalar("lux", "number"), "ada")
    run(collections, "1", [draft("s3://b/0", metadata={"lux": 1, "b": True})], schema=LABELS)
    with collections.database.write() as connection:
        connection.execute(sa.text("UPDATE collections SET schema_revision = 0"))
    with pytest.raises(ConflictError, match="is being fitted"):
        items.count(COLLECTION, "lux exists")
    run(collections, "2", [draft("s3://b/1", metadata={"lux": 2})], schema=LABELS)
    assert items.count(COLLECTION, "lux exists") == 2


@pytest.mark.kill
def test_a_change_that_is_killed_leaves_items_that_can_be_found(open_collections):
    collections = open_collections()
    run(collections, "1", [draft("s3://b/0", metadata={"k": 1})], schema=LABELS)
    steps = [
        (CatalogDatabase, "_transaction"),
        (imports, "find_schema"),
        (FacetTable, "remake"),
        (FacetTable, "insert"),
    ]

    def change(kind):
        schemas = MetadataCatalog(open_collections().database)
        return lambda: schemas.apply(LABELS, AddScalar("k", kind), "ada") and None

    schemas, items = (kind(open_collections().database) for kind in (MetadataCatalog, ItemCatalog))
    schemas.apply(LABELS, AddScalar("k", "text"), "ada")
    count = len(count_steps(change("varchar"), steps))
    assert count > 4
    for step in range(count):
        before = schemas.schema(LABELS)
        kind = "number" if before.schema.keys["k"].kind != "number" else "text"
        assert kill_at(change(kind), steps, step).killed
        now = schemas.schema(LABELS)
        fits = now.schema.keys["k"].kind == "number"
        assert items.count(COLLECTION, "k exists") == int(fits)


def test_what_files_declare_holds(schemas):
    schemas.declare(LABELS, [MetadataKey("a", "number"), MetadataKey("b", "text")], "project")
    made = schemas.declare(LABELS, [MetadataKey("a", "text")], "project")
    assert made.schema.keys == {
        "a": MetadataKey("a", "text", declared=True),
        "b": MetadataKey("b", "text", state="deleted"),
    }
    assert schemas.declare(LABELS, [MetadataKey("a", "text")], "project") == made


def test_what_commands_made_stays_beside_what_files_declare(schemas):
    schemas.declare(LABELS, [MetadataKey("a", "number")], "project")
    schemas.apply(LABELS, AddScalar("mine", "text"), "ada")
    made = schemas.declare(LABELS, [MetadataKey("b", "text")], "project")
    assert {key.name: (key.state, key.declared) for key in made.schema.keys.values()} == {
        "a": ("deleted", False),
        "b": ("active", True),
        "mine": ("active", False),
    }
    # One that is declared from now on is the files' own: it goes when they leave it out again.
    taken = schemas.declare(LABELS, [MetadataKey("mine", "text")], "project")
    assert taken.schema.keys["mine"] == MetadataKey("mine", "text", declared=True)
    assert schemas.declare(LABELS, [], "project").schema.active("mine") is None


def test_values_under_a_key_are_counted_by_collection(collections, schemas):
    schemas.apply(LABELS, AddScalar("lux", "number"), "ada")
    given = [{"lux": 1}, {"lux": "bright", 'q"': 1}, {"lux": None}, None]
    drafts = [draft(f"s3://b/{n}", metadata=one) for n, one in enumerate(given)]
    run(collections, "1", drafts, schema=LABELS)
    assert schemas.holding(LABELS, "lux") == {COLLECTION: 2}
    assert schemas.holding(LABELS, "gone") == {}
    assert schemas.collections(LABELS) == [COLLECTION]


@pytest.mark.postgres
def test_a_large_collection_has_indexes_of_its_keys_and_answers_as_before(
    collections, schemas, items, monkeypatch
):
    monkeypatch.setattr(facets, "INDEXED_FROM", 5)
    schemas.apply(LABELS, AddScalar("site", "varchar"), "ada")
    noise = random.Random(1)  # so long that no entry of an index could hold it
    texts = ["x" * n for n in (99, 100, 101, 8000)] + ["".join(map(chr, noise.choices(range(900, 30_000), k=8000)))]  # fmt: skip
    drafts = [draft(f"s3://b/{n}", metadata={"site": text}) for n, text in enumerate(texts)]
    run(collections, "1", drafts, schema=LABELS)
    indexed = [] if collections.database.is_sqlite else ["facets_1_c0"]
    assert indexes(collections) == indexed
    for number, text in enumerate(texts):
        assert found(items, f'site = "{text}"') == [str(number)]
        assert found(items, f'site in ("{text}", "y", "{texts[0]}")') == sorted({"0", str(number)})
        assert str(number) not in found(items, f'site != "{text}"')
    schemas.apply(LABELS, AddScalar("lux", "number"), "ada")
    assert indexes(collections) == indexed + [f"{name[:-1]}1" for name in indexed]


def indexes(catalog):
    names = sa.inspect(catalog.database._engine).get_indexes("facets_1")
    return sorted(one["name"] for one in names)
