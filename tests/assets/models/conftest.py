"""Trained models, made once: tests must not change them."""

from __future__ import annotations

import pytest

from assets.models.persist import LoadedModel, dump_model, load_model
from assets.models.train import TrainedModel, TrainingSpec, train_model
from tests.assets.memory_table import MemoryTable, mixed_table

LEAKS = {"price": ("dear", "level"), "dear": ("price", "level"), "level": ("price", "dear")}
PARAMETERS = {"gradient_boosting": {"max_iter": 12}, "forest": {"n_estimators": 6}, "linear": {}}


def train_on_mixed(target: str, algorithm: str, **changes) -> TrainedModel:
    """A small model of the mixed table."""
    spec = TrainingSpec(
        name="worth",
        target=target,
        exclude=("id", *LEAKS[target]),
        algorithm=algorithm,
        task="classification" if target == "level" else None,
        **{"parameters": PARAMETERS[algorithm], **changes},
    )
    source = MemoryTable(mixed_table(400))
    return train_model(source, spec, dataset=("datasets", "homes"), dataset_version=3)


def reload(model: TrainedModel) -> LoadedModel:
    """The model as it comes back from its file."""
    return load_model(dump_model(model), model.card, where="model 'worth', version 1")


@pytest.fixture(scope="session")
def boosted_prices() -> TrainedModel:
    return train_on_mixed("price", "gradient_boosting")


@pytest.fixture(scope="session")
def forest_levels() -> TrainedModel:
    return train_on_mixed("level", "forest")


@pytest.fixture(scope="session")
def linear_prices() -> TrainedModel:
    return train_on_mixed("price", "linear")


@pytest.fixture(scope="session")
def boosted_levels() -> TrainedModel:
    return train_on_mixed("level", "gradient_boosting")
