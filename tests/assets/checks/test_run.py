"""Checks in real runs: what stops what, what is told of failing rows, and what becomes of changed columns (E19 to E21)."""

import os
import sqlite3
from contextlib import closing

import dagster as dg
import pytest

from orchestration.services.runs.failures import error_text
from resources.kernel.errors import ConfigError
from resources.references import asset_specs
from resources.stores.tables import TableStore
from tests.project import materialize, project

PROJECT = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: order_file, connector: lake, path: orders.csv}
"""
DATASET = """
---
type: assets.Dataset
attributes:
  name: orders
  datasource: order_file
"""
CHECKED = """
  checks:
    - expect_column_values_to_be_between: {column: amount, max_value: 10, severity: SEVERITY}
    - expect_column_max_to_be_between: {column: amount, max_value: 100}
---
type: assets.SqlTransform
attributes:
  name: totals
  sql: select sum(amount) as total from orders
  checks: [{expect_column_values_to_be_between: {column: total, min_value: 100, severity: warn}}]
"""
AMOUNT = "expect_column_values_to_be_between_amount"
ORDERS = ("datasets", "orders")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    (tmp_path / "lake").mkdir()
    land(tmp_path, "id,amount\n1,2.5\n2,10.25\n3,\n4,99\n")
    return tmp_path


def land(home, text: str) -> None:
    (home / "lake" / "orders.csv").write_text(text)


def run(yaml: str, *keys: str) -> dg.ExecuteInProcessResult:
    with project(yaml) as definitions, dg.DagsterInstance.ephemeral() as instance:
        return materialize(definitions, *keys, instance=instance, raise_on_error=False)


def checked(severity: str) -> str:
    return PROJECT + DATASET.rstrip("\n") + CHECKED.replace("SEVERITY", severity)


def found(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


@pytest.mark.parametrize(("severity", "goes_on"), [("error", False), ("warn", True)])
def test_only_an_error_stops_what_depends_on_the_table(home, severity, goes_on):
    result = run(checked(severity), "datasets/orders", "datasets/totals")
    assert result.success == goes_on
    made = TableStore.open(str(home / "store")).item(("datasets", "totals")).versions()
    assert len(made) == goes_on
    failed = [error_text(event) for event in result.all_events if event.is_step_failure]
    stopped = (
        "1 blocking asset check failed with ERROR severity: datasets/orders: expect_column_values_to_be_between_amount."
        " `waybill dataset checks NAME` and its page show the rows that fail"
    )
    assert failed == ([] if goes_on else [stopped])
    evaluation = found(result)[AMOUNT]
    assert (evaluation.passed, evaluation.severity.value) == (False, severity.upper())


def test_failing_rows_are_told_by_number_and_value_and_figures_as_observed(home):
    told = found(run(checked("warn"), "datasets/orders", "datasets/totals"))
    metadata = told[AMOUNT].metadata
    rows = [record.data for record in metadata["failing examples"].records]
    assert rows == [{"row": 2, "value": "10.25"}, {"row": 4, "value": "99.0"}]
    assert metadata["observed"].value == "2 of 4 fail"
    assert metadata["judged by"].value.startswith("Waybill")
    largest = told["expect_column_max_to_be_between_amount"]
    assert (largest.passed, largest.metadata["observed"].value) == (True, "99.0")
    assert told["expect_column_values_to_be_between_total"].passed  # of the transform


@pytest.mark.parametrize("declared", ["key: id", "key: [id, note]", "profile: 'off'"])
def test_failing_rows_are_told_by_their_key(home, declared):
    """By the declared one; by the profile's identifier; by number alone where there is neither."""
    land(home, "id,amount,note\n" + "".join(f"{n},{n % 50},n{n // 3}\n" for n in range(100, 200)))
    check = "  checks: [{expect_column_values_to_be_between: {column: amount, max_value: 47, severity: warn}}]"
    told = found(run(PROJECT + DATASET + f"  {declared}\n{check}", "datasets/orders"))
    metadata = told[AMOUNT].metadata
    rows = [record.data for record in metadata["failing examples"].records]
    assert [(row["row"], row["value"]) for row in rows] == [
        (49, "48"),
        (50, "49"),
        (99, "48"),
        (100, "49"),
    ]
    keys = {
        "key: id": ["id=148", "id=149", "id=198", "id=199"],
        "key: [id, note]": ["id=148, note=n49", "id=149, note=n49", "id=198, note=n66", "id=199, note=n66"],
        "profile: 'off'": [None] * 4,
    }  # fmt: skip
    assert [row.get("key") for row in rows] == keys[declared]
    kept = metadata["result"].value.get("row_keys", [])
    assert [key["id"] for key in kept] == ([] if "off" in declared else [148, 149, 198, 199])


