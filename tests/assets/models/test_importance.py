"""Permutation importance per column of the dataset."""

from __future__ import annotations

import numpy as np

from assets.models.importance import MAX_ROWS, compute_importance


def test_numbers_of_one_column_are_shuffled_together():
    rng = np.random.default_rng(0)
    half = rng.normal(size=500)
    matrix = np.column_stack([half, -half, rng.normal(size=500)])
    asked = []

    def loss(rows, actual):
        asked.append(rows)
        return float(np.abs(rows[:, 0] + rows[:, 1]).mean())

    found = compute_importance(matrix, half, {"pair": [0, 1], "noise": [2]}, loss, seed=1)
    assert [(entry.column, entry.mean) for entry in found] == [("noise", 0.0), ("pair", 0.0)]
    assert not np.array_equal(asked[1][:, 0], matrix[:, 0])


def test_rows_are_bounded():
    matrix = np.arange(2.0 * 50_000).reshape(-1, 2)
    sizes = set()

    def loss(rows, actual):
        sizes.add(len(rows))
        return 0.0

    compute_importance(matrix, matrix[:, 0], {"a": [0], "b": [1]}, loss, seed=1)
    assert sizes == {MAX_ROWS}
    wide = {f"c{n}": [n % 2] for n in range(2_000)}
    sizes.clear()
    compute_importance(matrix, matrix[:, 0], wide, loss, seed=1)
    assert sizes == {200}
