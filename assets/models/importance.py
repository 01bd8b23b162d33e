"""Which columns a model uses: how much worse it gets when a column's values are shuffled between rows.

Per column of the dataset, not per number made of it: the numbers of one column are shuffled together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.features.matrix import Matrix

REPEATS = 3
MAX_ROWS = 3_000
PREDICTED_ROWS = 600_000  # of all columns and repeats together: bounds the time on wide tables
MIN_ROWS = 200

Loss = Callable[[Matrix, npt.NDArray[Any]], float]
"""(matrix, actual) -> how wrong the model is; lower is better."""


@dataclass(frozen=True)
class Importance:
    """How much one column matters."""

    column: str
    mean: float
    """Increase of the loss, averaged over the repeats."""
    deviation: float


def compute_importance(
    matrix: Matrix,
    actual: npt.NDArray[Any],
    positions: Mapping[str, Sequence[int]],
    loss: Loss,
    *,
    seed: int,
) -> list[Importance]:
    """Permutation importance on a bounded sample of held-out rows, most important first.

    Args:
        matrix: (n, slots) held-out rows.
        actual: (n,) true values.
        positions: column -> its positions in the matrix.
        loss: how wrong the model is.
        seed: settles the sample and the shuffles.
    """
    rng = np.random.default_rng(seed)
    rows = min(MAX_ROWS, max(MIN_ROWS, PREDICTED_ROWS // (REPEATS * len(positions))))
    if len(matrix) > rows:
        chosen = np.sort(rng.choice(len(matrix), rows, replace=False))
        matrix, actual = matrix[chosen], actual[chosen]
    before = loss(matrix, actual)
    found = []
    for column, places in positions.items():
        increases = []
        shuffled = matrix.copy()
        for _ in range(REPEATS):
            order = rng.permutation(len(matrix))
            shuffled[:, places] = matrix[np.ix_(order, np.asarray(places))]
            increases.append(loss(shuffled, actual) - before)
        found.append(Importance(column, float(np.mean(increases)), float(np.std(increases))))
    return sorted(found, key=lambda entry: (-entry.mean, entry.column))
