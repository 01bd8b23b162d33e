"""Which rows learn and which judge."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from assets.models.split import split_ordered, split_random, split_stratified
from resources.kernel.errors import InputError


def test_a_random_split_parts_the_rows():
    split = split_random(100, 0.25, seed=1)
    assert len(split.test) == 25
    assert sorted([*split.train, *split.test]) == list(range(100))
    np.testing.assert_array_equal(split.test, split_random(100, 0.25, seed=1).test)


@pytest.mark.parametrize("share", [0.0001, 0.9999])
def test_either_side_has_a_row_whatever_the_share(share):
    split = split_random(10, share, seed=1)
    assert len(split.train) >= 1
    assert len(split.test) >= 1


def test_a_stratified_split_keeps_the_shares():
    labels = np.array([0] * 90 + [1] * 10)
    split = split_stratified(labels, 0.2, seed=1)
    assert np.bincount(labels[split.test]).tolist() == [18, 2]


def test_all_single_classes_still_split():
    split = split_stratified(np.arange(10), 0.2, seed=1)
    assert len(split.test) == 2
    assert "10 classes" in split.warnings[0]


def test_equal_times_stay_together():
    times = pa.chunked_array([[3, 1, 2, 2, 2, 1, 1, 1, 1, 1]])
    split = split_ordered(times, 0.2, column="t", where="m")
    assert split.test.tolist() == [0, 2, 3, 4]


def test_rows_without_a_time_are_learned_from():
    times = pa.chunked_array([[None, 1, 2, 3, None]])
    split = split_ordered(times, 0.2, column="t", where="m")
    assert split.test.tolist() == [3]
    assert "2 rows without a value in 't'" in split.warnings[0]


@pytest.mark.parametrize(
    ("times", "text"),
    [
        ([5, 5, 5, 5], "does not separate"),
        ([None, None, None, None], "cannot be ordered"),
        (["a", "b", "c", "d"], "cannot be ordered"),
    ],
    ids=["one time", "no times", "text"],
)
def test_a_column_that_orders_nothing_is_refused(times, text):
    with pytest.raises(InputError, match=text):
        split_ordered(pa.chunked_array([times]), 0.25, column="t", where="model 'm'")
