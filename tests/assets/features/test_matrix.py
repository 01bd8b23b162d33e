"""Arrow batches as numbers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from assets.features.matrix import MatrixBuilder, fit_text_encoders
from assets.features.plan import plan_features

NAN = float("nan")


def build(table: pa.Table, **changed: pa.Array) -> np.ndarray:
    """The matrix of a table by its own plan, with some columns replaced after planning."""
    plan = plan_features(table, table.column_names, where="test")
    builder = MatrixBuilder(plan, fit_text_encoders(table, plan, seed=1))
    for name, values in changed.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return builder.build_table(table)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(pa.array([1, None, 3]), [1, NAN, 3], id="integers"),
        pytest.param(pa.array([2**63 + 1, 1, 2], pa.uint64()), [2.0**63, 1, 2], id="beyond 64 bits"),
        pytest.param(pa.array([1.5, NAN, None]), [1.5, NAN, NAN], id="floats"),
        pytest.param(pa.array([1.5, float("inf"), 1e200]), [1.5, NAN, NAN], id="infinite"),
        pytest.param(pa.array([True, None, False]), [1, NAN, 0], id="booleans"),
        pytest.param(pa.array([dt.timedelta(seconds=1.5), None, dt.timedelta(0)]), [1.5, NAN, 0], id="durations"),
        pytest.param(pa.array([dt.time(0, 1), None, dt.time(1)]), [60, NAN, 3600], id="times"),
    ],
)  # fmt: skip
def test_numbers(values, expected):
    np.testing.assert_array_equal(build(pa.table({"c": values}))[:, 0], expected)


def test_infinite_values_are_counted():
    table = pa.table({"c": [1.0, float("-inf"), float("inf")]})
    builder = MatrixBuilder(plan_features(table, ["c"], where="test"), {})
    builder.build_table(table)
    assert builder.warnings() == [
        "2 values of 'c' that are infinite or beyond 1e+30 count as missing"
    ]


def test_dates_become_their_parts():
    days = pa.array([dt.date(2024, 3, 1), None, dt.date(9999, 12, 31)])
    matrix = build(pa.table({"c": days}))
    np.testing.assert_array_equal(matrix[0], [2024, 3, 1, 4, 61])
    assert np.isnan(matrix[1]).all()
    assert matrix[2, 0] == 9999


def test_a_timestamp_with_a_zone_is_taken_in_utc():
    zoned = pa.array([0, 3_600_000_000], pa.timestamp("us", "Asia/Tokyo"))
    assert build(pa.table({"c": zoned}))[:, 5].tolist() == [0, 1]


def test_unknown_categories_share_the_last_code_and_null_is_missing():
    table = pa.table({"c": ["a", "a", "b", "b", None]})
    codes = build(table, c=pa.array(["b", "new", None, "a", ""]))[:, 0]
    np.testing.assert_array_equal(codes, [1, 2, NAN, 0, 2])


def test_texts_are_encoded_alike_in_any_batch():
    table = pa.table({"c": [f"text {number}" for number in range(100)] + [None]})
    plan = plan_features(table, ["c"], where="test")
    builder = MatrixBuilder(plan, fit_text_encoders(table, plan, seed=1))
    whole = builder.build_table(table)
    pieces = [builder.build(batch) for batch in table.to_batches(max_chunksize=7)]
    np.testing.assert_array_equal(np.vstack(pieces), whole)
    assert np.isnan(whole[-1]).all()
    assert not np.isnan(whole[:-1]).any()


@pytest.mark.parametrize("texts", [["", "", "x1"], ["only", None, None]], ids=["blank", "single"])
def test_texts_with_hardly_any_content_give_numbers(texts):
    table = (
        pa.table({"c": [*texts, *(f"u{n}" for n in range(3))]})
        if "" in texts
        else pa.table({"c": texts})
    )
    assert np.isfinite(build(table)[0]).all()


def test_an_endless_text_costs_no_more_than_a_long_one():
    table = pa.table({"c": ["a" * 5_000_000, "b", "c"]})
    assert build(table).shape == (3, 8)


def test_a_column_that_lost_its_type_is_missing():
    table = pa.table({"n": [1, 2], "d": [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]})
    matrix = build(table, n=pa.nulls(2), d=pa.nulls(2))
    assert np.isnan(matrix).all()


def test_hostile_column_names_reach_nobody():
    table = pa.table({'a"; drop': [1, 2], "a$^{x": ["p", "q"], "": [0.5, 1.5]})
    assert build(table).shape[0] == 2
