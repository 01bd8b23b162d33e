"""The whole road in one small project: a bucket and a table in, a transform, a check, two exports out.

What is asserted are effects: rows at the target, versions in the store, events in Dagster's log.
"""

import gzip
import re
import sqlite3

import dagster as dg
import pytest

from resources.stores.tables import TableStore
from tests.project import materialize, project

PROJECT = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.Datasource
attributes: {name: order_files, connector: lake, path: 'orders/*.csv.gz'}
---
type: assets.Datasource
attributes: {name: customer_table, connector: warehouse, query: 'select id as customer, name from customers'}
---
type: assets.Dataset
attributes:
  name: orders
  datasource: order_files
  checks:
    - expect_column_values_to_be_unique: {column: order_id}
---
type: assets.Dataset
attributes: {name: customers, datasource: customer_table}
---
type: assets.SqlTransform
attributes:
  name: totals
  sql: select c.name, sum(o.amount) as total, count(*) as orders
    from orders o join customers c using (customer) group by c.name order by c.name
---
type: assets.Exporter
attributes: {name: totals_out, dataset: totals, connector: warehouse, table: totals}
---
type: assets.Exporter
attributes:
  {name: totals_history, dataset: totals, connector: warehouse, table: totals_of, mode: timestamp, keep_tables: 2}
"""
PYTHON = """
import dagster as dg
import pandas as pd

@dg.asset(key_prefix="datasets", ins={"totals": dg.AssetIn(key_prefix="datasets")})
def big_totals(totals: pd.DataFrame) -> pd.DataFrame:
    return totals[totals["total"] > 5]
