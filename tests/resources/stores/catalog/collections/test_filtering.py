"""Filters, orders and pages: SQLite, PostgreSQL and plain Python find the same items in the same order."""

from __future__ import annotations

import base64
import json
from collections import Counter

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.collections.filters import FilterError, Word, parse_filter
from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from resources.kernel.errors import InputError
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.schemas import written_keys
from resources.stores.catalog.collections.tallies import Tallies
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config
from tests.resources.stores.catalog.collections.drafts import COLLECTION, DOUBLE, draft, run
from tests.resources.stores.catalog.collections.filter_model import (
    FILTERS,
    SCHEMA,
    finds,
    some_drafts,
    value_of,
)


@pytest.fixture(scope="module")
def both(tmp_path_factory, postgres_server):
    """The same items in both databases."""
    path = tmp_path_factory.mktemp("catalog") / "catalog.sqlite"
    with postgres_server.database() as name:
        catalogs = []
        for config in (sqlite_config(path), postgres_server.config(name)):
            database = CatalogDatabase(config)
            filled(database)
            catalogs.append(ItemCatalog(database))
        yield catalogs


def filled(database):
    with database.write() as connection:
        connection.execute(
            sa.text("INSERT INTO metadata_schemas VALUES (:name, 1, :keys, 0)"),
            {"name": SCHEMA.name, "keys": written_keys(SCHEMA)},
        )
    imports = CollectionCatalog(database)
    drafts = some_drafts()
    run(imports, "0", [draft("s3://else/0")], collection="other", schema=SCHEMA.name)
    run(imports, "1", drafts[:70], DOUBLE, schema=SCHEMA.name)
    run(imports, "2", drafts[70:], DOUBLE, schema=SCHEMA.name, folder="site/North")


def plain(item):
    return {
        "id": item.id,
        "type": item.type,
        "state": item.state,
        "title": item.title,
        "folder": item.folder,
        "url": list(item.urls),
        "rule": item.rule or None,
        "media": item.media and msgspec.json.decode(item.media),
        "metadata": item.metadata and msgspec.json.decode(item.metadata),
    }


def everything(catalog, **asked):
    items, cursor = [], ""
    while True:
        page = catalog.items(COLLECTION, cursor=cursor, limit=asked.pop("limit", 1000), **asked)
        items += page.items
        if not page.cursor:
            return items
        cursor = page.cursor


@pytest.fixture(scope="module")
def items(both):
    """The items as plain values; the same in both."""
    first, second = ([plain(item) for item in everything(catalog)] for catalog in both)
    assert first == second
    assert len(first) == 120
    return first


@pytest.mark.postgres
@given(text=FILTERS)
@settings(max_examples=150)
def test_both_databases_find_what_the_model_finds(both, items, text):
    tree = parse_filter(text)
    expected = [item["id"] for item in items if finds(tree, item)]
    for catalog in both:
        assert [item.id for item in everything(catalog, filter_text=text)] == expected, text
        assert catalog.count(COLLECTION, text) == len(expected)


SORTS = ["id", "title", '"title"', "lux", "taken", "weather", "ok", "media.width", "created"]


@pytest.mark.postgres
@given(name=st.sampled_from(SORTS), sign=st.sampled_from(["", "-"]), limit=st.integers(7, 40))
@settings(max_examples=30)
def test_pages_in_any_order_have_each_item_once(both, items, name, sign, limit):
    field = Word(name.strip('"'), 0, name.startswith('"'))

    def value(item):
        found = 0 if name == "created" else value_of(field, item)
        return found.encode() if isinstance(found, str) else found

    with_value = [item for item in items if value(item) is not None]
    without = [item for item in items if value(item) is None]
    ordered = sorted(with_value, key=value, reverse=bool(sign))
    if sign and name != "id":  # equals stay in the order in which they came
        ordered = sorted(sorted(with_value, key=lambda i: i["id"], reverse=True), key=value)[::-1]
    expected = [item["id"] for item in ordered + without]
    for catalog in both:
        found, cursor = [], ""
        while True:
            page = catalog.items(COLLECTION, sort=sign + name, cursor=cursor, limit=limit)
            found += [item.id for item in page.items]
            cursor = page.cursor
            if not cursor:
                break
        if name == "created":
            assert sorted(found) == sorted(expected)
        else:
            assert found == expected