def test_without_a_declared_key_rows_are_told_by_the_identifier_of_the_profile(home):
    land(home, "id,amount\n" + "".join(f"{n},{n % 50}\n" for n in range(100, 200)))
    check = "  checks: [{expect_column_values_to_be_between: {column: amount, max_value: 48, severity: warn}}]"
    told = found(run(PROJECT + DATASET + check, "datasets/orders"))
    rows = told[AMOUNT].metadata["failing examples"].records
    assert [record.data["key"] for record in rows] == ["id=149", "id=199"]


def test_rows_are_those_that_fail_also_where_a_condition_leaves_some_out(home):
    """Great Expectations judges it, over the rows of the condition alone: their places are not those of the table."""
    land(home, "id,amount\n1,1\n2,1\n3,99\n4,2\n5,98\n")
    check = (
        "  key: id\n  checks: [{expect_column_values_to_be_between: {column: amount, max_value: 10,"
        " row_condition: {type: comparison, column: {name: id}, operator: '>', parameter: 2}, severity: warn}}]"
    )
    metadata = found(run(PROJECT + DATASET + check, "datasets/orders"))[AMOUNT].metadata
    assert metadata["judged by"].value == "Great Expectations"
    rows = [record.data for record in metadata["failing examples"].records]
    assert rows == [
        {"key": "id=3", "row": 3, "value": "99"},
        {"key": "id=5", "row": 5, "value": "98"},
    ]


def test_a_value_of_megabytes_is_not_kept_with_the_run(home):
    land(home, f"id,amount\n1,{'x' * 3_000_000}\n")
    check = "  checks: [{expect_column_value_lengths_to_equal: {column: amount, value: 1, severity: warn}}]"
    told = found(run(PROJECT + DATASET + check, "datasets/orders"))
    metadata = told["expect_column_value_lengths_to_equal_amount"].metadata
    assert len(str(metadata["result"].value)) < 2000
    assert metadata["failing examples"].records[0].data["value"].endswith("(2,999,800 more)")


def twice(home, policy: str, second: str) -> tuple[dg.ExecuteInProcessResult, TableStore]:
    """Rows, then others; what the second run did, and the store."""
    land(home, "id,amount,note\n1,2,a\n2,3,b\n")
    yaml = PROJECT + DATASET + (f"  on_schema_change: {policy}\n" if policy else "")
    run(yaml, "datasets/orders")
    land(home, second)
    return run(yaml, "datasets/orders"), TableStore.open(str(home / "store"))


CHANGED = "id,amount,extra\n1,x,\n2,3,\n3,4,\n"


def test_a_change_is_published_and_told_unless_something_else_is_declared(home):
    result, store = twice(home, "", CHANGED)
    assert found(result)["schema"].passed
    told = found(result)["schema"].metadata
    assert told["added"].value == ["extra"]
    assert told["removed"].value == ["note"]
    assert told["retyped"].value == [["amount", "int64", "string"]]
    assert store.read(ORDERS).to_table(["amount"])["amount"].to_pylist() == ["x", "3", "4"]


def test_a_warning_is_a_failed_check_that_stops_nothing_and_stays(home):
    result, store = twice(home, "warn", CHANGED)
    assert result.success
    failed = found(result)["schema"]
    assert (failed.passed, failed.severity.value) == (False, "WARN")
    assert failed.description == (
        "column 'note' is gone, column 'amount' was int64 and is string now, column 'extra' is new"
    )
    assert store.read(ORDERS).version.number == 2
    again = run(PROJECT + DATASET + "  on_schema_change: warn\n", "datasets/orders")
    assert not found(again)["schema"].passed  # of the same version


