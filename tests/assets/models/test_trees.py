"""Trees that were not trained are not walked."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from assets.models.trees import check_trees
from resources.kernel.errors import IntegrityError
from tests.assets.models.conftest import reload


def check(estimator) -> None:
    check_trees(estimator, estimator.n_features_in_, where="model 'worth', version 1")


@pytest.mark.parametrize(
    "name", ["boosted_prices", "forest_levels", "linear_prices", "boosted_levels"]
)
def test_trained_trees_pass(name, request):
    estimator = reload(request.getfixturevalue(name)).estimator
    check(estimator[-1] if hasattr(estimator, "steps") else estimator)


def own_copy(model):
    estimator = copy.deepcopy(model.estimator)
    predictor = estimator._predictors[0][0]
    predictor.nodes = predictor.nodes.copy()
    return estimator, predictor.nodes


@pytest.mark.parametrize(
    ("field", "value"),
    [("left", 10**6), ("right", 10**6), ("left", 0), ("right", 0), ("feature_idx", 10**6), ("feature_idx", -1)],
    ids=["child beyond", "right child beyond", "endless", "endless right", "column beyond", "column before"],
)  # fmt: skip
def test_a_crafted_boosted_tree_is_refused(field, value, boosted_prices):
    estimator, nodes = own_copy(boosted_prices)
    nodes[0][field] = value
    with pytest.raises(IntegrityError, match="a tree that cannot have been trained"):
        check(estimator)


def test_a_crafted_category_split_is_refused(boosted_prices):
    estimator, nodes = own_copy(boosted_prices)
    nodes[0]["is_categorical"] = 1
    nodes[0]["bitset_idx"] = 10**6
    with pytest.raises(IntegrityError):
        check(estimator)


def test_a_tree_without_nodes_is_refused(boosted_prices):
    estimator, nodes = own_copy(boosted_prices)
    estimator._predictors[0][0].nodes = nodes[:0]
    with pytest.raises(IntegrityError):
        check(estimator)


@pytest.mark.parametrize(
    ("field", "value"),
    [("left_child", 10**6), ("right_child", 0), ("feature", 10**6), ("feature", -5)],
    ids=["child beyond", "endless", "column beyond", "column before"],
)
def test_a_crafted_forest_tree_is_refused(field, value, forest_levels):
    estimator = copy.deepcopy(forest_levels.estimator[-1])
    tree = estimator.estimators_[0].tree_
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    nodes[0][field] = value
    tree.__setstate__({**state, "nodes": nodes})
    with pytest.raises(IntegrityError):
        check(estimator)


def test_a_forest_tree_of_more_nodes_than_it_has_is_refused(forest_levels):
    estimator = copy.deepcopy(forest_levels.estimator[-1])
    tree = estimator.estimators_[0].tree_
    state = tree.__getstate__()
    tree.__setstate__({**state, "node_count": np.int64(10**6)})
    with pytest.raises(IntegrityError):
        check(estimator)
