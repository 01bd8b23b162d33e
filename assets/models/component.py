"""`assets.Model` and `assets.Prediction` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import dagster as dg
from pydantic import Field

from assets.checks.build import with_checks
from assets.checks.component import CheckedTable
from assets.models.build import (
    ModelSpec,
    PredictionSpec,
    build_model,
    build_prediction,
    predict,
    train,
)
from assets.models.estimators import Algorithm, Task
from assets.models.train import DEFAULT_MAX_ROWS, TrainingSpec, check_spec
from assets.noun import VersionedNoun
from assets.table_asset import ProfiledComponent
from resources.references import position
from resources.stores.resource import StoreResource


class Model(VersionedNoun):
    """A scikit-learn model, trained on a dataset and judged on rows that it has not seen."""

    noun: ClassVar[str] = "model"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: delivery_days
dataset: orders       # a dataset of this project
target: days          # its column to predict
exclude: [order_id]   # no help: it names the row
""",
        """\
name: returned
dataset: order_history
target: is_returned
features: [country, items, price]
task: classification
algorithm: forest
parameters: {n_estimators: 300}
test_share: 0.25
split: ordered_at
seed: 7
max_rows: 200000
refresh: "0 4 * * 0"
keep_versions: 10
keep_days: 30
description: Whether an order comes back
owners: ["team:science"]
tags: {stage: trial}
group: returns
kinds: [scikitlearn]
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {"orders": "assets.Dataset"}
    asks: ClassVar[Mapping[str, str]] = {"dataset": "dataset"}
    shown_first: ClassVar[tuple[str, ...]] = ("description",)
    renamed: ClassVar[Mapping[str, str]] = {"keep": "keep_versions"}

    dataset: str
    """Name of the dataset to learn from."""
    target: str
    """The column to predict."""
    features: list[str] | Literal["all"] = "all"
    """Columns to learn from."""
    exclude: list[str] = Field(default_factory=list)
    """Columns not to learn from: identifiers, and what is known only afterwards."""
    task: Task | None = None
    """`regression` or `classification`; by the target's type when left out."""
    algorithm: Algorithm = "gradient_boosting"
    """`gradient_boosting`, `linear` or `forest`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the scikit-learn estimator behind the algorithm."""
    test_share: float = 0.2
    """Share of the rows that are held out to judge the model."""
    split: str | None = None
    """A column to order by: the last rows are held out, as when the future is predicted. Without it the split is random."""
    seed: int = 0
    """The same seed gives the same model."""
    max_rows: int = DEFAULT_MAX_ROWS
    """The most rows to learn from and judge by; a larger dataset is sampled."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset downstream of the dataset."""
        training = TrainingSpec(
            name=self.name,
            target=self.target,
            features=None if self.features == "all" else tuple(self.features),
            exclude=tuple(self.exclude),
            task=self.task,
            algorithm=self.algorithm,
            parameters=self.parameters,
            test_share=self.test_share,
            split=self.split,
            seed=self.seed,
            max_rows=self.max_rows,
        )
        check_spec(training, where=position(context, "name"))
        spec = ModelSpec(
            training, self.dataset, keep_versions=self.keep_versions, keep_days=self.keep_days
        )
        return build_model(spec, asset=self.asset_of(context, spec), execute=self.execute)

    def execute(
        self, context: dg.AssetExecutionContext, spec: ModelSpec, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        """Trains, judges and keeps the model."""
        return train(context, spec, store)


def _resolve_text(context: dg.ResolutionContext, value: str) -> str:
    text: str = context.resolve_value(value, as_type=str)
    return text


# `model` is a method of Dagster's base class, so the attribute cannot have the name that the YAML gives it.
ModelName = Annotated[
    str, dg.Resolver(_resolve_text, model_field_name="model", model_field_type=str)
]


class Prediction(CheckedTable, ProfiledComponent):
    """A dataset with what a model says about every row of another dataset."""

    noun: ClassVar[str] = "prediction"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: orders_with_days
dataset: orders           # a dataset of this project
model: delivery_days      # a model of this project
column_descriptions:
  prediction: Days until the order arrives
""",
        """\
name: likely_returns
dataset: open_orders
model: returned
columns: [order_id, country]
refresh: "0 5 * * *"
key: order_id
on_schema_change: warn
checks:
  - expect_column_values_to_not_be_null: {column: prediction}
drift: {against: "dataset:orders_with_days@train", columns: {prediction: {threshold: 0.05}}}
keep_versions: 7
keep_days: 30
profile: on_demand
description: How likely each open order comes back
owners: ["team:science"]
tags: {stage: trial}
group: returns
kinds: [scikitlearn]
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {
        "orders": "assets.Dataset",
        "delivery_days": "assets.Model",
    }
    asks: ClassVar[Mapping[str, str]] = {"dataset": "dataset", "model": "model"}
    shown_first: ClassVar[tuple[str, ...]] = ("columns", "description")
    renamed: ClassVar[Mapping[str, str]] = {"keep": "columns"}

    dataset: str
    """Name of the dataset to predict over."""
    trained: ModelName
    """Name of the model that predicts."""
    columns: list[str] | Literal["all"] = "all"
    """Columns of the dataset to pass on beside the prediction."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset downstream of the model and the dataset, and its checks."""
        if self.name == self.dataset:
            raise self.refusal(
                context,
                "it would replace its own input",
                "name",
                hint="Give the result another name than the dataset",
            )
        spec = PredictionSpec(
            name=self.name,
            dataset=self.dataset,
            model=self.trained,
            columns=None if self.columns == "all" else tuple(self.columns),
            keep_versions=self.keep_versions,
            keep_days=self.keep_days,
            on_schema_change=self.on_schema_change,
            column_descriptions=self.column_descriptions,
        )
        asset = self.asset_of(context, spec)
        execute = self.profiled(self.execute, asset)
        made = build_prediction(spec, asset=asset, execute=execute)
        checked = with_checks(made, asset.key, self.expectations(context), self.key)
        return self.with_profile(self.with_drift(context, checked, asset), asset)

    def execute(
        self, context: dg.AssetExecutionContext, spec: PredictionSpec, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        """Asks the model about every row."""
        return predict(context, spec, store)
