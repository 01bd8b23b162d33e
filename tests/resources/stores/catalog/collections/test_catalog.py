"""Imports: registered once, duplicates known again, pending items looked at, failures told."""

import msgspec
import pytest

from resources.collections.items import FileError, ItemOutcome
from resources.kernel.errors import NotFoundError
from resources.stores.catalog.collections import catalog
from resources.stores.catalog.collections.records import ImportCounts, ImportRequest
from tests.resources.stores.catalog.collections.drafts import (
    COLLECTION,
    DOUBLE,
    SIZE,
    SKIP,
    UPSERT,
    batches,
    draft,
    facets,
    held,
    run,
)

ODD = [
    draft("s3://b/a.png", metadata={"lux": 3.5, "é\u2028🙂": "'; DROP TABLE x; --\\N\t"}, at="7"),
    draft("s3://b/1.png s3://b/0.png", kind="image_group", media=None),
    draft("https://h/%20?q=1&r='\"\\", kind="video", media=None, metadata={}),
]


def metadata_of(item):
    return None if item.metadata is None else msgspec.json.decode(item.metadata)


def test_items_come_back_as_they_were_announced(collections):
    import_id, registered = run(collections, "run-1", ODD, folder="site/north")
    assert registered.counts == {"created": {"image": 1, "image_group": 1, "video": 1}}
    items = held(collections)
    for item, one in zip(items, ODD, strict=True):
        assert (item.type, item.title, item.urls, item.place) == (
            one.type,
            one.title,
            one.urls,
            one.at,
        )
        assert metadata_of(item) == (one.metadata and msgspec.json.decode(one.metadata))
        assert (item.folder, item.import_id, item.made_by) == ("site/north", import_id, import_id)
    assert msgspec.json.decode(items[0].media) == SIZE
    assert [item.state for item in items] == ["ready", "pending", "pending"]
    assert [row[1:] for row in facets(collections)] == [(i.type, i.state) for i in items]


def test_the_same_file_again_doubles_nothing_unless_asked_to(collections):
    drafts = [draft(f"s3://b/{n}") for n in range(7)]
    run(collections, "run-1", drafts)
    _, again = run(collections, "run-2", drafts)
    assert (again.counts, again.changes_nothing) == ({"skipped": {"image": 7}}, True)
    assert len(held(collections)) == 7
    _, doubled = run(collections, "run-3", drafts, DOUBLE)
    assert doubled.counts == {"created": {"image": 7}}
    assert len(held(collections)) == 14


def test_what_makes_a_duplicate(collections):
    run(collections, "run-1", [draft("s3://b/0 s3://b/1", kind="image_group"), draft("s3://b/a")])
    _, registered = run(
        collections,
        "run-2",
        [
            draft("s3://b/1 s3://b/0", kind="image_group"),  # another order
            draft("s3://b/0 s3://b/1", kind="image_sequence"),  # another type
            draft("s3://b/0", kind="image_group"),  # not all URLs
            draft("s3://b/A"),
            draft("s3://b/A"),  # twice in one file
            draft("s3://b/0 s3://b/1", kind="image_group"),
        ],
    )
    assert registered.counts == {
        "created": {"image": 1, "image_group": 2, "image_sequence": 1},
        "skipped": {"image": 1, "image_group": 1},
    }
    _, elsewhere = run(collections, "run-3", [draft("s3://b/a")], folder="other")
    assert elsewhere.total("created") == 1
    _, beside = run(collections, "run-1", [draft("s3://b/a")], collection="other")
    assert beside.total("created") == 1


def test_upsert_replaces_whole_metadata_and_leaves_alone_what_brings_none(collections):
    first = [draft(f"s3://b/{n}", metadata={"a": n, "b": "old"}) for n in range(3)]
    first.append(draft("s3://b/2", metadata={"twice": True}))
    run(collections, "run-1", first, DOUBLE)
    import_id, registered = run(
        collections,
        "run-2",
        [
            draft("s3://b/0", metadata={"a": "new"}),
            draft("s3://b/1"),
            draft("s3://b/2", metadata={}),
            draft("s3://b/3", metadata={"n": 1}),
            draft("s3://b/0", metadata={"a": "twice in one file: the first counts"}),
        ],
        UPSERT,
    )
    assert registered.counts == {
        "created": {"image": 1},
        "updated": {"image": 2},
        "skipped": {"image": 2},
    }
    items = held(collections)
    assert [metadata_of(item) for item in items] == [
        {"a": "new"},
        {"a": 1, "b": "old"},
        {},
        {},  # both of one identity
        {"n": 1},
    ]
    assert [item.import_id == import_id for item in items] == [True, False, True, True, True]


