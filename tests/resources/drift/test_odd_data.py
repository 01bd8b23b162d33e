"""Tables that break other tools: empty ones, constants, infinities, many columns, long decimals and texts."""

from __future__ import annotations

import math
from dataclasses import fields
from decimal import Decimal

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from resources.drift.record import BothSides, Drift
from resources.drift.settings import ColumnRule
from tests.resources.drift.tables import drift, only, store

__all__ = ["store"]
WIDE = 2_550
"""More columns than are counted at once anywhere, and no whole number of blocks."""


def check(found: Drift) -> Drift:
    """Whatever comes out is JSON, and no verdict rests on a NaN."""
    assert msgspec.json.decode(msgspec.json.encode(found), type=Drift) == found
    for one in found.columns:
        floats = [getattr(one, f.name) for f in fields(one)]
        assert all(math.isfinite(number) for number in floats if isinstance(number, float))
        assert one.value is not None or not one.drifted or one.missing_state == "drifted"
    return found


NUMBERS = np.random.default_rng(3).normal(size=400)


@pytest.mark.parametrize(
    ("reference", "current"),
    [(0, 0), (0, 400), (400, 0), (1, 1)],
    ids=["both-empty", "no-reference", "no-current", "one-row"],
)
def test_empty_and_tiny_tables_are_too_few_to_judge(store, reference, current):
    kinds = {
        "number": pa.array(NUMBERS),
        "town": pa.array(["a", "b"] * 200),
        "flag": pa.array([True, False] * 200),
        "list": pa.array([[1]] * 400),
    }
    table = pa.table(kinds)
    found = check(drift(store, table[:reference], table[:current]))
    assert (found.state, found.compared, found.drifted) == ("too_few", 0, 0)


def test_constants_drift_when_they_become_another(store):
    same = check_one(only(store, [5.0] * 300, [5.0] * 300))
    assert (same.value, same.state) == (0.0, "stable")
    other = check_one(only(store, [5.0] * 300, [7.0] * 300))
    assert (other.state, other.value) == ("drifted", pytest.approx(2.0, rel=0.01))
    assert only(store, ["a"] * 300, ["b"] * 300).state == "drifted"


def check_one(found):
    assert found.value is None or math.isfinite(found.value)
    return found


def test_columns_without_values_tell_their_gaps(store):
    empty = pa.nulls(400, pa.float64())
    both = only(store, empty, empty)
    assert (both.state, both.reason, both.missing) == (
        "stable",
        "neither side has values",
        BothSides(400, 400),
    )
    lost = only(store, NUMBERS, empty)
    assert (lost.state, lost.missing_points) == ("drifted", 100.0)
    untyped = only(store, pa.nulls(400), NUMBERS)
    assert (untyped.state, untyped.missing, untyped.subject) == (
        "drifted",
        BothSides(400, 0),
        "nothing",
    )


def test_a_table_without_columns_has_nothing_to_compare(store):
    found = check(drift(store, pa.table({"a": [1]}), pa.table({"b": [1]})))
    assert (found.state, found.columns, len(found.columns_added)) == ("not_compared", (), 1)


def test_numbers_too_far_apart_for_doubles_are_said_to_be(store):
    huge = np.array([-1.7e308, 1.7e308] * 200)
    found = only(store, huge, huge)
    assert (found.state, found.value, found.drifted) == ("stable", None, False)
    assert "too far apart" in found.reason
    assert math.isfinite(found.p_value)


def test_infinities_alone_are_no_values(store):
    found = only(store, [math.inf] * 300, [1.5] * 300)
    assert (found.not_finite, found.state) == (BothSides(300, 0), "drifted")


