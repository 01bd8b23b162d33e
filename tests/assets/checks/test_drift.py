"""`drift:` in real runs: what a version is compared with, what stops what, and what is told."""

from datetime import timedelta

import dagster as dg
import pytest

from assets.checks.drift import check_drift
from resources.drift.declared import DeclaredDrift
from resources.kernel.errors import ConfigError, UnknownNameError
from resources.stores.tables import TableStore
from tests.project import materialize, project

PROJECT = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: order_file, connector: lake, path: orders.csv}
---
type: assets.Dataset
attributes:
  name: orders
  datasource: order_file
  drift: DRIFT
---
type: assets.SqlTransform
attributes: {name: totals, sql: select sum(amount) as total from orders}
---
type: assets.Datasource
attributes: {name: other_file, connector: lake, path: other.csv}
---
type: assets.Dataset
attributes: {name: other, datasource: other_file}
"""
ORDERS = ("datasets", "orders")
RUN = ("datasets/orders", "datasets/totals")


def rows(first: int, town: str = "Oslo", last_is_missing: int = 0) -> str:
    lines = [
        f"{n},{'' if n >= 400 - last_is_missing else first + n % 7},{town if n % 3 else 'Rome'}"
        for n in range(400)
    ]
    return "\n".join(["id,amount,town", *lines, ""])


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    (tmp_path / "lake").mkdir()
    return tmp_path


def land(home, text: str, name: str = "orders") -> None:
    (home / "lake" / f"{name}.csv").write_text(text)


def run(drift: str, *keys: str) -> dg.ExecuteInProcessResult:
    text = PROJECT.replace("DRIFT", drift)
    with project(text) as definitions, dg.DagsterInstance.ephemeral() as instance:
        return materialize(definitions, *(keys or RUN), instance=instance, raise_on_error=False)


def told(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    return next(c for c in result.get_asset_check_evaluations() if c.check_name == "drift")


def table_of(evaluation: dg.AssetCheckEvaluation) -> dict[str, dict[str, object]]:
    records = evaluation.metadata["columns"].records
    return {record.data["column"]: record.data for record in records}


def tables(home) -> TableStore:
    return TableStore.open(str(home / "store"))


def test_a_first_version_has_nothing_to_be_compared_with(home):
    land(home, rows(10))
    found = told(run("{}"))
    assert (found.passed, found.description) == (
        True,
        "There is no version before it to compare with",
    )


def test_a_version_whose_predecessors_are_not_kept_says_so(home):
    for first in (10, 30):
        land(home, rows(first))
        run("{}")
    store = tables(home)
    for _ in range(2):  # the first time announces what the second takes
        store.collect(ORDERS, keep=1, grace=timedelta(0))
    assert store.item(ORDERS).numbers() == [2]
    found = check_drift(store, ORDERS, DeclaredDrift())
    assert found.passed
    assert found.description.startswith("No version before version 2 is kept")


@pytest.mark.parametrize(("severity", "goes_on"), [("warn", True), ("error", False)])
def test_only_an_error_stops_what_depends_on_the_table(home, severity, goes_on):
    land(home, rows(10))
    run(f"{{severity: {severity}}}")
    land(home, rows(30, town="Łódź"))
    result = run(f"{{severity: {severity}}}")
    found = told(result)
    assert result.success == goes_on
    assert len(tables(home).item(("datasets", "totals")).numbers()) == 1 + goes_on
    assert (found.passed, found.severity.value) == (False, severity.upper())
    assert found.description.startswith(
        "2 of 3 columns have drifted from version 1: amount (Wasserstein distance 9.97 above 0.1)"
    )


def test_each_column_is_told_with_method_value_and_threshold(home):
    land(home, rows(10))
    run("{}")
    land(home, rows(10, town="Łódź", last_is_missing=60))
    found = told(run("{columns: {amount: {method: psi, threshold: 0.15}}}"))
    columns = table_of(found)
    assert list(columns) == ["town", "amount", "id"]
    assert columns["town"] | {"value": ""} == {
        "column": "town", "state": "drifted", "method": "jensen_shannon", "value": "", "threshold": "0.1",
        "missing points": "+0.00", "new": 1, "vanished": 1, "reason": "",
    }  # fmt: skip
    amount = columns["amount"]
    assert [amount[name] for name in ("state", "method", "threshold", "missing points")] == [
        "drifted", "psi", "0.15", "+15.00",
    ]  # fmt: skip
    assert "identifier" in columns["id"]["reason"]
    facts = {name: found.metadata[name].value for name in ("drifted columns", "compared columns")}
    assert facts == {"drifted columns": 2, "compared columns": 3}
    assert found.metadata["drifted share"].value == pytest.approx(0.6667)
    numbers = found.metadata["reference version"].value, found.metadata["dataset version"].value
    assert numbers == (1, 2)
    assert found.metadata["both distributions"].value.startswith("/data/-/assets/datasets/orders")


def test_what_is_ignored_or_within_the_share_passes(home):
    land(home, rows(10))
    run("{}")
    land(home, rows(30))
    assert not told(run("{}")).passed
    land(home, rows(50))
    assert told(run("{ignore: [amount]}")).passed
    land(home, rows(70))
    within = told(run("{share: 0.4}"))
    assert (within.passed, within.metadata["drifted columns"].value) == (True, 1)


def test_a_tag_is_the_reference_until_it_is_moved(home):
    land(home, rows(10))
    run("{}")
    tables(home).item(ORDERS).tagging.tag("train-2026-11", 1)
    for first in (30, 31):
        land(home, rows(first))
        found = told(run('{against: "tag:train-2026-11"}'))
    assert (found.passed, found.metadata["reference version"].value) == (False, 1)
    assert "from version 1 (train-2026-11)" in found.description
    tables(home).item(ORDERS).tagging.tag("train-2026-11", 3, move=True)
    assert told(run("{against: train-2026-11}")).passed


def test_another_dataset_may_be_the_reference(home):
    land(home, rows(10))
    land(home, rows(90), "other")
    found = told(run('{against: "dataset:other"}', "datasets/other", *RUN))
    assert not found.passed
    assert "version 1 of other" in found.description


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        ('{against: "tag:gone"}', "datasets/orders has no tag 'gone'. It has none"),
        ('{against: "version:7"}', "7"),
        ("{ignore: [amuont]}", "there is no column 'amuont'. Columns are id, amount, town"),
        ("{columns: {town: {method: ks}}}", "ks compares numbers, and it holds categories. Use"),
    ],
    ids=["tag", "version", "column", "method"],
)
def test_what_cannot_be_compared_fails_the_check_with_the_reason(home, drift, said):
    land(home, rows(10))
    run("{}")
    land(home, rows(11))
    result = run(drift)
    found = told(result)
    assert result.success
    assert not found.passed
    assert said in found.description


def test_few_rows_pass_and_are_said_to_be_few(home):
    land(home, "id,amount,town\n1,2,Oslo\n")
    run("{}")
    land(home, "id,amount,town\n1,200,Rome\n")
    found = told(run("{severity: error}"))
    assert found.passed
    assert found.description.startswith("Too few rows to tell drift from version 1: 100 values")


@pytest.mark.parametrize(
    ("drift", "error", "said"),
    [
        ('{against: "dataset:orders"}', ConfigError, "compared with itself"),
        ('{against: "branch:main"}', ConfigError, "'branch:main' is nothing that a version could"),
        ('{against: "dataset:unknown"}', UnknownNameError, "unknown"),
        ("{share: 1.5}", ConfigError, "share"),
        ("{columns: {amount: {threshold: 0}}}", ConfigError, "threshold"),
        ("{columns: {amount: {method: anova}}}", ConfigError, "method"),
        ("{severity: fatal}", ConfigError, "severity"),
    ],
    ids=["itself", "no-reference", "no-dataset", "share", "threshold", "method", "severity"],
)
def test_a_wrong_declaration_is_an_error_at_its_line(drift, error, said):
    with pytest.raises(error, match=said) as caught, project(PROJECT.replace("DRIFT", drift)):
        pass
    assert "defs.yaml" in str(caught.value)
