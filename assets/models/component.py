"""`assets.Model` and `assets.Prediction` in YAML."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import dagster as dg
from pydantic import Field

from assets.models.build import ModelSpec, PredictionSpec, build_model, build_prediction
from assets.models.estimators import Algorithm, Task
from assets.models.train import DEFAULT_MAX_ROWS, TrainingSpec, check_spec
from assets.refresh import ON_CHANGE, automation_for
from resources.declared import DeclaredComponent
from resources.kernel.errors import ConfigError
from resources.kernel.keys import check_name
from resources.references import declared, position


class Model(DeclaredComponent):
    """A scikit-learn model, trained on a dataset and judged on rows that it has not seen."""

    name: str
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
    """Share of the rows that judge the model and are not learned from."""
    split: str | None = None
    """A column in whose order the last rows judge, as when the future is predicted; a random split without it."""
    seed: int = 0
    """The same seed gives the same model."""
    max_rows: int = DEFAULT_MAX_ROWS
    """The most rows to learn from and judge by; a sample of a longer dataset."""
    refresh: str = ON_CHANGE
    """`on_change`, `manual`, or a cron."""
    keep: int = 3
    """How many versions to keep."""
    description: str = ""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset downstream of the dataset."""
        check_name("model", self.name, where=position(context, "name"))
        declared(context, Model, noun="model")
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
        return build_model(
            ModelSpec(training, self.dataset, keep=self.keep, description=self.description),
            automation=automation_for(self.refresh, where=position(context, "refresh")),
        )


def _resolve_text(context: dg.ResolutionContext, value: str) -> str:
    text: str = context.resolve_value(value, as_type=str)
    return text


# `model` is a method of Dagster's base class, so the attribute cannot have the name that the YAML gives it.
ModelName = Annotated[
    str, dg.Resolver(_resolve_text, model_field_name="model", model_field_type=str)
]


class Prediction(DeclaredComponent):
    """A dataset with what a model says about every row of another dataset."""

    name: str
    dataset: str
    """Name of the dataset to predict over."""
    trained: ModelName
    """`model:` in YAML, the name of a model."""
    keep: list[str] | Literal["all"] = "all"
    """Columns of the dataset to pass on beside the prediction."""
    refresh: str = ON_CHANGE
    """`on_change`, `manual`, or a cron."""
    keep_versions: int = 3
    """How many versions to keep."""
    description: str = ""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset downstream of the model and the dataset."""
        check_name("prediction", self.name, where=position(context, "name"))
        declared(context, Prediction, noun="prediction")
        if self.name == self.dataset:
            raise ConfigError(
                f"{position(context, 'name')}: prediction {self.name!r} would replace its own input",
                hint="Give the result another name than the dataset",
            )
        return build_prediction(
            PredictionSpec(
                name=self.name,
                dataset=self.dataset,
                model=self.trained,
                columns=None if self.keep == "all" else tuple(self.keep),
                keep=self.keep_versions,
                description=self.description,
            ),
            automation=automation_for(self.refresh, where=position(context, "refresh")),
        )
