"""The same facts of a column by pandas, scipy and plain Python: what a profile is compared with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from resources.profiles.record import QUANTILES, ColumnProfile, Profile
from tests.resources.profiles.tables import column

CLOSE = 1e-9
SQUARABLE = 1e-100
"""pandas and scipy lose squares of smaller numbers."""


def check_counts(found: ColumnProfile, values: Sequence[Any]) -> None:
    """Missing, distinct, once, and the rows of the top values."""
    present = [value for value in values if value is not None]
    counted = Counter("nan" if value != value else _frozen(value) for value in present)  # noqa: PLR0124 - NaN alone
    assert found.missing == len(values) - len(present)
    assert found.distinct == len(counted)
    assert found.once == sum(rows == 1 for rows in counted.values())


def check_number(found: ColumnProfile, values: Sequence[float | None]) -> None:
    """Every figure of a column of doubles or whole numbers."""
    check_counts(found, values)
    numbers = [value for value in values if value is not None]
    finite = [value for value in numbers if math.isfinite(value)]
    assert found.nans == sum(math.isnan(value) for value in numbers)
    assert found.infinities == sum(math.isinf(value) for value in numbers)
    if not finite:
        assert (found.lowest, found.mean, found.distribution, found.quantiles) == (
            None,
            None,
            None,
            (),
        )
        return
    assert (float(found.lowest or 0), float(found.highest or 0)) == (
        float(min(finite)),
        float(max(finite)),
    )
    assert found.zeros == finite.count(0)
    assert found.negatives == sum(value < 0 for value in finite)
    assert sum(top.rows for top in found.top) == sum(
        rows for _, rows in Counter(finite).most_common(len(found.top))
    )
    _check_moments(found, np.array(finite, np.float64))
    _check_bins(found, np.array(finite, np.float64))


def _check_moments(found: ColumnProfile, finite: np.ndarray) -> None:
    series = pd.Series(finite)
    scale = float(np.abs(finite).max()) or 1.0
    assert found.mean == pytest.approx(float(series.mean()), rel=CLOSE, abs=CLOSE * scale)
    quantiles = [float(value) for value in found.quantiles]
    expected = [float(value) for value in series.quantile(list(QUANTILES))]
    assert quantiles == pytest.approx(expected, rel=CLOSE, abs=CLOSE * scale)
    if len(finite) > 1 and scale > SQUARABLE:
        assert found.std == pytest.approx(float(series.std()), rel=CLOSE, abs=CLOSE * scale)
    if (
        len(finite) > 2
        and scale > SQUARABLE
        and series.nunique() > 1
        and float(series.std()) > 1e-6 * scale
    ):
        skew = float(stats.skew(finite, bias=False))
        assert found.skew == pytest.approx(skew, rel=1e-6, abs=1e-6)
        assert found.skew == pytest.approx(float(series.skew()), rel=1e-6, abs=1e-6)
    fences = found.fences
    assert fences is not None
    low, high = float(fences[0]), float(fences[1])
    assert found.outliers == int(((finite < low) | (finite > high)).sum())


def _check_bins(found: ColumnProfile, finite: np.ndarray) -> None:
    bins = found.distribution
    assert bins is not None
    edges = np.array([float(edge) for edge in bins.edges])
    assert (bins.below, bins.above) == (
        int((finite < edges[0]).sum()),
        int((finite > edges[-1]).sum()),
    )
    within = finite[(finite >= edges[0]) & (finite <= edges[-1])]
    expected = [len(within)] if edges[0] == edges[-1] else np.histogram(within, edges)[0].tolist()
    assert list(bins.counts) == expected


def check_text(found: ColumnProfile, values: Sequence[str | None]) -> None:
    """Every figure of a column of texts."""
    check_counts(found, values)
    present = pd.Series([value for value in values if value is not None], dtype=object)
    assert found.blanks == sum(not value.strip(" \t\r\n\f\v") for value in present)
    if not len(present):
        assert found.lengths is None
        return
    lengths = present.map(len)
    assert found.lengths is not None
    assert (found.lengths.least, found.lengths.most) == (lengths.min(), lengths.max())
    assert found.lengths.mean == pytest.approx(float(lengths.mean()))
    counted = present.value_counts()
    assert [top.rows for top in found.top] == counted.head(10).tolist()
    assert all(counted[top.exact] == top.rows for top in found.top if top.exact is not None)
    bars = found.distribution
    assert bars is not None
    assert sum(bars.counts) + bars.others == len(present)
    assert len(bars.counts) + bars.other_values == len(counted)


def check_correlations(profile: Profile, table: pa.Table) -> None:
    """Pearson and Spearman of every pair of numbers, in the rows where both have one."""
    frame = table.to_pandas(date_as_object=False)
    measured = 0
    for one in profile.associations:
        if one.method not in ("pearson", "spearman"):
            continue
        pair = frame[[one.a, one.b]].astype(float).replace([np.inf, -np.inf], np.nan).dropna()
        of_scipy = stats.pearsonr if one.method == "pearson" else stats.spearmanr
        assert one.value == pytest.approx(float(of_scipy(pair[one.a], pair[one.b])[0]), abs=1e-7)
        assert one.rows == len(pair)
        measured += 1
    assert measured


def check_mixed(profile: Profile, table: pa.Table) -> None:
    """Cramer's V by scipy, the correlation ratio by an analysis of variance."""
    frame = table.to_pandas(date_as_object=False)
    for one in profile.associations:
        pair = frame[[one.a, one.b]].dropna()
        if one.method == "cramers_v":
            observed = pd.crosstab(pair[one.a], pair[one.b])
            expected = stats.contingency.association(observed, method="cramer")
            assert one.value == pytest.approx(float(expected), abs=1e-7)
        elif one.method == "correlation_ratio":
            number, category = (
                (one.a, one.b) if column(profile, one.a).kind == "number" else (one.b, one.a)
            )
            assert one.value == pytest.approx(_eta(pair[number], pair[category]), abs=1e-7)


