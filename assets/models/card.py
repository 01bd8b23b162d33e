"""What stands beside a kept model: everything needed to use it, to judge it and to train it again. JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from assets.features.plan import FeaturePlan
from assets.models.estimators import Algorithm, Task
from assets.models.metrics import Metrics
from resources.kernel.errors import IntegrityError

FORMAT = 1


@dataclass(frozen=True)
class ModelCard:
    """A trained model, described."""

    name: str
    task: Task
    algorithm: Algorithm
    parameters: dict[str, Any]
    """As given; defaults are scikit-learn's and `estimators.DEFAULTS`."""
    target: str
    target_type: str
    """Arrow type as text."""
    classes: tuple[Any, ...]
    plan: FeaturePlan
    seed: int
    test_share: float
    split: str | None
    """The column by whose order the rows were split; None for a random split."""
    dataset: tuple[str, ...]
    """Asset key of the dataset."""
    dataset_version: int
    rows: dict[str, int]
    """`table`, `without_target`, `used` (at most `max_rows`), `train`, `test`."""
    metrics: Metrics
    baseline: Metrics
    importance: tuple[dict[str, Any], ...]
    """`column`, `mean`, `deviation`; most important first."""
    libraries: dict[str, str]
    """Versions: `scikit-learn`, `skops`, `numpy`, `python`."""
    guesses: tuple[dict[str, str], ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The card in JSON types."""
        return {
            "format": FORMAT,
            "name": self.name,
            "task": self.task,
            "algorithm": self.algorithm,
            "parameters": self.parameters,
            "target": {
                "column": self.target,
                "type": self.target_type,
                "classes": list(self.classes),
            },
            **self.plan.to_json(),
            "seed": self.seed,
            "test_share": self.test_share,
            "split": self.split,
            "dataset": {"key": list(self.dataset), "version": self.dataset_version},
            "rows": self.rows,
            "metrics": self.metrics,
            "baseline": self.baseline,
            "importance": list(self.importance),
            "libraries": self.libraries,
            "guesses": list(self.guesses),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ModelCard:
        """The card again.

        Raises:
            IntegrityError: the JSON is no card, or one of a format this version does not know.
        """
        if data.get("format") != FORMAT:
            raise IntegrityError(
                f"The model's card has the format {data.get('format')!r}; this version reads {FORMAT}",
                hint="Train the model again",
            )
        plan = FeaturePlan.from_json({**data, "warnings": []})
        try:
            card = cls(
                name=str(data["name"]),
                task=data["task"],
                algorithm=data["algorithm"],
                parameters=dict(data["parameters"]),
                target=str(data["target"]["column"]),
                target_type=str(data["target"]["type"]),
                classes=tuple(data["target"]["classes"]),
                plan=plan,
                seed=int(data["seed"]),
                test_share=float(data["test_share"]),
                split=data["split"],
                dataset=tuple(data["dataset"]["key"]),
                dataset_version=int(data["dataset"]["version"]),
                rows=dict(data["rows"]),
                metrics=dict(data["metrics"]),
                baseline=dict(data["baseline"]),
                importance=tuple(data["importance"]),
                libraries=dict(data["libraries"]),
                guesses=tuple(data["guesses"]),
                warnings=tuple(data["warnings"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(
                f"The model's card is damaged: {type(error).__name__}: {error}",
                hint="Train the model again",
            ) from error
        return _checked(card)

    def to_text(self) -> str:
        """The card as it is stored."""
        return json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False)


def _checked(card: ModelCard) -> ModelCard:
    if card.task not in get_args(Task) or card.algorithm not in get_args(Algorithm):
        raise IntegrityError(
            f"The card of model {card.name!r} names the unknown task {card.task!r} or algorithm {card.algorithm!r}",
            hint="Train the model again",
        )
    if (card.task == "classification") != (len(card.classes) > 1):
        raise IntegrityError(
            f"The card of model {card.name!r} has {len(card.classes)} classes for a {card.task}",
            hint="Train the model again",
        )
    return card
