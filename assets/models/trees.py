"""Trees from a file, checked before they are walked.

scikit-learn follows the positions stored in a tree without looking whether they exist, and so a crafted file
could read foreign memory or never end. Children must come after their parent, and columns must exist (T15).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from resources.kernel.errors import IntegrityError


def check_trees(estimator: Any, width: int, *, where: str) -> None:
    """Checks every tree of a loaded estimator.

    Args:
        estimator: gradient boosting or forest; anything without trees passes.
        width: number of columns of the matrix that the trees will be asked about.
        where: the model, for the error text.

    Raises:
        IntegrityError: a tree that cannot have been trained.
    """
    if not (_boosting_is_sound(estimator, width) and _forest_is_sound(estimator, width)):
        raise IntegrityError(
            f"{where}: the model's file holds a tree that cannot have been trained",
            hint="The file is damaged or foreign: train the model again",
        )


def _boosting_is_sound(estimator: Any, width: int) -> bool:
    if not hasattr(estimator, "_predictors"):
        return True
    categorical = np.asarray(estimator._bin_mapper.is_categorical_)  # noqa: SLF001 - not public anywhere
    preparation = getattr(estimator, "_preprocessor", None)
    if preparation is not None and preparation.transform(np.zeros((1, width))).shape != (1, width):
        return False
    if categorical.shape != (width,):
        return False
    stages = estimator._predictors  # noqa: SLF001 - the trees are not public
    return all(_tree_is_sound(tree, categorical) for stage in stages for tree in stage)


def _tree_is_sound(predictor: Any, categorical: Any) -> bool:
    """One tree of gradient boosting; `categorical` says which columns hold codes."""
    nodes = predictor.nodes
    bitsets = np.asarray(predictor.raw_left_cat_bitsets)
    inner = nodes[nodes["is_leaf"] == 0]
    splits = inner[inner["is_categorical"] != 0]
    return (
        len(nodes) > 0
        and _children_follow(
            np.flatnonzero(nodes["is_leaf"] == 0), inner["left"], inner["right"], len(nodes)
        )
        and _within(inner["feature_idx"], len(categorical))
        and bool(np.all(categorical[splits["feature_idx"]]))
        and _within(splits["bitset_idx"], len(bitsets))
        and (len(splits) == 0 or bitsets.shape[1:] == (8,))
    )


def _forest_is_sound(estimator: Any, width: int) -> bool:
    return all(
        _forest_tree_is_sound(tree.tree_, width) for tree in getattr(estimator, "estimators_", ())
    )


def _forest_tree_is_sound(tree: Any, width: int) -> bool:
    # node_count comes first: the arrays below are as long as it says, whatever the file held
    if tree.node_count < 1 or tree.node_count > tree.capacity or tree.n_features != width:
        return False
    left, right = tree.children_left, tree.children_right
    places = np.flatnonzero(left != -1)
    return _children_follow(places, left[places], right[places], tree.node_count) and _within(
        tree.feature[places], width
    )


def _children_follow(places: Any, left: Any, right: Any, count: int) -> bool:
    left, right = left.astype(np.int64), right.astype(np.int64)
    forward = np.all(left > places) and np.all(right > places)
    return bool(forward and np.all(left < count) and np.all(right < count))


def _within(values: Any, limit: int) -> bool:
    values = values.astype(np.int64)
    return bool(np.all(values >= 0) and np.all(values < limit))