def test_a_change_that_has_to_fail_is_not_published_and_each_column_is_named(home):
    result, store = twice(home, "fail", CHANGED)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    told = failure.step_failure_data.user_failure_data.description
    for part in ("'note' is gone", "'amount' was int64", "'extra' is new", "kept version 1"):
        assert part in told
    assert [version.number for version in store.item(ORDERS).versions()] == [1]
    assert store.read(ORDERS).rows == 2


@pytest.mark.parametrize("policy", ["warn", "fail"])
def test_a_column_without_a_value_has_not_changed_its_type(home, policy):
    result, _ = twice(home, policy, "note,id,amount\n,7,\n,8,\n")
    assert result.success
    assert found(result)["schema"].passed


EXPORTED = """
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.Exporter
attributes: {name: push, dataset: orders, connector: warehouse, table: delivered, mode: overwrite}
"""


@pytest.mark.parametrize(("severity", "goes_on"), [("error", False), ("warn", True)])
def test_only_an_error_keeps_rows_from_being_delivered(home, severity, goes_on):
    yaml = checked(severity) + EXPORTED
    result = run(yaml, "datasets/orders", "datasets/totals", "exports/push")
    assert result.success == goes_on
    target = home / "warehouse.sqlite"
    with closing(sqlite3.connect(target)) as database:
        tables = {name for (name,) in database.execute("select name from sqlite_master")}
        assert ("delivered" in tables) == goes_on
        if goes_on:
            assert database.execute("select count(*) from delivered").fetchone() == (4,)


TRANSFORM = """
---
type: assets.SqlTransform
attributes:
  name: copied
  sql: SELECT
  on_schema_change: POLICY
"""


def copied_twice(policy: str, second: str) -> tuple[dg.ExecuteInProcessResult, list[int]]:
    """A transform, then with another SQL; what the second run did, and which versions there are."""
    yaml = PROJECT + DATASET + TRANSFORM.replace("POLICY", policy)
    run(
        yaml.replace("SELECT", "select id, amount from orders"),
        "datasets/orders",
        "datasets/copied",
    )
    result = run(yaml.replace("SELECT", second), "datasets/copied")
    store = TableStore.open(os.environ["WAYBILL_HOME"] + "/store")
    return result, [one.number for one in store.item(("datasets", "copied")).versions()]


@pytest.mark.parametrize("policy", ["accept", "warn", "fail"])
def test_the_columns_of_a_transform_change_by_its_sql(home, policy):
    result, versions = copied_twice(policy, "select id, 1 as more from orders")
    assert (result.success, versions) == (policy != "fail", [1] if policy == "fail" else [1, 2])
    if policy == "fail":
        (failure,) = [event for event in result.all_events if event.is_step_failure]
        told = failure.step_failure_data.user_failure_data.description
        assert "dataset copied: its columns would change: column 'amount' is gone" in told
        return
    schema = found(result)["schema"]
    assert schema.passed == (policy == "accept")
    assert (schema.metadata["removed"].value, schema.metadata["added"].value) == (
        ["amount"],
        ["more"],
    )


@pytest.mark.parametrize("policy", ["warn", "fail"])
def test_the_same_columns_in_another_order_are_no_change_of_a_transform(home, policy):
    result, versions = copied_twice(policy, "select amount, id from orders order by id desc")
    assert (found(result)["schema"].passed, versions) == (True, [1, 2])


@pytest.mark.parametrize(
    ("key", "told"), [("[id, id]", "names 'id' twice"), ("['']", "names a column without a name")]
)
def test_a_key_that_cannot_be_one_is_refused_at_its_line(key, told):
    text = PROJECT + DATASET + f"  key: {key}\n"
    with pytest.raises(ConfigError, match=told) as caught, project(text):
        pass
    assert f"defs.yaml:{len(text.splitlines())}: " in str(caught.value)


@pytest.mark.parametrize(("given", "key"), [("id", ["id"]), ("[a, 'b, c']", ["a", "b, c"])])
def test_a_key_is_one_column_or_several(given, key):
    with project(PROJECT + DATASET + f"  key: {given}\n") as definitions:
        (spec,) = [s for s in asset_specs(definitions) if s.key.path == ["datasets", "orders"]]
    assert spec.metadata["waybill/key"] == key