@pytest.mark.parametrize(
    ("look", "states"),
    [
        ("never", ["ready", "ready"]),
        ("missing", ["ready", "pending"]),
        ("always", ["pending", "pending"]),
    ],
)
def test_only_what_has_to_be_looked_at_is_pending(collections, look, states):
    drafts = [draft("s3://b/0"), draft("s3://b/1", media=None)]
    import_id, _ = run(collections, "run-1", drafts, look=look)
    assert [item.state for item in held(collections)] == states
    pending = states.count("pending")
    assert collections.counts(import_id) == ImportCounts(pending, 2 - pending, 0)


def test_an_import_registers_once_and_its_key_is_known_again(collections):
    import_id, first = run(collections, "run-1", ODD)
    again, second = run(collections, "run-1", [draft("s3://b/other")], DOUBLE)
    assert (again, second) == (import_id, first)
    assert len(held(collections)) == 3
    stored = collections.find_import(import_id)
    assert stored.registered == first
    assert stored.registered_at is not None


def test_pending_items_are_settled_once_and_only_by_their_import(collections):
    drafts = [draft(f"s3://b/{n}", media=None, at=f"/images/{n}") for n in range(5)]
    import_id, _ = run(collections, "run-1", drafts)
    first = collections.pending(import_id, limit=2)
    rest = collections.pending(import_id, after=first[-1].id)
    ids = [item.id for item in (*first, *rest)]
    assert [item.urls for item in (*first, *rest)] == [d.urls for d in drafts]
    outcomes = [
        ItemOutcome(ids[0], media=b'{"width":7}', objects=b'["ab"]'),
        ItemOutcome(ids[1], rule="object_not_found", message="no, 'not' there", url="s3://b/1"),
    ]
    assert collections.settle(import_id, outcomes) == 2
    assert collections.settle(import_id, outcomes) == 0
    assert collections.settle(import_id, [ItemOutcome(ids[0], rule="object_unreadable")]) == 0
    assert collections.settle(import_id, [ItemOutcome(9_999)]) == 0
    assert collections.counts(import_id) == ImportCounts(3, 1, 1)
    good, bad = held(collections)[:2]
    assert (good.state, good.attempts, msgspec.json.decode(good.media), good.objects) == (
        "ready",
        1,
        {"width": 7},
        b'["ab"]',
    )
    assert (bad.state, bad.rule, bad.error_url) == ("failed", "object_not_found", "s3://b/1")
    assert [row[2] for row in facets(collections)] == ["ready", "failed", *["pending"] * 3]
    [failed] = collections.failures(import_id)
    assert (failed.row_or_pointer, failed.type, failed.object_url, failed.attempts) == (
        "/images/1",
        "image",
        "s3://b/1",
        1,
    )
    assert failed.message == "no, 'not' there"


def test_a_retry_tries_what_failed_and_the_log_forgets_what_was_mended(collections):
    import_id, _ = run(collections, "run-1", [draft(f"s3://b/{n}", media=None) for n in range(3)])
    ids = [item.id for item in collections.pending(import_id)]
    broken = [ItemOutcome(n, rule="object_forbidden", message="no", url="u") for n in ids]
    collections.settle(import_id, broken)
    assert collections.retry(import_id) == 3
    assert collections.retry(import_id) == 0
    assert len(list(collections.failures(import_id))) == 3
    assert collections.counts(import_id) == ImportCounts(3, 0, 0)
    collections.settle(import_id, [ItemOutcome(ids[0]), *broken[1:]])
    log = list(collections.failures(import_id))
    assert [(one.item_id, one.attempts) for one in log] == [(ids[1], 2), (ids[2], 2)]
    assert [row[2] for row in facets(collections)] == ["ready", "failed", "failed"]