@pytest.mark.postgres
@given(
    name=st.sampled_from(SORTS),
    sign=st.sampled_from(["", "-"]),
    at=st.integers(0, 119),
    some=st.booleans(),
)
@settings(max_examples=40)
def test_the_items_beside_one_are_those_of_the_list(both, name, sign, at, some):
    chosen = "lux exists or state = failed" if some else ""
    for catalog in both:
        page = catalog.items(COLLECTION, filter_text=chosen, sort=sign + name, limit=1_000)
        ids = [item.id for item in page.items]
        at %= len(ids)
        found = catalog.neighbours(COLLECTION, ids[at], filter_text=chosen, sort=sign + name)
        before, after = [None, *ids][at], [*ids, None][at + 1]
        assert (found.previous, found.next) == (before, after)


def test_items_are_counted_by_type_state_and_few_values(both, items):
    for catalog in both:
        tallies = Tallies(catalog.database)
        for text in ("", "lux > 3", "weather = fog or type = video"):
            listed = catalog.items(COLLECTION, filter_text=text, limit=1_000).items
            tally = tallies.of(COLLECTION, text)
            assert tally.types == Counter(item.type for item in listed)
            assert tally.states == Counter(item.state for item in listed)
            assert tally.total == len(listed) == tallies.count(COLLECTION, text)
            for value, count in tallies.values(COLLECTION, "weather", text).items():
                assert count == catalog.count(
                    COLLECTION, f"({text or 'id > 0'}) and weather = {value}"
                )
            for value, count in tallies.values(COLLECTION, "ok", text).items():
                assert count == catalog.count(COLLECTION, f"({text or 'id > 0'}) and ok = {value}")
        assert tallies.states(COLLECTION) == tallies.of(COLLECTION).states
        with pytest.raises(InputError, match="cannot be counted"):
            tallies.values(COLLECTION, "lux")


def test_a_cursor_is_short_however_long_a_text_is(collections):
    """It goes into an address. Those that are the same for 500 characters are in the order in which they came."""
    schema = MetadataSchema(
        "long",
        {"notes": MetadataKey("notes", "text"), "name": MetadataKey("name", "varchar")},
    )
    declared = MetadataCatalog(collections.database)
    declared.declare(schema.name, list(schema.keys.values()), "ada")
    texts = ["日" * 499 + end for end in ("c", "b" * 7_000, "a", "b")]
    drafts = [
        draft(f"s3://b/{n}", metadata={"notes": text, "name": text}) for n, text in enumerate(texts)
    ]
    run(collections, "1", [*drafts, draft("s3://b/4")], schema=schema.name)
    items = ItemCatalog(collections.database)
    for sort, order in (("notes", "21304"), ("name", "21304"), ("-name", "01324")):
        found, cursor = "", ""
        while cursor or not found:
            page = items.items(COLLECTION, sort=sort, cursor=cursor, limit=1)
            found += "".join(item.urls[0][-1] for item in page.items)
            cursor = page.cursor
            assert len(cursor) < 4_000
        assert found == order
        (middle,) = (item.id for item in items.items(COLLECTION).items if item.urls[0][-1] == "3")
        beside = items.neighbours(COLLECTION, middle, sort=sort)
        urls = [items.item(COLLECTION, n).urls[0][-1] for n in (beside.previous, beside.next)]
        assert urls == [order[order.index("3") - 1], order[order.index("3") + 1]]


def test_counts_follow_a_change(collections):
    run(collections, "1", [draft(f"s3://b/{n}") for n in range(6)])
    tallies, items = Tallies(collections.database), ItemCatalog(collections.database)
    assert tallies.of(COLLECTION).total == 6
    items.remove(COLLECTION, [items.items(COLLECTION).items[0].id])
    assert tallies.of(COLLECTION).total == 5


