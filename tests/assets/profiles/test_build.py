"""The profile of a dataset as an asset: what a run makes, what Dagster shows, and what a failure leaves alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from resources.kernel.errors import StorageError
from resources.kernel.keys import Key
from resources.kernel.records import BatchStream
from resources.profiles import compute
from resources.profiles.kept import read_profile
from resources.profiles.making import make_profile
from resources.profiles.record import Profile
from resources.stores.resource import StoreResource
from resources.stores.tables import StoredTable, TableStore
from tests.project import materialize, project

KEY = ("datasets", "orders")
PROJECT = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: files, connector: lake, path: orders.csv}
---
type: assets.Dataset
attributes: {name: orders, datasource: files, column_descriptions: {price: In euros}}
---
type: assets.SqlTransform
attributes: {name: dear, sql: select * from orders where price > 5, profile: on_demand}
---
type: assets.SqlTransform
attributes: {name: cheap, sql: select * from orders where price < 5, profile: "off"}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    land(tmp_path, 40)
    return tmp_path


def land(home: Path, rows: int) -> None:
    lines = ["id,price,note"] + [f"{n},{n % 7}.25,{'' if n % 4 else 'x'}" for n in range(rows)]
    (home / "lake").mkdir(exist_ok=True)
    (home / "lake" / "orders.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def store(home: Path) -> TableStore:
    return StoreResource().tables()


@pytest.mark.parametrize("said", ["off", '"off"'])
def test_off_is_taken_as_it_stands_in_the_docs(home: Path, said: str) -> None:
    """YAML takes it for false unless it is quoted."""
    with project(PROJECT.replace('"off"', said)) as definitions:
        keys = {
            one.to_user_string() for one in definitions.resolve_asset_graph().get_all_asset_keys()
        }
    assert "datasets/dear/profile" in keys
    assert "datasets/cheap/profile" not in keys


def test_a_run_makes_the_profile_and_dagster_plots_it(home: Path, store: TableStore) -> None:
    with project(PROJECT) as definitions, dg.DagsterInstance.ephemeral() as instance:
        result = materialize(
            definitions, "datasets/orders", "datasets/orders/profile", instance=instance
        )
        metadata = result.asset_materializations_for_node("datasets__orders__profile")[0].metadata
        found = read_profile(store, KEY, 1)
        assert (found.rows, found.missing_cells, found.duplicate_rows) == (40, 30, 0)
        assert metadata["missing cells"] == dg.MetadataValue.int(30)
        assert metadata["mean of price"] == dg.MetadataValue.float(found.columns[1].mean)
        price = metadata["dagster/column_schema"].schema.columns[1]
        assert (price.description, price.constraints.nullable) == ("In euros", False)
        assert metadata["distributions"].value.startswith("![Distributions](data:image/svg+xml")

        land(home, 41)
        materialize(definitions, "datasets/orders", "datasets/orders/profile", instance=instance)
        assert [read_profile(store, KEY, number).rows for number in (1, 2)] == [40, 41]


def test_profile_says_when_it_is_made_and_off_makes_no_asset(home: Path) -> None:
    with project(PROJECT) as definitions:
        specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
        assert specs["datasets/orders/profile"].automation_condition is not None
        assert specs["datasets/dear/profile"].automation_condition is None
        assert "datasets/cheap/profile" not in specs


def stale_status(
    definitions: dg.Definitions, instance: dg.DagsterInstance, key: dg.AssetKey
) -> str:
    """What Dagster's UI shows as "Unsynced" is STALE."""
    graph = definitions.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return str(resolver.get_status(key).value)


