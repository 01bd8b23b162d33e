"""Training and predicting over a store: versions are followed, and a failure leaves what was there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from assets.models.build import (
    ModelSpec,
    PredictionSpec,
    read_model,
    run_prediction,
    run_training,
)
from assets.models.train import TrainingSpec
from resources.kernel.errors import (
    ConfigError,
    IntegrityError,
    NotFoundError,
    SchemaMismatchError,
)
from resources.kernel.records import BatchStream
from resources.stores.models import ModelStore
from resources.stores.tables import TableStore
from tests.assets.memory_table import mixed_table

MODEL = ModelSpec(
    TrainingSpec("worth", "price", exclude=("id", "note", "dear", "level"), algorithm="linear"),
    dataset="homes",
)
PREDICTION = PredictionSpec("guesses", dataset="homes", model="worth", columns=("id",))


@pytest.fixture
def tables(tmp_path: Path) -> TableStore:
    store = TableStore.open(str(tmp_path / "store"))
    put(store, "data-1", mixed_table(200))
    return store


def put(store: TableStore, run_id: str, table: pa.Table) -> None:
    store.write_stream(
        ("datasets", "homes"),
        lambda: BatchStream(table.schema, iter(table.to_batches())),
        run_id=run_id,
    )


def test_versions_of_model_and_input_are_followed(tables):
    run_training(MODEL, tables, run_id="train-1")
    put(tables, "data-2", mixed_table(100, seed=8))
    run_training(MODEL, tables, run_id="train-2")
    version = run_prediction(PREDICTION, tables, run_id="predict-1")
    assert version.rows == 100
    assert version.properties["model"] == {"name": "worth", "version": 2}
    assert version.properties["inputs"] == {"homes": 2}
    first, _ = read_model(tables, "worth", 1)
    second, newest = read_model(tables, "worth")
    assert (first.card.dataset_version, second.card.dataset_version) == (1, 2)
    assert newest.properties["metrics"] == second.card.metrics
    assert newest.properties["inputs"] == {"homes": 2}


def test_a_retried_run_keeps_one_version(tables):
    for attempt in range(2):
        run_training(MODEL, tables, run_id="train-1", attempt=attempt)
        run_prediction(PREDICTION, tables, run_id="predict-1", attempt=attempt)
    assert tables.item(MODEL.key).numbers() == [1]
    assert tables.item(PREDICTION.key).numbers() == [1]


def test_predictions_are_exactly_repeatable(tables):
    first, _ = run_training(MODEL, tables, run_id="train-1")
    run_prediction(PREDICTION, tables, run_id="predict-1")
    second, _ = run_training(MODEL, tables, run_id="train-2")
    run_prediction(PREDICTION, tables, run_id="predict-2")
    assert first.card == second.card
    old, new = (tables.read(PREDICTION.key, number).to_table() for number in (1, 2))
    assert old.equals(new)


def test_a_dataset_that_no_longer_fits_leaves_the_old_predictions(tables):
    run_training(MODEL, tables, run_id="train-1")
    run_prediction(PREDICTION, tables, run_id="predict-1")
    put(tables, "data-2", mixed_table(50).drop_columns(["size"]))
    with pytest.raises(SchemaMismatchError, match="'size' is missing"):
        run_prediction(PREDICTION, tables, run_id="predict-2")
    assert tables.item(PREDICTION.key).numbers() == [1]
    assert tables.read(PREDICTION.key).rows == 200


def test_a_dataset_that_allows_no_model_leaves_the_old_one(tables):
    run_training(MODEL, tables, run_id="train-1")
    put(tables, "data-2", mixed_table(200).drop_columns(["price"]))
    with pytest.raises(ConfigError, match="unknown column 'price'"):
        run_training(MODEL, tables, run_id="train-2")
    assert tables.item(MODEL.key).numbers() == [1]


def test_a_damaged_model_is_named_and_nothing_is_predicted(tables, tmp_path):
    run_training(MODEL, tables, run_id="train-1")
    file = next((tmp_path / "store").rglob("model.skops"))
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(IntegrityError, match="model of version 1 of models/worth is damaged"):
        run_prediction(PREDICTION, tables, run_id="predict-1")
    assert tables.item(PREDICTION.key).numbers() == []


def test_a_model_of_another_scikit_learn_is_named_and_nothing_is_predicted(tables):
    model, _ = run_training(MODEL, tables, run_id="train-1")
    store = ModelStore(tables)
    card = replace(model.card, libraries={"scikit-learn": "0.18.2"})
    store.publish(
        MODEL.key, model=store.load(MODEL.key).model, card=card.to_text().encode(), run_id="older"
    )
    with pytest.raises(ConfigError, match=r"model 'worth', version 2 was trained .* 0\.18\.2"):
        run_prediction(PREDICTION, tables, run_id="predict-1")
    assert tables.item(PREDICTION.key).numbers() == []


@pytest.mark.parametrize("missing", ["models/worth", "datasets/homes"])
def test_what_is_not_made_yet_is_named(missing, tables):
    if missing == "models/worth":
        with pytest.raises(NotFoundError, match=missing):
            run_prediction(PREDICTION, tables, run_id="predict-1")
    else:
        with pytest.raises(NotFoundError, match="datasets/flats"):
            run_training(replace(MODEL, dataset="flats"), tables, run_id="train-1")
