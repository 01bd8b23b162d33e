"""Predictions: in order, in batches, and only over tables that fit."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from assets.models import predict
from assets.models.predict import check_features, predict_table, probability_columns
from resources.kernel.errors import ConfigError, SchemaMismatchError, UnknownNameError
from tests.assets.memory_table import MemoryTable, collect, mixed_table
from tests.assets.models.conftest import reload, train_on_mixed

WHERE = "prediction 'guess'"


def ask(model, table, keep=("id",), batch_rows=64) -> pa.Table:
    return collect(
        predict_table(reload(model), MemoryTable(table, batch_rows), keep=keep, where=WHERE)
    )


def test_numbers_are_predicted_in_the_order_of_the_rows(boosted_prices):
    table = mixed_table(300, seed=9)
    found = ask(boosted_prices, table)
    assert found.schema == pa.schema([("id", pa.int64()), ("prediction", pa.float64())])
    assert found.column("id").to_pylist() == list(range(300))
    actual = table.column("price").to_numpy(zero_copy_only=False)
    known = ~np.isnan(actual)
    answers = found.column("prediction").to_numpy()
    assert np.corrcoef(answers[known], actual[known])[0, 1] > 0.8


@pytest.mark.parametrize("batch_rows", [1, 7, 90])
def test_the_size_of_batches_changes_nothing(batch_rows, linear_prices, monkeypatch):
    monkeypatch.setattr(predict, "BATCH_ROWS", 50)
    table = mixed_table(90, seed=9)
    whole, pieces = (
        ask(linear_prices, table, batch_rows=1000),
        ask(linear_prices, table, batch_rows=batch_rows),
    )
    np.testing.assert_allclose(whole.column("prediction"), pieces.column("prediction"), rtol=1e-12)


def test_classes_are_predicted_with_their_probabilities(forest_levels):
    found = ask(forest_levels, mixed_table(100, seed=2))
    assert found.column_names == [
        "id",
        "prediction",
        "probability_0",
        "probability_1",
        "probability_2",
    ]
    assert found.schema.field("prediction").type == pa.int64()
    shares = np.column_stack([found.column(name) for name in found.column_names[2:]])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_array_equal(shares.argmax(axis=1), found.column("prediction"))


def test_booleans_come_back_as_booleans():
    found = ask(train_on_mixed("dear", "linear"), mixed_table(50))
    assert found.schema.field("prediction").type == pa.bool_()
    assert found.column_names[-2:] == ["probability_false", "probability_true"]


def test_all_columns_are_kept_unless_some_are_named(linear_prices):
    table = mixed_table(20)
    assert ask(linear_prices, table, keep=None).column_names == [*table.column_names, "prediction"]
    assert ask(linear_prices, table, keep=["city", "id"]).column_names == [
        "city",
        "id",
        "prediction",
    ]
    assert ask(linear_prices, table, keep=[]).column_names == ["prediction"]


@pytest.mark.parametrize("name", ["boosted_prices", "forest_levels", "linear_prices"])
def test_unseen_and_missing_values_are_answered(name, request):
    model = request.getfixturevalue(name)
    strange = pa.table(
        {
            "id": [1, 2, 3],
            "size": pa.array([None, float("inf"), 1e308]),
            "city": ["Atlantis", None, ""],
            "note": [None, "", "x" * 100_000],
            "new": pa.array([None, True, None]),
            "sold": pa.array([None, dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
            "noise": pa.array([float("nan"), -1e9, None]),
        }
    )
    found = ask(model, strange)
    assert found.num_rows == 3
    assert found.column("prediction").null_count == 0


def test_infinite_values_are_told(linear_prices):
    table = mixed_table(3).set_column(1, "size", pa.array([float("inf"), 1.0, 2.0]))
    stream = predict_table(reload(linear_prices), MemoryTable(table), keep=[], where=WHERE)
    collect(stream)
    assert stream.warnings == [
        "1 values of 'size' that are infinite or beyond 1e+30 count as missing"
    ]


def test_no_rows_give_no_predictions(linear_prices):
    found = ask(linear_prices, mixed_table(10).slice(0, 0))
    assert (found.num_rows, found.column_names) == (0, ["id", "prediction"])


def test_a_table_that_does_not_fit_is_refused_before_a_row_is_read(linear_prices):
    table = mixed_table(10).drop_columns(["size"]).set_column(1, "city", pa.array(range(10)))
    source = MemoryTable(table)
    with pytest.raises(
        SchemaMismatchError, match="'size' is missing; 'city' is int64, was string"
    ) as caught:
        predict_table(reload(linear_prices), source, keep=None, where=WHERE)
    assert WHERE in str(caught.value)
    assert source.columns_read == []


def test_many_misfits_fit_into_one_message(linear_prices):
    with pytest.raises(SchemaMismatchError) as caught:
        check_features(linear_prices.card, pa.schema([("a", pa.int64())]), where=WHERE)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize(
    ("column", "kind"),
    [("size", pa.float32()), ("size", pa.decimal128(20, 10)), ("city", pa.large_string()), ("city", pa.dictionary(pa.int32(), pa.string())), ("sold", pa.date64())],
    ids=str,
)  # fmt: skip
def test_another_type_of_the_same_kind_fits(column, kind, linear_prices):
    table = mixed_table(50)
    if pa.types.is_decimal(kind):
        table = table.set_column(1, "size", pa.array([100.0] * 50))
    place = table.column_names.index(column)
    changed = table.set_column(place, column, table.column(column).cast(kind))
    np.testing.assert_allclose(
        ask(linear_prices, changed).column("prediction"),
        ask(linear_prices, table).column("prediction"),
        rtol=1e-5,
    )


def test_a_column_without_any_value_counts_as_missing(linear_prices):
    table = mixed_table(10).set_column(2, "city", pa.nulls(10))
    assert ask(linear_prices, table).num_rows == 10


@pytest.mark.parametrize("name", ["prediction", "Prediction", "PROBABILITY_0"])
def test_a_kept_column_must_not_have_a_predicted_name(name, forest_levels):
    table = mixed_table(10).append_column(name, pa.array(range(10)))
    with pytest.raises(ConfigError, match=f"column '{name}' has the name of a predicted column"):
        ask(forest_levels, table, keep=None)
    assert ask(forest_levels, table, keep=["id"]).num_rows == 10


def test_an_unknown_column_to_keep_is_refused(linear_prices):
    with pytest.raises(UnknownNameError, match="'ids'"):
        ask(linear_prices, mixed_table(10), keep=["ids"])


def test_class_names_become_column_names(forest_levels):
    card = replace(forest_levels.card, classes=("New York", "new-york", "!!", "x" * 99))
    assert list(probability_columns(card).values()) == [
        "probability_new_york",
        "probability_new_york_2",
        "probability_class",
        "probability_" + "x" * 40,
    ]


def test_many_classes_give_one_score():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 25, 1_500)
    table = pa.table({"x": labels + rng.normal(0, 0.05, 1_500), "y": [f"c{n:02d}" for n in labels]})
    from assets.models.train import TrainingSpec, train_model

    spec = TrainingSpec("worth", "y", algorithm="forest", parameters={"n_estimators": 5})
    model = train_model(MemoryTable(table), spec, dataset=("datasets", "d"), dataset_version=1)
    found = ask(model, table, keep=[])
    assert found.column_names == ["prediction", "score"]
    assert (np.array(found.column("prediction")) == np.array(table.column("y"))).mean() > 0.9


def test_memory_does_not_grow_with_the_table(linear_prices):
    import tracemalloc

    model = reload(linear_prices)
    piece = mixed_table(1_500)
    table = pa.concat_tables([piece] * 5)

    def peak(source: pa.Table) -> int:
        stream = predict_table(model, MemoryTable(source, 1_500), keep=["id"], where=WHERE)
        tracemalloc.start()
        rows = sum(batch.num_rows for batch in stream)
        _, high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert rows == source.num_rows
        return high

    assert peak(table) < 1.2 * peak(piece) + 100_000
