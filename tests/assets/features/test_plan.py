"""Which columns are learned from, and as what."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from assets.features.plan import FeaturePlan, PlanLimits, choose_columns, kind_of, plan_features
from resources.kernel.errors import InputError, IntegrityError, UnknownNameError

ROWS = 40
COLUMNS = {
    "integer": (pa.array([1, None, 3, 4] * 10), "number"),
    "decimal": (pa.array([Decimal("1.50"), None] * 20), "number"),
    "duration": (pa.array([dt.timedelta(seconds=s) for s in range(ROWS)]), "number"),
    "boolean": (pa.array([True, None, False, True] * 10), "boolean"),
    "date": (pa.array([dt.date(2024, 1, 1 + d % 28) for d in range(ROWS)]), "date"),
    "timestamp": (
        pa.array([dt.datetime(2024, 1, 1 + d % 28, tzinfo=dt.UTC) for d in range(ROWS)]),
        "timestamp",
    ),
    "time": (pa.array([dt.time(1, minute) for minute in range(ROWS)]), "time"),
    "repeating text": (pa.array(["a", "b", None, "c"] * 10), "category"),
    "dictionary": (pa.array(["a", "b", None, "c"] * 10).dictionary_encode(), "category"),
    "text view": (pa.array(["a", "b", None, "c"] * 10, pa.string_view()), "category"),
    "other text": (pa.array([f"N{number}" for number in range(ROWS)]), "text"),
}


@pytest.mark.parametrize(("values", "kind"), COLUMNS.values(), ids=COLUMNS.keys())
def test_a_column_is_learned_from_by_its_type(values, kind):
    plan = plan_features(pa.table({"c": values}), ["c"], where="model")
    assert [feature.kind for feature in plan.features] == [kind]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param(pa.nulls(ROWS, pa.int64()), "is empty in all rows", id="all null"),
        pytest.param(pa.nulls(ROWS), "is empty in all rows", id="null type"),
        pytest.param(pa.array(["x"] * ROWS), "one and the same value", id="constant"),
        pytest.param(pa.array([b"x", b"y"] * 20), "type binary", id="binary"),
        pytest.param(pa.array([[1], [2]] * 20), "list<item: int64>", id="list"),
    ],
)
def test_a_useless_column_is_left_out_with_its_reason(values, reason):
    table = pa.table({"c": values, "kept": range(ROWS)})
    plan = plan_features(table, ["c", "kept"], where="model")
    assert plan.columns == ["kept"]
    assert plan.left_out[0][0] == "c"
    assert reason in plan.left_out[0][1]


def test_no_column_left_names_each_with_its_reason():
    table = pa.table({"a": ["x"] * 5, "b": pa.nulls(5)})
    with pytest.raises(InputError, match=r"'a' has one and the same value.*'b' is empty"):
        plan_features(table, ["a", "b"], where="model 'm'")


def test_rare_values_share_a_code_and_frequent_ones_come_first():
    table = pa.table({"c": ["b"] * 5 + ["a"] * 3 + ["once"], "n": range(9)})
    plan = plan_features(table, ["c"], where="model")
    assert plan.features[0].categories == ("b", "a")
    assert plan.slots[0].codes == 3


def test_categories_are_bounded():
    table = pa.table({"c": [f"v{n % 30:02d}" for n in range(300)]})
    plan = plan_features(table, ["c"], limits=PlanLimits(max_categories=20), where="model")
    assert len(plan.features[0].categories) == 20


def test_an_identifier_is_pointed_out():
    plan = plan_features(pa.table({"id": [f"u{n}" for n in range(50)]}), ["id"], where="model")
    assert "identifier" in plan.warnings[0]
    assert "'id'" in plan.warnings[0]


def test_a_plan_survives_json():
    table = pa.table({name: values for name, (values, _) in COLUMNS.items()})
    plan = plan_features(table, table.column_names, where="model")
    assert FeaturePlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"features": [{"column": "a", "type": "t", "kind": "odd"}], "left_out": [], "warnings": []},
    ],
    ids=["empty", "unknown kind"],
)
def test_a_damaged_plan_is_refused(damaged):
    with pytest.raises(IntegrityError, match="damaged"):
        FeaturePlan.from_json(damaged)


def test_columns_are_chosen_in_the_order_of_the_table():
    schema = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("c", pa.int64())])
    assert choose_columns(schema, wanted=None, exclude=["b"], where="") == ["a", "c"]
    assert choose_columns(schema, wanted=["c", "a"], exclude=[], where="") == ["a", "c"]


@pytest.mark.parametrize(
    ("wanted", "exclude"), [(["d"], []), (None, ["d"])], ids=["wanted", "excluded"]
)
def test_an_unknown_column_is_refused_with_the_known_ones(wanted, exclude):
    schema = pa.schema([("a", pa.int64())])
    with pytest.raises(UnknownNameError, match=r"model 'm': unknown column 'd'\. Known: a"):
        choose_columns(schema, wanted=wanted, exclude=exclude, where="model 'm'")


def test_nested_types_cannot_be_learned_from():
    assert kind_of(pa.struct([("a", pa.int64())])) is None
