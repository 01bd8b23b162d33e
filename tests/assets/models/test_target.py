"""Which task a target asks for."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from assets.models.target import inspect_target
from resources.kernel.errors import InputError
from tests.assets.memory_table import MemoryTable


def look(values: pa.Array, task=None):
    return inspect_target(MemoryTable(pa.table({"y": values})), "y", task, where="model 'm'")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        pytest.param(pa.array([0.5, 1.5] * 10), "regression", id="floats"),
        pytest.param(pa.array([Decimal("0.5"), Decimal("1.5")] * 10), "regression", id="decimals"),
        pytest.param(pa.array([1, 2, 3, 4] * 5), "regression", id="several integers"),
        pytest.param(pa.array([0, 1] * 10), "classification", id="two integers"),
        pytest.param(pa.array([True, False] * 10), "classification", id="booleans"),
        pytest.param(pa.array(["a", "b"] * 10), "classification", id="text"),
        pytest.param(pa.array(["a", "b"] * 10).dictionary_encode(), "classification", id="dictionary"),
    ],
)  # fmt: skip
def test_the_task_follows_from_the_type_and_is_recorded_as_a_guess(values, task):
    target = look(values)
    assert target.task == task
    assert target.guesses[0].value == task
    assert target.guesses[0].override == "task"


def test_a_given_task_is_no_guess():
    target = look(pa.array([1, 2, 3, 4] * 5), "classification")
    assert target.classes == (1, 2, 3, 4)
    assert target.guesses == ()


def test_two_integers_can_be_a_regression():
    assert look(pa.array([0, 1] * 10), "regression").classes == ()


def test_classes_are_encoded_by_their_position():
    values = pa.chunked_array([pa.array(["b", "a", "c", "a"] * 3).dictionary_encode()])
    assert look(values.combine_chunks()).encode(values).tolist() == [1, 0, 2, 0] * 3


def test_too_many_classes_are_refused():
    with pytest.raises(InputError, match="more than 50 different values"):
        look(pa.array([f"c{n}" for n in range(60)]))


def test_nan_and_infinite_targets_are_no_targets():
    target = look(pa.array([1.0, float("nan"), float("inf"), None] + [2.0] * 20))
    assert (target.usable_rows, target.missing_rows) == (21, 3)
