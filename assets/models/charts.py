"""Pictures of a trained model: which columns matter, and how its answers lie beside the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from assets.models.card import ModelCard
from assets.models.estimators import class_text
from assets.models.train import TrainedModel
from assets.pictures import new_figure, plain_text, to_markdown

MAX_BARS = 20
MAX_POINTS = 2_000
MAX_CLASSES = 15


def draw_importance(card: ModelCard) -> str:
    """Bars of the most important columns, as Markdown."""
    shown = list(card.importance[:MAX_BARS])[::-1]
    figure, axes = new_figure(height=1.2 + 0.28 * len(shown))
    axes.barh(
        range(len(shown)),
        [entry["mean"] for entry in shown],
        xerr=[entry["deviation"] for entry in shown],
        color="#4c72b0",
    )
    axes.set_yticks(range(len(shown)), [plain_text(entry["column"]) for entry in shown])
    what = "r2 lost" if card.task == "regression" else "log loss gained"
    axes.set_xlabel(f"{what} when the column is shuffled")
    return to_markdown(figure, "feature importance")


def draw_answers(model: TrainedModel) -> str:
    """Predicted against actual values, or the confusion matrix, of held-out rows, as Markdown."""
    if model.card.task == "regression":
        return _draw_scatter(model.actual, model.predicted, model.card)
    return _draw_confusion(model.actual, model.predicted, model.card)


def _draw_scatter(
    actual: npt.NDArray[Any], predicted: npt.NDArray[np.float64], card: ModelCard
) -> str:
    if len(actual) > MAX_POINTS:
        rng = np.random.default_rng(card.seed)
        chosen = rng.choice(len(actual), MAX_POINTS, replace=False)
        actual, predicted = actual[chosen], predicted[chosen]
    figure, axes = new_figure(5, 5)
    axes.scatter(actual, predicted, s=6, alpha=0.4, linewidths=0, color="#4c72b0")
    ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
    axes.plot(ends, ends, color="#888888", linewidth=1)
    axes.set_xlabel(f"actual {plain_text(card.target)}")
    axes.set_ylabel("predicted")
    return to_markdown(figure, "predicted against actual")


def _draw_confusion(
    actual: npt.NDArray[Any], predicted: npt.NDArray[np.float64], card: ModelCard
) -> str:
    """Shares of each actual class, the most frequent classes only when they are many."""
    chosen = predicted.argmax(axis=1)
    classes = len(card.classes)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (actual, chosen), 1)
    shown = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:MAX_CLASSES])
    part = counts[np.ix_(shown, shown)]
    shares = part / np.maximum(counts[shown].sum(axis=1, keepdims=True), 1)
    figure, axes = new_figure(2.2 + 0.45 * len(shown), 1.8 + 0.4 * len(shown))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [plain_text(class_text(card.classes[place]), 14) for place in shown]
    axes.set_xticks(range(len(shown)), names, rotation=90 if len(shown) > 4 else 0)
    axes.set_yticks(range(len(shown)), names)
    for row in range(len(shown)):
        for column in range(len(shown)):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{part[row, column]:,}", ha="center", va="center", color=color, fontsize=7)  # fmt: skip
    axes.set_xlabel("predicted")
    axes.set_ylabel(f"actual {plain_text(card.target)}")
    return to_markdown(figure, "confusion matrix")
