"""kill -9 at every step of registering, many processes at once: all items or none, once an import."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from resources.collections.items import ItemOutcome
from resources.collections.schema_changes import AddScalar
from resources.kernel.errors import ConflictError
from resources.stores.catalog.collections import catalog, imports, loading, settling
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.loading import Loader, Matching
from resources.stores.catalog.collections.loading_postgresql import PostgresLoader
from resources.stores.catalog.collections.loading_sqlite import SqliteLoader
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.records import ImportRequest
from resources.stores.catalog.database import CatalogDatabase
from tests.faults import Child, count_steps, kill_at, wait_until
from tests.resources.stores.catalog.collections.drafts import (
    COLLECTION,
    DOUBLE,
    SKIP,
    UPSERT,
    batches,
    draft,
    facets,
    held,
    run,
)

STEPS = [
    (CatalogDatabase, "_connection"),
    (CatalogDatabase, "_transaction"),
    (CollectionCatalog, "_target"),
    (SqliteLoader, "take"),
    (SqliteLoader, "_move"),
    (PostgresLoader, "take"),
    (PostgresLoader, "_copy_new"),
    (Loader, "write"),
    (loading, "_check_unmoved"),
    (Matching, "take_up"),
    (Matching, "replace_metadata"),
    (Matching, "refresh_facets"),
    (imports, "ensured_folder"),
    (catalog, "ensured_import"),
]
OLD = [draft(f"s3://b/{n}", metadata={"v": "old"}, media=None) for n in range(4)]
NEW = [draft(f"s3://b/{n}", metadata={"v": "new"}, media=None) for n in range(2, 9)]


def seen(collections):
    items = [
        (i.folder, i.urls, i.metadata and b"new" in i.metadata, i.state) for i in held(collections)
    ]
    return items, [row[1:] for row in facets(collections)]


@pytest.mark.kill
def test_killed_anywhere_all_is_there_or_nothing_and_the_retry_registers_once(open_collections):
    collections = open_collections()

    def body(folder):
        # A folder a round, with the same old items: each starts from the same place.
        return run(open_collections(), f"new {folder}", NEW, UPSERT, folder=folder)

    run(collections, "old counted", OLD, folder="counted")
    steps = count_steps(lambda: body("counted") and None, STEPS)
    assert len(steps) > 20
    undone = 0
    for step in _distinct(steps):
        folder = f"f{step:03d}"
        run(collections, f"old {folder}", OLD, folder=folder)
        before = _of(collections, folder)
        assert kill_at(lambda folder=folder: body(folder) and None, STEPS, step).killed
        after = _of(collections, folder)
        import_id, registered = body(folder)
        done = _of(collections, folder)
        assert after in (before, done)
        undone += after == before
        assert registered.counts == {"created": {"image": 5}, "updated": {"image": 2}}
        assert [new for _, new, _ in done] == [False] * 2 + [True] * 7
        assert len(collections.pending(import_id)) == 7
    assert undone > 5
    items, their_facets = seen(collections)
    assert [state for *_, state in items] == [row[1] for row in their_facets]


def _distinct(steps):
    """The first and the last time of each."""
    last = {name: number for number, name in enumerate(steps)}
    return sorted({*last.values(), *(steps.index(name) for name in last)})


def _of(collections, folder):
    return [row[1:] for row in seen(collections)[0] if row[0] == folder]


@pytest.mark.kill
def test_killed_while_outcomes_are_written_they_count_once(open_collections):
    collections = open_collections()
    import_id, _ = run(collections, "run-1", [draft(f"s3://b/{n}", media=None) for n in range(60)])
    steps = [(settling, name) for name in ("_own", "set_state", "_log", "note_change")]
    steps.append((CatalogDatabase, "_transaction"))

    def body():
        pending = open_collections().pending(import_id, limit=2)
        outcomes = [ItemOutcome(pending[0].id), ItemOutcome(pending[1].id, rule="object_forbidden")]
        open_collections().settle(import_id, outcomes)

    for step in range(len(count_steps(body, steps))):
        kill_at(body, steps, step)
        counts = collections.counts(import_id)
        assert counts.ready == counts.failed == len(list(collections.failures(import_id)))
        assert counts.pending + counts.ready + counts.failed == 60
        states = [item.state for item in held(collections)]
        assert states == [row[2] for row in facets(collections)]
        assert states.count("failed") == counts.failed


def test_imports_of_two_processes_make_each_item_once(open_collections):
    drafts = [draft(f"s3://b/{n}") for n in range(400)]

    def one(number):
        return lambda: run(open_collections(), f"run-{number}", drafts, at_once=50)[1].total(
            "created"
        )

    children = [Child(one(number)) for number in range(5)]
    outcomes = [child.wait() for child in children]
    assert [outcome.status for outcome in outcomes] == [0] * 5
    assert sorted(outcome.answer for outcome in outcomes) == [0, 0, 0, 0, 400]
    assert len(held(open_collections())) == 400


def test_one_import_in_four_processes_registers_once(open_collections):
    drafts = [draft(f"s3://b/{n}") for n in range(40)]

    def body():
        return run(open_collections(), "same", drafts, DOUBLE)[1].total("created")

    outcomes = [child.wait() for child in [Child(body) for _ in range(4)]]
    assert [outcome.answer for outcome in outcomes] == [40] * 4
    assert len(held(open_collections())) == 40


class Unlocked(CollectionCatalog):
    """Without the lock: what it protects from is then seen."""

    def lock(self, collection):
        return nullcontext()


def test_without_the_lock_what_changed_meanwhile_is_looked_at_again(open_collections):
    collections = open_collections()
    drafts = [draft(f"s3://b/{n}") for n in range(6)]
    between = iter(["first"])

    def read():
        for batch in batches(drafts)():
            yield batch
            if next(between, None):  # another import of the same items commits in the middle
                run(Unlocked(open_collections().database), "run-2", drafts[2:])

    run(collections, "run-0", [draft("s3://b/0")])
    unlocked = Unlocked(collections.database)
    import_id = unlocked.begin(COLLECTION, ImportRequest("run-1"))
    registered = unlocked.register(import_id, read, SKIP)
    assert registered.counts == {"created": {"image": 1}, "skipped": {"image": 5}}
    assert sorted(item.urls for item in held(collections)) == sorted(d.urls for d in drafts)


def test_a_collection_that_never_stays_the_same_is_told_of(open_collections):
    collections = Unlocked(open_collections().database)
    import_id = collections.begin(COLLECTION, ImportRequest("run-1"))
    numbers = iter(range(100))

    def read():
        number = next(numbers)
        yield [draft("s3://b/a")]
        run(collections, f"other {number}", [draft(f"s3://b/{number}")])

    with pytest.raises(ConflictError, match="changed each time"):
        collections.register(import_id, read, SKIP)
    assert collections.find_import(import_id).registered_at is None
    assert len(held(collections)) == 5


def test_others_write_while_a_specification_is_read(open_collections, config):
    collections = open_collections()
    run(collections, "run-0", OLD)
    read, written = threading.Event(), threading.Event()

    def slowly():
        yield [*OLD[:2], draft("s3://b/new")]
        read.set()
        assert written.wait(60)
        yield OLD[2:]

    import_id = collections.begin(COLLECTION, ImportRequest("run-1"))
    thread = threading.Thread(target=collections.register, args=(import_id, slowly, SKIP))
    thread.start()
    assert read.wait(60)
    # A commit of another connection; with the write lock taken it would wait for the whole time.
    run(open_collections(), "elsewhere", OLD, collection="other")
    assert collections.counts(import_id).ready == 0
    written.set()
    thread.join()
    assert collections.find_import(import_id).registered.counts == {
        "created": {"image": 1},
        "retried": {"image": 4},
    }


def test_a_schema_that_changes_while_an_import_registers_stops_neither(open_collections):
    collections = open_collections()
    run(collections, "0", [draft("s3://b/0", metadata={"a": 0})], schema="site")
    read, changing = threading.Event(), threading.Event()

    def slowly():
        yield [draft(f"s3://b/{n}", metadata={"a": n}) for n in range(1, 5)]
        read.set()
        assert changing.wait(60)
        yield [draft(f"s3://b/{n}", metadata={"a": n}) for n in range(5, 9)]

    import_id = collections.begin(COLLECTION, ImportRequest("1", schema="site"))
    with ThreadPoolExecutor(2) as threads:
        registering = threads.submit(collections.register, import_id, slowly, SKIP)
        assert read.wait(60)
        schemas = MetadataCatalog(open_collections().database)
        change = threads.submit(schemas.apply, "site", AddScalar("a", "number"), "ada")
        wait_until(lambda: change.done() or _somebody_waits(collections.database))
        changing.set()
        assert registering.result(60).counts == {"created": {"image": 8}}
        assert change.result(60).revision == 1
    assert [row[-1] for row in facets(collections)] == list(range(9))


def _somebody_waits(database):
    if database.is_sqlite:
        return False
    with database.read() as connection:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(connection.exec_driver_sql(waiting).scalar())
