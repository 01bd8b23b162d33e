"""Training: better than guessing, deterministic, bounded, and clear about what it cannot do."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from assets.models.persist import dump_model, load_model
from assets.models.train import TrainedModel, TrainingSpec, train_model
from resources.kernel.errors import ConfigError, EmptySourceError, InputError, UnknownNameError
from tests.assets.memory_table import MemoryTable, mixed_table

FAST = {
    "gradient_boosting": {"max_iter": 25},
    "linear": {},
    "forest": {"n_estimators": 15},
}
LEAKS = {"price": ("dear", "level"), "dear": ("price", "level"), "level": ("price", "dear")}


def train(spec: TrainingSpec, table: pa.Table | None = None) -> TrainedModel:
    source = MemoryTable(mixed_table() if table is None else table)
    return train_model(source, spec, dataset=("datasets", "homes"), dataset_version=3)


def spec_for(target: str, algorithm: str = "linear", **changes) -> TrainingSpec:
    spec = TrainingSpec(
        name="worth",
        target=target,
        exclude=("id", "note", *LEAKS[target]),
        algorithm=algorithm,
        parameters=FAST[algorithm],
        seed=5,
    )
    return replace(spec, **changes)


@pytest.mark.parametrize("algorithm", FAST)
class TestEveryAlgorithm:
    def test_regression_beats_the_mean_and_finds_what_matters(self, algorithm):
        card = train(spec_for("price", algorithm)).card
        assert card.task == "regression"
        assert card.metrics["r2"] > 0.75
        assert card.metrics["rmse"] < card.baseline["rmse"] / 2
        assert [entry["column"] for entry in card.importance[:2]] == ["size", "city"]
        assert all(abs(entry["mean"]) < 0.05 for entry in card.importance[2:])

    def test_two_classes_beat_the_majority(self, algorithm):
        card = train(spec_for("dear", algorithm)).card
        assert card.task == "classification"
        assert card.classes == (False, True)
        assert card.metrics["balanced_accuracy"] > card.baseline["balanced_accuracy"] + 0.3
        assert card.metrics["roc_auc"] > 0.9
        assert card.metrics["log_loss"] < card.baseline["log_loss"] / 1.5
        assert card.importance[0]["column"] == "size"

    def test_several_classes_beat_the_majority(self, algorithm):
        card = train(spec_for("level", algorithm, task="classification")).card
        assert card.classes == (0, 1, 2)
        assert card.metrics["accuracy"] > card.baseline["accuracy"] + 0.3
        assert card.metrics["f1_macro"] > 0.7
        assert "roc_auc" not in card.metrics

    def test_the_same_seed_gives_the_same_model(self, algorithm):
        first, second = (train(spec_for("price", algorithm)) for _ in range(2))
        np.testing.assert_array_equal(first.predicted, second.predicted)
        assert first.card == second.card


def test_another_seed_gives_another_split():
    first, second = train(spec_for("price")), train(spec_for("price", seed=6))
    assert not np.array_equal(first.actual, second.actual)


def test_rows_without_a_target_are_dropped_and_counted():
    table = mixed_table()
    missing = table.column("price").null_count
    card = train(spec_for("price"), table).card
    assert missing > 0
    assert card.rows["without_target"] == missing
    assert card.rows["used"] == card.rows["train"] + card.rows["test"] == 1_200 - missing


def test_only_needed_columns_are_read():
    source = MemoryTable(mixed_table())
    spec = spec_for("price", features=("city", "size"), exclude=())
    train_model(source, spec, dataset=("datasets", "d"), dataset_version=1)
    assert source.columns_read == [["price"], ["size", "city", "price"]]


def test_a_long_dataset_is_sampled():
    card = train(spec_for("price", max_rows=300)).card
    assert card.rows["table"] == 1_200
    assert card.rows["used"] == 300


def test_the_card_says_what_was_done():
    card = train(spec_for("price", exclude=("id", *LEAKS["price"]))).card
    assert card.dataset == ("datasets", "homes")
    assert card.dataset_version == 3
    assert [feature.kind for feature in card.plan.features] == [
        "number", "category", "text", "boolean", "date", "number",
    ]  # fmt: skip
    assert card.libraries["scikit-learn"]
    assert card.guesses[0]["value"] == "regression"
    assert any("identifier" in warning for warning in card.warnings)


def test_later_rows_judge_when_a_column_orders_them():
    table = mixed_table()
    card = train(spec_for("price", split="sold", features=("size", "city")), table).card
    assert card.split == "sold"
    assert card.metrics["r2"] > 0.75
    assert 0.15 < card.rows["test"] / card.rows["used"] < 0.3


def test_infinite_features_count_as_missing_and_are_told():
    table = mixed_table()
    size = table.column("size").to_numpy(zero_copy_only=False).copy()
    size[:5] = np.inf
    table = table.set_column(1, "size", pa.array(size))
    card = train(spec_for("price"), table).card
    assert any("5 values of 'size' that are infinite" in warning for warning in card.warnings)


EXTREMES = {
    "huge target": {"y": np.tile([1e200, -1e300, *range(8)], 20).astype(float)},
    "tiny target": {"y": np.tile(np.arange(10) * 1e-300, 20)},
    "huge feature": {"x": np.tile([1e149, *range(9)], 20).astype(float)},
    "large integers": {"x": np.tile(np.arange(10) * 10**18 // 10, 20)},
    "nothing but NaN": {"z": np.full(200, np.nan)},
    "nothing but infinite": {"z": np.tile([np.inf, -np.inf], 100)},
}


@pytest.mark.parametrize("algorithm", FAST)
@pytest.mark.parametrize("extreme", EXTREMES.values(), ids=EXTREMES.keys())
def test_extreme_numbers_give_a_model_that_can_be_kept(extreme, algorithm):
    plain = {
        "x": np.tile(np.arange(10.0), 20),
        "w": np.arange(200.0),
        "y": np.tile(np.arange(10.0), 20),
    }
    spec = TrainingSpec(
        "worth", "y", algorithm=algorithm, parameters=FAST[algorithm], task="regression"
    )
    model = train(spec, pa.table(plain | extreme))
    assert load_model(dump_model(model), model.card, where="m")
    assert json.loads(model.card.to_text())["metrics"]["r2"] > 0.5
    assert ("z" in extreme) == bool(model.card.plan.left_out)


def test_targets_that_cannot_be_learned_are_left_out_and_told():
    table = pa.table({"x": range(50), "y": [float("inf"), 1e200, None, *range(47)]})
    card = train(TrainingSpec("worth", "y", algorithm="linear"), table).card
    assert card.rows["without_target"] == 3
    assert "2 rows were left out: 'y' is infinite" in card.warnings[0]


def test_what_scikit_learn_warns_about_is_kept():
    card = train(spec_for("dear", parameters={"max_iter": 1})).card
    assert any(warning.startswith("scikit-learn: ") for warning in card.warnings)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"target": "prize"}, UnknownNameError, r"unknown column 'prize'\. Known: city, dear"),
        ({"features": ("sise",)}, UnknownNameError, "unknown column 'sise'"),
        ({"exclude": ("sise",)}, UnknownNameError, "unknown column 'sise'"),
        ({"split": "when"}, UnknownNameError, "unknown column 'when'"),
        ({"split": "city"}, InputError, "cannot be ordered by column 'city'"),
        ({"features": ("price",)}, ConfigError, "the target 'price' is among the features"),
        ({"test_share": 1.0}, ConfigError, "test_share is 1.0"),
        ({"max_rows": 5}, ConfigError, "max_rows is 5"),
        ({"seed": -1}, ConfigError, "seed is -1"),
        ({"task": "classification"}, InputError, "a classification needs text, booleans or integers"),
        ({"target": "sold"}, InputError, r"has the type .*, which cannot be predicted"),
        ({"target": "city", "task": "regression"}, InputError, "a regression predicts numbers"),
        ({"parameters": {"alfa": 1}}, UnknownNameError, r"unknown parameter .* 'alfa'\. Known: alpha"),
        ({"parameters": {"random_state": 1}}, ConfigError, "'random_state' cannot be set"),
        ({"parameters": {"alpha": "much"}}, ConfigError, "scikit-learn refused .*'alpha' parameter"),
        ({"target": "note"}, InputError, "more than 50 different values"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)  # fmt: skip
def test_wrong_settings_have_one_clear_error(changes, error, text):
    with pytest.raises(error, match=text) as caught:
        train(replace(spec_for("price"), **changes))
    assert "model 'worth'" in str(caught.value)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize(
    ("table", "error", "text"),
    [
        pytest.param(pa.table({"x": pa.array([], "f8"), "y": pa.array([], "f8")}), EmptySourceError, "0 rows", id="no rows"),
        pytest.param(pa.table({"x": range(20), "y": pa.nulls(20, "f8")}), EmptySourceError, "no usable value in any of 20 rows", id="no targets"),
        pytest.param(pa.table({"x": range(5), "y": [1.0, 2, 3, 4, 5]}), InputError, "only 5 rows", id="few rows"),
        pytest.param(pa.table({"x": range(20), "y": ["a"] * 20}), InputError, "'a' in all 20 rows", id="one class"),
        pytest.param(pa.table({"x": [1] * 20, "y": range(20)}), InputError, "no column is left", id="constant feature"),
        pytest.param(pa.table({"y": range(20)}), InputError, "no column is left", id="no feature"),
    ],
)  # fmt: skip
def test_tables_that_allow_no_model_say_why(table, error, text):
    with pytest.raises(error, match=text):
        train(TrainingSpec("worth", "y"), table)


def test_a_class_that_training_rows_lack_is_an_error_not_a_broken_model():
    table = pa.table({"x": range(100), "y": ["a"] * 40 + ["b"] * 40 + ["late"] * 20})
    with pytest.raises(InputError, match="hold only 2 of the 3 classes"):
        train(TrainingSpec("worth", "y", split="x"), table)


def test_a_class_of_one_row_is_learned_from():
    table = pa.table({"x": range(100), "y": ["a"] * 50 + ["b"] * 49 + ["single"]})
    card = train(TrainingSpec("worth", "y", algorithm="linear"), table).card
    assert "1 classes have a single row" in card.warnings[0]


def test_class_weights_are_given_by_class():
    table = mixed_table()
    light, heavy = (
        train(spec_for("dear", parameters={"class_weight": {"true": weight}}), table)
        for weight in (0.01, 100)
    )
    assert heavy.predicted[:, 1].mean() > light.predicted[:, 1].mean() + 0.3
    with pytest.raises(UnknownNameError, match=r"'yes'\. Known: false, true"):
        train(spec_for("dear", parameters={"class_weight": {"yes": 2}}), table)


@pytest.mark.parametrize("algorithm", FAST)
def test_a_constant_number_is_predicted(algorithm):
    table = pa.table({"x": range(100), "y": [2.5] * 100})
    card = train(
        TrainingSpec("worth", "y", algorithm=algorithm, parameters=FAST[algorithm]), table
    ).card
    assert card.metrics["r2"] is None
    assert card.metrics["mae"] == pytest.approx(0, abs=1e-9)