@pytest.mark.parametrize("digits", [38, 50], ids=["38-digits", "50-digits"])
def test_decimals_of_many_digits(store, digits):
    kind = pa.decimal128(38, 10) if digits == 38 else pa.decimal256(50, 10)
    pair = [
        pa.array([Decimal(n) * 10 ** (digits - 14) + Decimal("0.5") for n in side] + [None], kind)
        for side in (range(300), range(200, 500))
    ]
    found = only(store, *pair)
    assert found.missing == BothSides(1, 1)
    expected = ("numbers", "drifted") if digits == 38 else ("nothing", "stable")
    assert (found.subject, found.state) == expected
    assert ("38 digits" in found.reason) == (digits == 50)


@pytest.mark.parametrize("method", ["wasserstein", "ks", "psi", "jensen_shannon", "chi_square"])
def test_large_decimals_close_together_are_told_apart(store, method):
    """A double has 16 digits of these 38: without the distances from the lowest all would be one value."""
    random = np.random.default_rng(3)
    sides = random.integers(0, 1_000, 400), random.integers(300, 1_400, 500)
    rule = {"x": ColumnRule(method)}
    large = [
        pa.array([Decimal(10**37 + int(n)) for n in side], pa.decimal128(38)) for side in sides
    ]
    found, small = only(store, *large, columns=rule), only(store, *sides, columns=rule)
    assert found.value == pytest.approx(small.value, rel=1e-12)
    assert (found.state, found.p_value) == ("drifted", pytest.approx(small.p_value))


@pytest.mark.parametrize("scale", [1e-250, 1e-170, 1.0, 1e170, 1e300])
def test_very_large_and_very_small_numbers_are_as_far_apart_as_others(store, scale):
    random = np.random.default_rng(4)
    sides = random.exponential(1, 300), random.exponential(2, 400)
    found, expected = only(store, *(side * scale for side in sides)), only(store, *sides)
    assert found.value == pytest.approx(expected.value, rel=1e-9)
    assert found.chance == pytest.approx(expected.chance, rel=1e-9)
    assert found.state == "drifted"


def test_whole_numbers_from_the_least_to_the_greatest(store):
    found = only(store, [-(2**63), 2**63 - 1] * 150, [2**63 - 1] * 300)
    assert (found.state, found.reason) == ("drifted", "")
    assert found.value == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("kind", [pa.decimal128(38), pa.uint64()], ids=str)
def test_one_large_value_is_as_far_from_another_as_they_are_apart(store, kind):
    pair = [pa.array([2**63 + n] * 200, kind) for n in (0, 1)]
    found = only(store, *pair, columns={"x": ColumnRule("psi")})
    assert (found.state, only(store, pair[0], pair[0]).state) == ("drifted", "stable")


def test_names_of_any_letters_and_values_of_any_kind(store):
    name = 'größe "x"; DROP TABLE c0 --'
    table = pa.table({name: NUMBERS, "x": ["'; --", 'a"b'] * 200, "c0": pa.array([b"\0"] * 400)})
    found = check(drift(store, table, table))
    assert [one.name for one in found.columns] == [name, "x", "c0"]
    assert (found.state, found.compared) == ("stable", 3)


def test_long_texts_are_measured_without_being_held(store):
    sizes = np.random.default_rng(2).integers(20_000, 40_000, 200)
    reference = ["é" * int(n) for n in sizes]
    found = only(store, reference, [text[: len(text) // 2] for text in reference])
    assert (found.subject, found.drifted) == ("lengths", True)
    assert only(store, reference, reference).value == 0
    with_gaps = only(store, [*reference, None], [*reference, None])
    assert with_gaps.missing == BothSides(1, 1)


def test_thousands_of_columns(store):
    rows = np.random.default_rng(1).normal(size=(120, WIDE))
    one = pa.table({f"c{n}": rows[:, n] for n in range(WIDE)})
    other = one.set_column(7, "c7", pa.array(rows[:, 7] + 9)).set_column(
        8, "c8", pa.array([str(n % 3) for n in range(120)])
    )
    found = check(drift(store, one, other))
    assert [c.name for c in found.columns if c.drifted] == ["c7"]
    assert (found.compared, len(found.columns)) == (WIDE, WIDE)
