"""Drift beside scipy and pandas: measures on whole data of every kind, what is judged, and what is told of columns."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from resources.drift import ordered_columns
from resources.drift.record import BothSides, Category, ComparedVersion, RetypedColumn, TypedColumn
from resources.drift.settings import ColumnRule, DriftSettings
from resources.drift.words import in_words
from resources.kernel.errors import InputError
from tests.resources.drift.tables import column, drift, only, store

__all__ = ["store"]
START = datetime.fromisoformat("2024-01-01")
METHODS = ("wasserstein", "psi", "ks", "jensen_shannon", "chi_square")
RANDOM = np.random.default_rng(7)
NUMBERS = {
    "normal": (RANDOM.normal(50, 10, 5_000), RANDOM.normal(54, 12, 3_000)),
    "whole": (RANDOM.poisson(3, 4_000), RANDOM.poisson(4, 4_000)),
    "long-tail": (RANDOM.lognormal(3, 2, 3_000), RANDOM.lognormal(3.4, 2, 2_000)),
    "close-and-large": (
        2**60 + RANDOM.integers(0, 1_000, 2_000),
        2**60 + RANDOM.integers(200, 1_300, 3_000),
    ),
    "far-apart": (RANDOM.uniform(0, 1, 500), RANDOM.uniform(7, 8, 700)),
    "two-values": (RANDOM.integers(0, 2, 900), (RANDOM.uniform(size=900) < 0.8).astype(int)),
}


SAMPLES = {
    "normal": lambda: RANDOM.normal(size=150),
    "whole": lambda: RANDOM.poisson(2, 150),
    "categories": lambda: RANDOM.choice(["a", "b", "c"], 150, p=[0.6, 0.3, 0.1]),
}


def of_method(store, pair, method, **rule):
    return only(store, *pair, columns={"x": ColumnRule(method, **rule)})


@pytest.mark.parametrize("pair", NUMBERS.values(), ids=NUMBERS)
def test_distances_of_numbers_are_those_of_scipy(store, pair):
    reference, current = (
        pd.Series(side - (2**60 if side.max() > 2**59 else 0)).astype(np.float64) for side in pair
    )
    wasserstein = of_method(store, pair, "wasserstein")
    expected = stats.wasserstein_distance(reference, current) / reference.std()
    assert wasserstein.value == pytest.approx(expected, rel=1e-9)
    smirnov = of_method(store, pair, "ks")
    found = stats.ks_2samp(reference, current, method="asymp")
    assert smirnov.value == pytest.approx(found.statistic, abs=1e-12)
    assert smirnov.p_value == pytest.approx(found.pvalue, rel=0.1, abs=1e-3)
    assert smirnov.p_test == wasserstein.p_test == "ks"


@pytest.mark.parametrize("name", ["normal", "long-tail", "close-and-large", "far-apart"])
def test_measures_over_the_deciles_of_the_reference_are_those_of_scipy(store, name):
    reference, current = NUMBERS[name]
    edges = np.sort(reference)[[len(reference) * part // 10 - 1 for part in range(1, 10)]]
    counts = np.array(
        [np.bincount(np.searchsorted(edges, s, "left"), minlength=10) for s in NUMBERS[name]]
    )
    expect_measures(store, (reference, current), counts[:, counts.sum(axis=0) > 0])


@pytest.mark.parametrize("name", ["two-values", "whole"])
def test_few_values_have_a_bin_each(store, name):
    values = np.unique(np.concatenate(NUMBERS[name]))
    counts = np.array([[np.sum(side == value) for value in values] for side in NUMBERS[name]])
    expect_measures(store, NUMBERS[name], counts)


TOWNS = np.array(["Köln", "Łódź", "東京", "", "rue de l'Étoile", "Graz"])
TEXTS = (
    RANDOM.choice(TOWNS[:5], 3_000, p=[0.5, 0.2, 0.15, 0.1, 0.05]),
    RANDOM.choice(TOWNS, 2_000, p=[0.3, 0.3, 0.15, 0.1, 0.05, 0.1]),
)


def test_measures_of_categories_are_those_of_scipy(store):
    expect_measures(store, TEXTS, crosstab(TEXTS))


def test_booleans_are_categories(store):
    flags = (RANDOM.uniform(size=2_000) < 0.3, RANDOM.uniform(size=1_500) < 0.5)
    expect_measures(store, flags, crosstab(flags))
    found = only(store, *flags)
    assert found.bins.labels == ("false", "true")
    assert found.bins.reference == tuple(np.bincount(flags[0]))


def crosstab(pair):
    sides = [pd.Series(side).value_counts() for side in pair]
    return pd.concat(sides, axis=1).fillna(0).to_numpy().T.astype(int)


def expect_measures(store, pair, counts):
    """PSI by its formula, the rest by scipy."""
    p, q = (side / side.sum() for side in counts)
    found = of_method(store, pair, "jensen_shannon")
    assert found.value == pytest.approx(jensenshannon(p, q), rel=1e-9)
    p, q = (np.where(side == 0, 0.0001, side) for side in (p, q))
    found = of_method(store, pair, "psi")
    assert found.value == pytest.approx(float(((q - p) * np.log(q / p)).sum()), rel=1e-9)
    test = stats.chi2_contingency(counts, correction=False)
    found = of_method(store, pair, "chi_square")
    assert found.value == pytest.approx(np.sqrt(test.statistic / counts.sum()), rel=1e-9)
    assert found.p_value == pytest.approx(test.pvalue, rel=1e-6, abs=1e-300)


def test_more_values_than_are_held_are_read_twice_with_the_same_result(store, monkeypatch):
    whole = only(store, *NUMBERS["normal"])
    monkeypatch.setattr(ordered_columns, "_HELD_VALUES", 10)
    assert only(store, *NUMBERS["normal"]) == whole


def test_the_measure_follows_from_the_type(store):
    days = [date(2024, 1, 1) + timedelta(days=int(n)) for n in RANDOM.integers(0, 400, 500)]
    moments = [START + timedelta(hours=int(n)) for n in range(500)]
    prices = [Decimal(int(n)) / 100 for n in RANDOM.integers(0, 10_000, 500)]
    table = pa.table(
        {"day": days, "at": moments, "price": prices, "town": TEXTS[0][:500], "ok": [True] * 500}
    )
    found = drift(store, table, table)
    methods = {one.name: (one.subject, one.method, one.threshold) for one in found.columns}
    assert methods == {
        "day": ("times", "wasserstein", 0.1),
        "at": ("times", "wasserstein", 0.1),
        "price": ("numbers", "wasserstein", 0.1),
        "town": ("categories", "jensen_shannon", 0.1),
        "ok": ("categories", "jensen_shannon", 0.1),
    }
    assert {one.value for one in found.columns} == {0.0}
    assert (found.state, found.compared, found.drifted, found.share) == ("stable", 5, 0, 0.0)


def test_times_drift_as_their_numbers_do_and_are_shown_by_the_calendar(store):
    minutes = RANDOM.integers(0, 500_000, 2_000), RANDOM.integers(100_000, 600_000, 2_000)
    pair = [pa.array([START + timedelta(minutes=int(n)) for n in side]) for side in minutes]
    found = only(store, *pair)
    expected = stats.wasserstein_distance(*minutes) / np.std(minutes[0], ddof=1)
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert (found.state, found.bins.kind, found.bins.unit) == ("drifted", "time", "day")
    assert sum(found.bins.reference) == sum(found.bins.current) == 2_000


def test_an_effect_below_its_threshold_is_none_however_many_rows_show_it(store):
    shifted = RANDOM.normal(0, 1, 200_000), RANDOM.normal(0.03, 1, 200_000)
    found = only(store, *shifted)
    assert (found.state, found.p_value < 1e-6) == ("stable", True)
    assert of_method(store, shifted, "auto", threshold=0.01).state == "drifted"


def test_what_chance_may_make_is_no_drift(store):
    """Of 25 values in 130 rows, shares differ by more than the threshold without any drift."""
    pair = [RANDOM.integers(0, 25, 130).astype(str) for _ in range(2)]
    found = only(store, *pair)
    assert found.value > found.threshold
    assert (found.state, found.drifted) == ("too_few", False)


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("method", METHODS)
def test_samples_of_one_distribution_are_hardly_ever_called_drifted(store, kind, method):
    if kind == "categories" and method in ("wasserstein", "ks"):
        method = "auto"
    columns = lambda: pa.table({f"c{n}": SAMPLES[kind]() for n in range(100)})  # noqa: E731 - anew
    rules = {f"c{n}": ColumnRule(method) for n in range(100)}
    assert drift(store, columns(), columns(), DriftSettings(rules)).drifted <= 2


@pytest.mark.parametrize("method", ["auto", "psi", "chi_square"])
def test_categories_that_are_all_others_have_drifted_however_many_there_are(store, method):
    """Of 400 in 1,000 rows each has two or three: by chance shares differ much, but not so."""
    places = [RANDOM.integers(0, 400, 1_000) for _ in range(2)]
    towns = [[f"{side}{n}" for n in of] for side, of in zip("ab", places, strict=True)]
    same = [f"a{n}" for n in places[1]]
    assert of_method(store, towns, method).state == "drifted"
    assert of_method(store, (towns[0], same), method).drifted is False


def test_few_rows_are_too_few_to_judge(store):
    found = only(store, np.arange(60) / 7, np.arange(300) + 1_000.5)
    assert (found.state, found.drifted) == ("too_few", False)
    assert found.value > 1


def test_missing_values_are_judged_by_percentage_points(store):
    reference = pa.array([None] * 20 + [1.5, 2.5] * 490)
    current = pa.array([None] * 120 + [1.5, 2.5] * 440)
    found = only(store, reference, current)
    assert found.missing == BothSides(20, 120)
    assert found.missing_points == pytest.approx(10)
    assert (found.values_state, found.missing_state, found.state) == (
        "stable",
        "drifted",
        "drifted",
    )
    assert only(store, reference, current, missing_points=10.5).state == "stable"


def test_numbers_that_are_not_finite_are_counted_apart(store):
    reference = np.array([np.nan, np.inf, -np.inf, *RANDOM.normal(size=997)])
    current = np.array([np.nan] * 100 + [*RANDOM.normal(size=900)])
    found = only(store, pa.array(reference), pa.array(current))
    assert (found.missing, found.not_finite) == (BothSides(0, 0), BothSides(3, 100))
    assert (found.values_state, found.missing_state) == ("stable", "drifted")
    assert found.missing_points == pytest.approx(9.7)
    pair = [pa.table({"x": side}) for side in (reference, current)]
    assert "x (missing or not finite +9.7 points)" in in_words(drift(store, *pair))


def test_new_and_vanished_categories_are_named_the_most_frequent_first(store):
    reference = ["a"] * 200 + ["b"] * 100 + ["old"] * 50 + ["older"] * 20
    current = ["a"] * 200 + ["b"] * 100 + [f"new{n:02}" for n in range(30) for _ in range(30 - n)]
    found = only(store, reference, current)
    assert found.vanished == (Category("old", 50), Category("older", 20))
    assert [one.value for one in found.new] == [f"new{n:02}" for n in range(20)]
    assert (found.new[0].rows, found.more_new, found.more_vanished) == (30, 10, 0)


def test_more_categories_than_are_told_apart_count_as_one(store):
    reference = np.repeat(np.arange(3_000), 3).astype(str)
    found = only(store, reference, np.concatenate([reference, ["new"] * 20_000]))
    assert (found.subject, found.drifted) == ("categories", True)
    assert found.new == (Category("new", 20_000),)
    assert found.bins.others.reference + sum(found.bins.reference) == 9_000


def test_identifiers_are_compared_only_where_they_are_asked_for(store):
    keys = [f"id-{n}" for n in range(1_000)]
    for reference, current in [(range(1_000), range(5_000, 6_000)), (keys, keys[:500] * 2)]:
        found = only(store, list(reference), list(current))
        assert (found.subject, found.state, found.method) == ("nothing", "stable", None)
        assert "identifier" in found.reason
    named = only(store, range(1_000), range(5_000, 6_000), columns={"x": ColumnRule()})
    assert (named.subject, named.drifted) == ("numbers", True)


def test_of_free_texts_the_lengths_are_compared(store):
    def words(low, high):
        return ["w" * int(n) + f" {m}" for m, n in enumerate(RANDOM.integers(low, high, 900))]

    reference, current = [*words(5, 40), "a", "a"], words(30, 80)
    found = only(store, reference, current)
    expected = stats.wasserstein_distance([*map(len, reference)], [*map(len, current)])
    assert found.value == pytest.approx(expected / np.std([*map(len, reference)], ddof=1))
    assert (found.subject, found.drifted) == ("lengths", True)
    assert "free text" in found.reason


def test_texts_of_several_words_are_no_identifiers_though_each_is_another(store):
    reference = [f"review {n} " + "good " * (n % 7) for n in range(300)]
    found = only(store, reference, [text + "but dear " * 9 for text in reference])
    assert (found.subject, found.state) == ("lengths", "drifted")
    assert "free text" in found.reason


def test_of_lists_records_and_bytes_missing_values_alone_are_compared(store):
    tables = [
        pa.table(
            {
                "list": pa.array([None if n < gaps else [n] for n in range(400)]),
                "record": [{"a": n} for n in range(400)],
                "bytes": pa.array([b"x"] * 400),
            }
        )
        for gaps in (0, 100)
    ]
    found = drift(store, *tables)
    states = {one.name: (one.subject, one.state) for one in found.columns}
    assert states == {
        "list": ("nothing", "drifted"),
        "record": ("nothing", "stable"),
        "bytes": ("nothing", "stable"),
    }
    assert column(found, "list").missing == BothSides(0, 100)
    assert all(one.reason for one in found.columns)


def test_new_and_gone_columns_and_those_of_another_type_are_told(store):
    numbers = RANDOM.normal(size=300)
    one = pa.table({"a": numbers, "old": [1] * 300, "n": range(300), "t": ["x"] * 300})
    other = pa.table({"n": np.arange(300) / 1.0, "a": numbers, "new": ["y"] * 300, "t": [1] * 300})
    found = drift(store, one, other)
    assert found.columns_added == (TypedColumn("new", "string"),)
    assert found.columns_removed == (TypedColumn("old", "int64"),)
    assert found.columns_retyped == (
        RetypedColumn("n", "int64", "double"),
        RetypedColumn("t", "string", "int64"),
    )
    assert [(c.name, c.subject) for c in found.columns] == [
        ("n", "numbers"), ("a", "numbers"), ("t", "nothing"),
    ]  # fmt: skip
    assert column(found, "n").value == 0
    assert column(found, "t").reason == "its type was string and is int64"


def test_days_and_moments_are_compared_in_the_coarser_unit(store):
    days = [date(2024, 1, 1) + timedelta(days=int(n)) for n in RANDOM.integers(0, 300, 500)]
    moments = [datetime.combine(d, time(13, 30)) for d in days]
    found = only(store, pa.array(days), pa.array(moments))
    assert (found.subject, found.value, found.state) == ("times", 0.0, "stable")


def test_how_many_columns_may_drift_is_given_as_a_share(store):
    same = RANDOM.normal(size=300)
    one = pa.table({"a": same, "b": same, "c": same, "d": same})
    other = pa.table({"a": same + 3, "b": same, "c": same, "d": same})
    states = [
        drift(store, one, other, DriftSettings(share=share)).state for share in (None, 0.25, 0.2, 0)
    ]
    assert states == ["drifted", "stable", "drifted", "drifted"]
    ignoring = drift(store, one, other, DriftSettings(ignore=frozenset("a")))
    assert (ignoring.state, ignoring.ignored, len(ignoring.columns)) == ("stable", ("a",), 3)


def test_both_sides_are_named(store):
    found = drift(store, pa.table({"a": [1]}), pa.table({"a": [1, 2]}))
    assert found.reference == ComparedVersion("orders", 1, 1)
    assert found.current == ComparedVersion("orders", 2, 2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (DriftSettings({"aeg": ColumnRule()}), "there is no column 'aeg'"),
        (DriftSettings(ignore=frozenset({"gone"})), "there is no column 'gone'"),
        (DriftSettings({"t": ColumnRule("ks")}), "ks compares numbers, and it holds categories"),
    ],
    ids=["unknown-column", "unknown-ignored", "method-of-numbers"],
)
def test_settings_that_do_not_fit_are_refused(store, settings, said):
    table = pa.table({"t": ["a", "b"] * 100})
    with pytest.raises(InputError, match=said):
        drift(store, table, table, settings)