def _eta(numbers: pd.Series, categories: pd.Series) -> float:
    groups = [group.to_numpy(float) for _, group in numbers.groupby(categories)]
    f, _ = stats.f_oneway(*groups)
    between, within = len(groups) - 1, len(numbers) - len(groups)
    return math.sqrt(f * between / (f * between + within))


def check_rows(profile: Profile, table: pa.Table) -> None:
    """Rows, missing cells, repeated rows and patterns of missing cells."""
    frame = table.to_pandas(date_as_object=False)
    assert profile.rows == len(frame)
    assert profile.missing_cells == sum(column.null_count for column in table.columns)
    rows = Counter(
        map(tuple, zip(*(map(_cell, c.to_pylist()) for c in table.columns), strict=True))
    )
    assert profile.duplicate_rows == len(frame) - len(rows)
    patterns = _patterns(table)
    assert [one.rows for one in profile.missingness] == [rows for _, rows in patterns[:20]]
    assert {frozenset(one.columns): one.rows for one in profile.missingness}.items() <= {
        frozenset(names): rows for names, rows in patterns
    }.items()


def _patterns(table: pa.Table) -> list[tuple[set[str], int]]:
    kept = [name for name in table.column_names if table[name].null_count < table.num_rows]
    columns = [[value is None for value in table[name].to_pylist()] for name in kept]
    counted = Counter(
        tuple(name for name, gone in zip(kept, row, strict=True) if gone)
        for row in zip(*columns, strict=True)
    )
    del counted[()]
    return [(set(names), rows) for names, rows in counted.most_common()]


def _cell(value: Any) -> Any:
    return "nan" if isinstance(value, float) and math.isnan(value) else _frozen(value)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted((key, _frozen(inner)) for key, inner in value.items()))
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(map(_frozen, value))
    return value
