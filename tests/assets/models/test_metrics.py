"""Metrics by hand."""

from __future__ import annotations

import numpy as np
import pytest

from assets.models import metrics


def test_regression_metrics():
    found = metrics.judge_regression(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0]))
    assert found == pytest.approx({"r2": -1.0, "mae": 2 / 3, "rmse": (4 / 3) ** 0.5})


def test_the_mean_explains_nothing():
    actual = np.array([1.0, 3.0])
    assert metrics.mean_baseline(np.array([2.0, 2.0]), actual)["r2"] == 0


def test_classification_metrics():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    found = metrics.judge_classification(np.array([0, 1, 1]), probabilities)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["roc_auc"] == 1.0
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.6, 0.3]).mean())


def test_a_wrong_certainty_is_not_infinitely_bad():
    assert metrics.log_loss(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(36.04, abs=0.01)


def test_roc_auc_needs_both_classes():
    found = metrics.judge_classification(np.array([0, 0]), np.array([[0.9, 0.1], [0.4, 0.6]]))
    assert found["roc_auc"] is None
    assert found["accuracy"] == 0.5


def test_the_majority_baseline_answers_with_the_shares():
    found = metrics.majority_baseline(np.array([0, 0, 0, 1]), np.array([0, 1]), 2)
    assert found["accuracy"] == 0.5
    assert found["log_loss"] == pytest.approx(-np.log([0.75, 0.25]).mean())