"""
ROAD = ["datasets/orders", "datasets/customers", "datasets/totals", "exports/totals_out"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    land(tmp_path, "a", "order_id,customer,amount\n1,1,2.50\n2,2,10.25\n")
    with sqlite3.connect(tmp_path / "warehouse.sqlite") as database:
        database.execute("create table customers (id integer primary key, name text not null)")
        database.executemany("insert into customers values (?, ?)", [(1, "Ada"), (2, "Zoë")])
    database.close()
    return tmp_path


def land(home, name: str, text: str) -> None:
    folder = home / "lake" / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))


@pytest.fixture
def definitions(home):
    with project(PROJECT, python=PYTHON) as loaded:
        yield loaded


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def rows(home, query: str) -> list[tuple]:
    database = sqlite3.connect(home / "warehouse.sqlite")
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event, *_) = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data.user_failure_data.description


def test_rows_arrive_at_the_target_and_lineage_tells_how(definitions, instance, home):
    materialize(definitions, *ROAD, instance=instance)
    assert rows(home, "select * from totals") == [("Ada", 2.5, 1), ("Zoë", 10.25, 1)]
    event = instance.get_latest_materialization_event(dg.AssetKey(["datasets", "totals"]))
    metadata = event.asset_materialization.metadata
    lineage = metadata["dagster/column_lineage"].value.deps_by_column
    assert [(dep.asset_key.path[-1], dep.column_name) for dep in lineage["total"]] == [
        ("orders", "amount")
    ]
    assert metadata["dagster/row_count"].value == 2
    assert event.asset_materialization.tags["dagster/data_version"] == "1"


def test_an_export_says_how_long_it_took_as_people_read_it(definitions, instance):
    materialize(definitions, *ROAD, instance=instance)
    event = instance.get_latest_materialization_event(dg.AssetKey(["exports", "totals_out"]))
    metadata = event.asset_materialization.metadata
    assert len(str(metadata["seconds"].value)) <= 6  # not 5.319084639000721


def test_a_second_export_replaces_the_rows_and_a_new_run_reads_what_changed(
    definitions, instance, home
):
    materialize(definitions, *ROAD, instance=instance)
    land(home, "b", "order_id,customer,amount\n3,1,100.00\n")
    materialize(definitions, *ROAD, instance=instance)
    assert rows(home, "select * from totals") == [("Ada", 102.5, 2), ("Zoë", 10.25, 1)]
    versions = TableStore.open(str(home / "store")).item(("datasets", "orders")).versions()
    assert [(version.number, version.rows) for version in versions] == [(1, 2), (2, 3)]


def test_timestamped_exports_are_new_tables_and_the_oldest_go(definitions, instance, home):
    materialize(definitions, *ROAD[:3], instance=instance)
    for _ in range(3):
        materialize(definitions, "exports/totals_history", instance=instance)
    names = [
        name
        for (name,) in rows(home, "select name from sqlite_master where type = 'table'")
        if name.startswith("totals_of_2")
    ]
    assert len(names) == 2
    assert all(rows(home, f'select count(*) from "{name}"') == [(2,)] for name in names)


def test_a_python_transform_gets_what_it_annotates_and_its_result_is_kept(
    definitions, instance, home
):
    materialize(definitions, *ROAD[:3], "datasets/big_totals", instance=instance)
    kept = TableStore.open(str(home / "store")).read(("datasets", "big_totals"))
    assert kept.to_table().to_pylist() == [{"name": "Zoë", "total": 10.25, "orders": 1}]


def test_a_failed_check_stops_what_depends_on_it(definitions, instance, home):
    land(home, "b", "order_id,customer,amount\n2,1,100.00\n")
    job = dg.define_asset_job(
        "road", selection=dg.AssetSelection.assets(*map(dg.AssetKey.from_user_string, ROAD))
    )
    with_job = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
    result = with_job.resolve_job_def("road").execute_in_process(
        instance=instance, raise_on_error=False
    )
    assert not result.success
    failed = [one.check_name for one in result.get_asset_check_evaluations() if not one.passed]
    assert failed == ["expect_column_values_to_be_unique_order_id"]
    assert rows(home, "select name from sqlite_master where name = 'totals'") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("order_id,customer,amount\n3,1\n", r"orders/b.csv.gz, line 2"),
        ('order_id,customer,amount\n3,1,"x\n', r"orders/b.csv.gz, line 2"),
        ("order_id,customer\n3,1\n", r"orders/b.csv.gz.*amount"),
        ("", r"File orders/b.csv.gz is empty"),
        ("order_id,order_id,amount\n3,1,2\n", r"orders/b.csv.gz.*'order_id' at positions"),
    ],
    ids=["ragged", "open quote", "other header", "empty", "twins"],
)
def test_a_bad_file_fails_the_import_by_name_and_keeps_the_old_version(
    definitions, instance, home, text, message
):
    materialize(definitions, "datasets/orders", instance=instance)
    land(home, "b", text)
    result = materialize(definitions, "datasets/orders", instance=instance, raise_on_error=False)
    assert not result.success
    assert re.search(message, failure(result)), failure(result)
    store = TableStore.open(str(home / "store"))
    assert [version.number for version in store.item(("datasets", "orders")).versions()] == [1]


def test_an_error_that_no_retry_helps_is_tried_once(definitions, instance, home):
    land(home, "b", "order_id,customer,amount\n3,1\n")
    result = materialize(definitions, "datasets/orders", instance=instance, raise_on_error=False)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def test_a_target_of_another_schema_is_refused_and_left_alone(definitions, instance, home):
    database = sqlite3.connect(home / "warehouse.sqlite")
    database.execute("create table totals (name text, total text, extra integer not null)")
    database.execute("insert into totals values ('kept', 'kept', 1)")
    database.commit()
    database.close()
    result = materialize(definitions, *ROAD, instance=instance, raise_on_error=False)
    assert "extra" in failure(result)
    assert rows(home, "select * from totals") == [("kept", "kept", 1)]


def test_an_exporter_of_a_dataset_without_versions_says_what_to_do(definitions, instance):
    result = materialize(definitions, "exports/totals_out", instance=instance, raise_on_error=False)
    assert failure(result) == (
        "exporter totals_out: dataset totals has no version yet. Materialize it first"
    )


def test_the_same_logical_run_delivers_once(definitions, instance, home):
    materialize(definitions, *ROAD[:3], instance=instance)
    first = materialize(definitions, "exports/totals_out", instance=instance)
    database = sqlite3.connect(home / "warehouse.sqlite")
    database.execute("delete from totals")
    database.commit()
    database.close()
    retry = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(["exports", "totals_out"])],
        tags={
            "dagster/root_run_id": first.run_id,
            "dagster/parent_run_id": first.run_id,
            "dagster/retry_number": "1",
        },
    )
    (event,) = [event for event in retry.all_events if event.is_step_materialization]
    assert "repeated" in event.materialization.metadata
    assert rows(home, "select count(*) from totals") == [(0,)]


def test_a_retry_of_a_re_execution_is_that_re_execution(definitions, instance, home):
    """Run B does A's work anew and fails; C tries B again: it is B's export, not A's, which was delivered."""
    materialize(definitions, *ROAD, instance=instance)
    first = materialize(definitions, "exports/totals_out", instance=instance)
    land(home, "b", "order_id,customer,amount\n3,1,100.00\n")
    materialize(definitions, *ROAD[:3], instance=instance)
    job = definitions.resolve_implicit_global_asset_job_def()
    family = {"dagster/root_run_id": first.run_id}
    anew = instance.create_run_for_job(
        job,
        status=dg.DagsterRunStatus.FAILURE,
        tags=family | {"dagster/parent_run_id": first.run_id},
    )
    job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(["exports", "totals_out"])],
        tags=family | {"dagster/parent_run_id": anew.run_id, "dagster/is_resume_retry": "true"},
    )
    assert rows(home, "select * from totals") == [("Ada", 102.5, 2), ("Zoë", 10.25, 1)]
    assert (anew.run_id,) in rows(home, "select run_id from _exports")
