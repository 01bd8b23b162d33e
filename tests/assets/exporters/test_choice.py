"""What a run of an exporter delivers, and what Dagster's record says of it afterwards."""

import sqlite3

import dagster as dg
import pytest

from assets.exporters.choice import choice_config
from tests.project import materialize, project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.Datasource
attributes: {name: orders, connector: lake, path: orders.csv}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders}
---
type: assets.SqlTransform
attributes: {name: big_orders, sql: select * from orders where amount > 5}
---
type: assets.Exporter
attributes: {name: orders_out, dataset: orders, connector: warehouse, table: orders}
"""
EXPORT, ORDERS, BIG = (
    dg.AssetKey(["exports", "orders_out"]),
    dg.AssetKey(["datasets", "orders"]),
    dg.AssetKey(["datasets", "big_orders"]),
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "orders.csv").write_text("id,amount\n1,2.5\n2,10.25\n")
    return tmp_path


@pytest.fixture(scope="module")
def definitions():
    with project(YAML) as loaded:
        yield loaded


@pytest.fixture
def instance(home, definitions):
    with dg.DagsterInstance.ephemeral() as ephemeral:
        materialize(definitions, "datasets/orders", "datasets/big_orders", instance=ephemeral)
        yield ephemeral


@pytest.fixture
def export(definitions, instance):
    def run(**choice):
        job = definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=instance,
            asset_selection=[EXPORT],
            run_config=choice_config("orders_out", **choice),
            raise_on_error=False,
        )

    return run


def rows(home, query):
    database = sqlite3.connect(home / "warehouse.sqlite")
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def observed(instance, key):
    return [
        {name: value.value for name, value in record.asset_observation.metadata.items()}
        for record in instance.fetch_observations(key, limit=10).records
    ]


def test_another_dataset_lands_once_and_the_record_names_it(export, instance, home):
    """F019: the ledger and the events say what went out, and nobody takes the declared dataset for delivered."""
    result = export(dataset="big_orders")
    assert result.success
    assert rows(home, "select id, amount from orders") == [(2, 10.25)]
    ((source, run_id),) = rows(home, "select source, run_id from _exports")
    assert (source, run_id) == ("dataset big_orders, version 1", result.run_id)
    for key in (EXPORT, BIG):
        (facts,) = observed(instance, key)
        assert (facts["exporter"], facts["source"], facts["source version"]) == (
            "orders_out",
            "dataset big_orders",
            1,
        )
        assert (facts["dagster/row_count"], facts["table"]) == (1, "orders")
    assert instance.get_latest_materialization_event(EXPORT) is None
    assert observed(instance, ORDERS) == []


def test_an_older_version_is_an_observation_and_the_newest_a_materialization(
    export, instance, home, definitions
):
    (home / "lake" / "orders.csv").write_text("id,amount\n3,7.5\n")
    materialize(definitions, "datasets/orders", instance=instance)
    assert export(version=1).success
    assert rows(home, "select id from orders order by id") == [(1,), (2,)]
    assert instance.get_latest_materialization_event(EXPORT) is None
    assert observed(instance, ORDERS)[0]["source version"] == 1
    assert export(version=2, dataset="orders").success
    assert rows(home, "select id from orders") == [(3,)]
    event = instance.get_latest_materialization_event(EXPORT).asset_materialization
    assert event.metadata["source version"].value == 2
    assert event.tags["dagster/input_data_version/datasets/orders"] == "2"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"dataset": "nothing"}, "dataset nothing has no version yet"),
        ({"dataset": "../orders"}, "cannot be part of a key"),
        ({"dataset": "x/../../y"}, "cannot be part of a key"),
        ({"version": 9}, "9"),
        ({"version": -1}, "-1"),
    ],
    ids=str,
)
def test_what_is_not_there_is_refused_and_nothing_is_written(export, home, choice, said):
    result = export(**choice)
    (failed,) = (e for e in result.all_events if e.is_step_failure)
    assert said in failed.step_failure_data.user_failure_data.description
    assert not (home / "warehouse.sqlite").exists()


def test_nothing_chosen_is_no_config():
    assert choice_config("orders_out") == {}
