"""kill -9 at every step, many processes at once: old or new, once a run, one after the other (R3, R4, E9, E15, E16)."""

import pyarrow as pa
import pytest

from resources.kernel.errors import ConflictError
from resources.stores.catalog import migrate
from resources.stores.catalog.classifications import catalog
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.classifications.rows import RowTable
from resources.stores.catalog.classifications.rows_postgresql import PostgresRowTable
from resources.stores.catalog.classifications.rows_sqlite import SqliteRowTable
from resources.stores.catalog.database import CatalogDatabase
from tests.faults import Child, count_steps, kill_at
from tests.resources.stores.catalog.classifications.rows import COLUMNS, SET, change, held

STEPS = [
    (CatalogDatabase, "_connection"),
    (CatalogDatabase, "_transaction"),
    (SqliteRowTable, "write"),
    (PostgresRowTable, "write"),
    (RowTable, "create"),
    (RowTable, "_upsert"),
    (catalog, "write_delta"),
    (catalog, "forget_deltas"),
    (catalog, "record"),
    (ClassificationCatalog, "_advance"),
]
OLD = {"a": ("old", 1, None, None), "b": ("old", 2, None, None)}
NEW = {"a": ("new", 1, None, None), "c": ("new", 3, None, ["x"])}


def write(open_catalog, run_id="run-2"):
    catalog = open_catalog()
    change(catalog, run_id, NEW, delete=("b",), base=1)


@pytest.mark.kill
def test_killed_anywhere_the_set_is_old_or_new_and_the_retry_applies_once(open_catalog):
    catalog = open_catalog()
    change(catalog, "run-1", OLD)
    steps = count_steps(lambda: write(open_catalog, "counted"), STEPS)
    assert len(steps) > 12
    undone = 1
    for step in range(len(steps)):
        # Each round starts from OLD: a set of its own would hide what an earlier kill left.
        base = catalog.find(SET).version
        change(catalog, f"reset-{step}", OLD, delete=("c",) if "c" in held(catalog) else ())
        base = catalog.find(SET).version

        def body(run_id=f"killed-{step}", base=base):
            one = open_catalog()
            change(one, run_id, NEW, delete=("b",), base=base)

        assert kill_at(body, STEPS, step).killed
        after = held(catalog)
        assert after in (OLD, NEW)
        assert catalog.find(SET).version == base + (after == NEW)
        undone += after == OLD
        if after == OLD:
            body()
        assert (
            change(catalog, f"killed-{step}", {"zz": ("twice", 1, None, None)}).version == base + 1
        )
        assert held(catalog) == NEW
        assert [e.facts.run_id for e in catalog.history(SET)].count(f"killed-{step}") == 1
    assert undone > 5


@pytest.mark.kill
def test_killed_at_the_first_start_the_next_one_finds_all_or_nothing(open_catalog):
    def body():
        open_catalog().find(SET)

    for point in ("upgrade", "is_current", "revision"):
        for step in range(4):
            kill_at(body, [(migrate, point), (CatalogDatabase, "_upgrade")], step)
    catalog = open_catalog()
    change(catalog, "run-1", OLD)
    assert held(catalog) == OLD


def test_many_first_files_at_once_make_one_catalog_and_one_set(open_catalog):
    def one(number):
        def body():
            catalog = open_catalog()
            with catalog.lock(SET):
                change(catalog, f"run-{number}", {f"k{number}": ("x", number, None, None)})

        return body

    children = [Child(one(number)) for number in range(8)]
    assert [child.wait().status for child in children] == [0] * 8
    catalog = open_catalog()
    assert held(catalog) == {f"k{n}": ("x", n, None, None) for n in range(8)}
    assert sorted(e.version for e in catalog.history(SET)) == list(range(1, 9))


def test_without_the_lock_the_slower_one_is_told_to_compute_anew(open_catalog):
    change(open_catalog(), "run-0", {"n": ("x", 0, None, None)})

    def add_one(number):
        def body():
            catalog, tries = open_catalog(), 0
            while True:
                tries += 1
                state = catalog.read(SET, COLUMNS, pa.array(["n"]))
                size = state.table.column("Size")[0].as_py()
                try:
                    change(
                        catalog,
                        f"run-{number}",
                        {"n": ("x", size + 1, None, None)},
                        base=state.stored.version,
                    )
                except ConflictError:
                    continue
                return tries

        return body

    outcomes = [child.wait() for child in [Child(add_one(n)) for n in range(1, 7)]]
    assert [outcome.status for outcome in outcomes] == [0] * 6
    assert held(open_catalog()) == {"n": ("x", 6, None, None)}


def test_one_run_in_four_processes_counts_once(open_catalog):
    change(open_catalog(), "run-0", {"n": ("x", 0, None, None)})

    def body():
        try:
            return change(open_catalog(), "same", {"n": ("y", 1, None, None)}, base=1).version
        except ConflictError:
            return -1

    answers = {child.wait().answer for child in [Child(body) for _ in range(4)]}
    assert answers == {2}
    assert [e.facts.run_id for e in open_catalog().history(SET)] == ["same", "run-0"]


def test_a_lock_dies_with_its_holder(open_catalog):
    def hold():
        with open_catalog().lock(SET):
            import os
            import signal

            os.kill(os.getpid(), signal.SIGKILL)

    assert Child(hold).wait().killed
    with open_catalog().lock(SET):
        pass