def test_a_later_import_of_the_file_takes_up_what_is_not_ready(collections):
    drafts = [draft(f"s3://b/{n}", media=None, at=str(n)) for n in range(4)]
    first, _ = run(collections, "run-1", drafts)
    ids = [item.id for item in collections.pending(first)]
    collections.settle(first, [ItemOutcome(ids[0]), ItemOutcome(ids[1], rule="object_not_found")])
    moved = [draft(f"s3://b/{n}", media=SIZE if n == 3 else None, at=f"{n + 10}") for n in range(4)]
    second, registered = run(collections, "run-2", moved)
    assert registered.counts == {"retried": {"image": 3}, "skipped": {"image": 1}}
    assert [item.id for item in collections.pending(second)] == ids[1:3]
    assert [item.place for item in collections.pending(second)] == ["11", "12"]
    assert collections.pending(first) == []
    assert collections.settle(first, [ItemOutcome(ids[2], rule="object_unreadable")]) == 0
    assert [one.item_id for one in collections.failures(first)] == [ids[1]]
    assert collections.counts(second) == ImportCounts(2, 1, 0)
    assert [row[2] for row in facets(collections)] == ["ready", "pending", "pending", "ready"]
    assert collections.settle(second, [ItemOutcome(n) for n in ids[1:3]]) == 2
    assert list(collections.failures(second)) == []
    assert {item.state for item in held(collections)} == {"ready"}


def test_each_file_that_failed_has_a_line_until_it_is_mended(collections, monkeypatch):
    """F105: one row a file; a retry that finds other files wrong leaves no line of before."""
    monkeypatch.setattr(catalog, "_PAGE", 2)
    group = draft(" ".join(f"s3://b/{n}" for n in range(5)), kind="image_group", media=None)
    import_id, _ = run(collections, "run-1", [group])
    [item] = collections.pending(import_id)

    def wrong(*positions):
        files = tuple(
            FileError(n, item.urls[n], "object_not_found", f"{n} is gone") for n in positions
        )
        return ItemOutcome(item.id, rule="object_not_found", message="gone", files=files)

    collections.settle(import_id, [wrong(0, 2, 3, 4)])
    lines = list(collections.failures(import_id))
    assert [(line.position, line.object_url, line.message) for line in lines] == [
        (n, f"s3://b/{n}", f"{n} is gone") for n in (0, 2, 3, 4)
    ]
    assert {line.item_id for line in lines} == {item.id}
    assert collections.counts(import_id) == ImportCounts(0, 0, 1)
    collections.retry(import_id)
    collections.settle(import_id, [wrong(1)])
    assert [(line.position, line.attempts) for line in collections.failures(import_id)] == [(1, 2)]


def test_many_failures_come_in_pages(collections, monkeypatch):
    monkeypatch.setattr(catalog, "_PAGE", 3)
    import_id, _ = run(collections, "run-1", [draft(f"s3://b/{n}", media=None) for n in range(8)])
    pending = collections.pending(import_id, limit=100)
    collections.settle(import_id, [ItemOutcome(i.id, rule="object_not_found") for i in pending])
    assert [one.item_id for one in collections.failures(import_id)] == [i.id for i in pending]


def test_an_import_knows_its_runs_and_its_end(collections):
    import_id, _ = run(collections, "one", ODD, file_name="spec.json", sha256="ab", asked_by="ada")
    collections.work(import_id, "run-1")
    collections.end(import_id, "failed", "s3://b/1.png: not found")
    stored = collections.find_import(import_id)
    assert (stored.outcome, stored.ended_at is None) == ("failed", False)
    collections.work(import_id, "run-2")
    stored = collections.work(import_id, "run-2")
    assert (stored.run_ids, stored.outcome, stored.ended_at) == (("run-1", "run-2"), "", None)
    other = collections.begin(COLLECTION, ImportRequest(key="two"))
    listed = collections.imports(COLLECTION)
    assert [(one.id, one.file_name) for one in listed] == [(other, ""), (import_id, "spec.json")]
    assert listed[0].registered_at is None
    assert [one.id for one in collections.imports(COLLECTION, before=other)] == [import_id]
    with pytest.raises(NotFoundError, match="no import 77"):
        collections.find_import(77)


def test_a_preview_writes_nothing_not_even_a_database(collections):
    drafts = [draft("s3://b/0"), draft("s3://b/0"), draft("s3://b/1", kind="video")]
    counts = {"created": {"image": 1, "video": 1}, "skipped": {"image": 1}}
    assert collections.preview(COLLECTION, "", batches(drafts), SKIP).counts == counts
    if collections.database.is_sqlite:
        assert not collections.database.exists()
    assert collections.find(COLLECTION) is None
    _, registered = run(collections, "run-1", drafts)
    assert registered.counts == counts
    assert collections.preview(COLLECTION, "", batches(drafts), SKIP).changes_nothing
    assert collections.preview(COLLECTION, "x", batches(drafts), SKIP).counts == counts