def test_the_profile_of_a_small_table_is_made_in_the_run_that_made_the_table(
    home: Path, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = dg.AssetKey([*KEY, "profile"])
    with project(PROJECT) as definitions, dg.DagsterInstance.ephemeral() as instance:
        materialize(definitions, "datasets/orders", "datasets/dear", instance=instance)
        event = instance.get_latest_materialization_event(profile)
        assert event is not None
        assert event.asset_materialization.tags["dagster/data_version"] == "1"
        assert read_profile(store, KEY, 1).rows == 40
        assert store.item(("datasets", "dear", "profile")).latest() is None
        assert stale_status(definitions, instance, profile) == "FRESH"

        monkeypatch.setattr("assets.profiles.beside.MOST_CELLS", 0)
        land(home, 41)
        materialize(definitions, "datasets/orders", instance=instance)
        assert read_profile(store, KEY).of.version == 1
        assert stale_status(definitions, instance, profile) == "STALE"
        materialize(definitions, "datasets/orders/profile", instance=instance)
        assert stale_status(definitions, instance, profile) == "FRESH"


def test_a_large_table_is_profiled_by_one_run_of_its_own_for_each_version(
    home: Path, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its own asset asks for, tick by tick: once for each version, and never for what is profiled already."""
    profile = dg.AssetKey([*KEY, "profile"])
    computed: list[int] = []
    plain = compute.compute_profile

    def counted(key: Key, table: StoredTable, **options: Any) -> Profile:
        computed.append(table.version.number)
        return plain(key, table, **options)

    monkeypatch.setattr(compute, "compute_profile", counted)
    with project(PROJECT) as definitions, dg.DagsterInstance.ephemeral() as instance:
        tick = dg.evaluate_automation_conditions(definitions, instance)

        def asks() -> int:
            nonlocal tick
            tick = dg.evaluate_automation_conditions(definitions, instance, cursor=tick.cursor)
            return tick.get_num_requested(profile)

        materialize(definitions, "datasets/orders", instance=instance)
        assert (asks(), computed) == (0, [1])  # a small one: made beside

        monkeypatch.setattr("assets.profiles.beside.MOST_CELLS", 0)
        for version, rows in ((2, 41), (3, 42)):
            land(home, rows)
            materialize(definitions, "datasets/orders", instance=instance)
            assert asks() == 1
            materialize(definitions, "datasets/orders/profile", instance=instance)
            assert (asks(), computed[-1]) == (0, version)
            materialize(definitions, "datasets/orders", instance=instance)  # the same rows
            assert asks() == 0
        materialize(definitions, "datasets/orders/profile", instance=instance)
        assert computed == [1, 2, 3]


def test_a_large_table_that_was_made_before_automation_first_looked_is_profiled(
    home: Path, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload declares its dataset and makes it at once: to automation it is there from the first."""
    monkeypatch.setattr("assets.profiles.beside.MOST_CELLS", 0)
    profile = dg.AssetKey([*KEY, "profile"])
    with project(PROJECT) as definitions, dg.DagsterInstance.ephemeral() as instance:
        materialize(definitions, "datasets/orders", "datasets/dear", instance=instance)
        tick = dg.evaluate_automation_conditions(definitions, instance)
        assert tick.get_num_requested(profile) == 1
        # Declared with `on_demand`: nobody asked.
        assert tick.get_num_requested(dg.AssetKey(["datasets", "dear", "profile"])) == 0
        # Whether the run comes to an end or not, it is asked for once.
        tick = dg.evaluate_automation_conditions(definitions, instance, cursor=tick.cursor)
        assert tick.get_num_requested(profile) == 0
        materialize(definitions, "datasets/orders/profile", instance=instance)
        assert dg.evaluate_automation_conditions(definitions, instance).total_requested == 0


def test_a_profile_that_came_too_late_is_of_the_newest_version_and_is_not_made_again(
    home: Path, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.profiles.beside.MOST_CELLS", 0)
    with project(PROJECT) as definitions, dg.DagsterInstance.ephemeral() as instance:
        materialize(definitions, "datasets/orders", instance=instance)
        land(home, 41)
        materialize(definitions, "datasets/orders", instance=instance)
        for _ in range(2):  # the runs that were asked for by both
            materialize(definitions, "datasets/orders/profile", instance=instance)
    assert [m.properties["profile_of"] for m in store.item((*KEY, "profile")).versions()] == [2]


def test_few_rows_of_many_columns_are_not_profiled_beside(home: Path, store: TableStore) -> None:
    """Each column has its price: 10,000 of 50 rows take many seconds."""
    names = ",".join(f"c{n}" for n in range(401))
    (home / "lake" / "orders.csv").write_text(f"price,{names}\n" + ",".join("1" * 402) + "\n")
    with project(PROJECT) as definitions, dg.DagsterInstance.ephemeral() as instance:
        materialize(definitions, "datasets/orders", instance=instance)
    assert store.item((*KEY, "profile")).latest() is None


def test_a_profile_that_fails_leaves_the_dataset_and_the_next_run_makes_it(
    home: Path, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StorageError("its profile needs more memory than it may have")

    with project(PROJECT) as definitions, dg.DagsterInstance.ephemeral() as instance:
        keys = ("datasets/orders", "datasets/orders/profile")
        with monkeypatch.context() as patch:
            patch.setattr(compute, "associate", broken)
            failed = materialize(definitions, *keys, instance=instance, raise_on_error=False)
        assert not failed.success
        assert instance.get_latest_materialization_event(dg.AssetKey([*KEY]))
        assert store.read(KEY).rows == 40
        assert store.item((*KEY, "profile")).latest() is None
        assert materialize(definitions, keys[1], instance=instance).success
        assert read_profile(store, KEY).rows == 40


KILLED = """
import os, signal, sys
from resources.profiles.making import make_profile
from resources.stores.table_writer import TableWriter
from resources.stores.tables import TableStore

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def tell(step):
    if step == sys.argv[2]:
        die()

if sys.argv[2] == "publish":
    TableWriter.publish = die
store, key = TableStore.open(sys.argv[1]), ("datasets", "orders")
make_profile(store, key, store.read(key), run_id="killed", tell=tell)
"""


@pytest.mark.parametrize("step", ["associations", "publish"])
def test_a_killed_profile_leaves_the_dataset_and_the_next_one_is_made(
    step: str, home: Path, store: TableStore
) -> None:
    with store.writer(KEY, run_id="r1") as writer:
        table = pa.table({"id": [1, 1, 2], "price": [1.5, 1.5, 0.0]})
        writer.write(BatchStream(table.schema, iter(table.to_batches())))
        writer.publish({})
    ended = subprocess.run([sys.executable, "-c", KILLED, store.url, step], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert store.read(KEY).rows == 3
    assert store.item((*KEY, "profile")).latest() is None
    made, is_new = make_profile(store, KEY, store.read(KEY), run_id="r2")
    assert (made.duplicate_rows, is_new) == (1, True)
    assert read_profile(store, KEY) == made


def test_a_version_with_the_rows_of_an_older_one_takes_its_profile(
    home: Path, store: TableStore
) -> None:
    for number in (1, 2):
        with store.writer(KEY, run_id=f"r{number}") as writer:
            table = pa.table({"id": [1, 2]})
            writer.write(BatchStream(table.schema, iter(table.to_batches())))
            writer.publish({})
        made, is_new = make_profile(store, KEY, store.read(KEY), run_id=f"p{number}")
        assert (made.of.version, is_new) == (number, number == 1)
    assert read_profile(store, KEY, 2).columns == read_profile(store, KEY, 1).columns
