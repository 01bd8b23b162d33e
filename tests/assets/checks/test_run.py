"""Checks in real runs: what stops what, what is told of failing rows, and what becomes of changed columns (E19 to E21)."""

import dagster as dg
import pytest

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
