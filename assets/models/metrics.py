"""How good a model is on rows it has not seen, beside the simplest thing one could do instead."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Metrics = dict[str, float | None]
"""Name -> value; None where the held-out rows do not allow it."""


def judge_regression(actual: Floats, predicted: Floats) -> Metrics:
    """r2 (1 is perfect, 0 the mean), mean absolute error and root mean squared error in the target's unit."""
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    varies = len(actual) > 1 and float(np.ptp(actual)) > 0
    return {
        "r2": _float(r2_score(actual, predicted)) if varies else None,
        "mae": _float(mean_absolute_error(actual, predicted)),
        "rmse": _float(math.sqrt(mean_squared_error(actual, predicted))),
    }


def mean_baseline(train: Floats, actual: Floats) -> Metrics:
    """What always answering the mean of the training rows reaches."""
    return judge_regression(actual, np.full(len(actual), train.mean()))


def judge_classification(actual: Labels, probabilities: Floats) -> Metrics:
    """Accuracy, balanced accuracy, macro F1, log loss, and ROC AUC for two classes.

    Args:
        actual: (n,) positions of the true classes.
        probabilities: (n, classes).
    """
    from sklearn import metrics

    predicted = probabilities.argmax(axis=1)
    known = list(range(probabilities.shape[1]))
    with warnings.catch_warnings():
        # a class without held-out rows: the average is over those that have some
        warnings.simplefilter("ignore")
        result: Metrics = {
            "accuracy": _float(metrics.accuracy_score(actual, predicted)),
            "balanced_accuracy": _float(metrics.balanced_accuracy_score(actual, predicted)),
            "f1_macro": _float(
                metrics.f1_score(actual, predicted, average="macro", zero_division=0.0)
            ),
            "log_loss": log_loss(actual, probabilities),
        }
    if len(known) == 2:
        both = len(np.unique(actual)) == 2
        score = metrics.roc_auc_score(actual, probabilities[:, 1]) if both else math.nan
        result["roc_auc"] = _float(score)
    return result


def majority_baseline(train: Labels, actual: Labels, classes: int) -> Metrics:
    """What always answering with the shares of the training rows reaches."""
    shares = np.bincount(train, minlength=classes) / len(train)
    return judge_classification(actual, np.tile(shares, (len(actual), 1)))


def log_loss(actual: Labels, probabilities: Floats) -> float:
    """Mean negative log of the probability given to what happened."""
    given = probabilities[np.arange(len(actual)), actual]
    smallest = np.finfo(np.float64).eps  # a wrong certainty costs 36, not infinity
    return float(-np.log(np.clip(given, smallest, 1.0)).mean())


def _float(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