def test_a_cursor_stays_right_while_items_come_and_go(collections):
    run(collections, "1", [draft(f"s3://b/{n}") for n in range(6)])
    items = ItemCatalog(collections.database)
    first = items.items(COLLECTION, limit=3, sort="-id")
    run(collections, "2", [draft("s3://b/new")])
    with collections.database.write() as connection:
        gone = first.items[-1].id  # the very item that the cursor was made of
        connection.execute(sa.text("DELETE FROM facets_1 WHERE item = :id"), {"id": gone})
    rest = items.items(COLLECTION, limit=3, sort="-id", cursor=first.cursor)
    assert [i.urls[0][-1] for i in (*first.items, *rest.items)] == ["5", "4", "3", "2", "1", "0"]
    assert rest.cursor == ""


@pytest.mark.parametrize(
    ("text", "at", "told"),
    [
        ("undeclared = 1", 0, "'undeclared' is not declared"),
        ("lux > 3 and gone = 1", 12, "'gone' is not declared"),
        ("weather = snow", 10, "'snow' is no value of 'weather'"),
        ("lux > much", 6, "compared with a number, not 'much'"),
        ("taken < soon", 8, "a day or a time"),
        ("ok = yes", 5, "true or false"),
        ("ok > true", 0, "has no order"),
        ("vec = 1", 0, "can only be asked whether it `exists`"),
        ("lux ~ 1", 0, "is no text to search in"),
        ("title ~ ''", 8, "an empty text is in everything"),
        ("lux > 1e999", 6, "compared with a number"),
        ("ref = 5", 6, "a UUID"),
        ("lux >", 5, "expected a value, found the end"),
        ("lux in ..", 9, "a value at one end"),
        ("lux in 5", 8, "expected `..`"),
        ("(lux = 1", 8, "expected `)`"),
        ("lux = 1 lux = 2", 8, "expected `and`, `or` or the end"),
        ("title = 'a", 8, "a quote that does not end"),
        ("lux ! 1", 4, "what is this"),
        ("title = 'a\0'", 8, "no text in a database"),
        ("(" * 60, 51, "more than 50 parts in each other"),
        ("x" * 10_001, 10_000, "longer than 10,000"),
        ("lux in (" + "1," * 1000 + "1)", 2008, "more than 1,000 values"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else None,
)
def test_what_cannot_be_understood_is_told_with_the_place(both, text, at, told):
    with pytest.raises(FilterError) as caught:
        both[0].count(COLLECTION, text)
    assert caught.value.facts["at"] == at
    assert told in caught.value.message
    assert "declared" not in told or "lux, notes, ok, place" in caught.value.hint


@pytest.mark.parametrize("sort", ["nothing", "vec", "url", "-place", "gone", "folder"])
def test_there_is_no_such_order(both, sort):
    with pytest.raises(InputError, match="cannot be sorted"):
        both[0].items(COLLECTION, sort=sort)


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "WyJpZCIsMSwxXQ", "WyIiLCJhIiwxXQ"])
def test_a_foreign_cursor_is_refused(both, cursor):
    with pytest.raises(InputError, match="no cursor"):
        both[0].items(COLLECTION, cursor=cursor)


@pytest.mark.parametrize(
    ("sort", "value"),
    [("created", 2**64 - 1), ("lux", 2**63), ("lux", -(2**63) - 1), ("title", "a\0"), ("title", 5)],
)
def test_a_forged_cursor_is_refused_alike(both, sort, value):
    forged = base64.urlsafe_b64encode(json.dumps([sort, value, 3]).encode()).decode().rstrip("=")
    for catalog in both:
        with pytest.raises(InputError, match="no cursor"):
            catalog.items(COLLECTION, sort=sort, cursor=forged)


def test_folders_are_counted(both):
    for catalog in both:
        folders = {folder.path: folder.items for folder in catalog.folders(COLLECTION)}
        assert folders == {"": 70, "site/North": 50}
