"""Rules for the values of a column: the pandas operations of Great Expectations' metrics, and its report of them.

Of 1.24: `expectations/metrics/column_map_metrics`, `column_aggregate_metrics` and `_format_map_output`.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from assets.datasets.arguments import LENGTHS, NUMBERS, Bounds, Wanted, is_exact

Arguments = Mapping[str, Any]
_SHOWN = 20


def _is_any(_kind: pa.DataType) -> bool:
    return True


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_float64(kind))


def _is_plain(kind: pa.DataType) -> bool:
    """Whether its values are shown in the report as they are."""
    return _is_number(kind) or _is_text(kind) or bool(pa.types.is_boolean(kind))


@dataclass(frozen=True)
class MapRule:
    """An expectation about each value."""

    meets: Callable[[pd.Series[Any], Arguments], pd.Series[Any] | None]
    """Which values meet it; None when that is not certain."""
    is_for: Callable[[pa.DataType], bool] = _is_plain
    takes: Wanted | None = None
    counts_missing: bool = False
    """Whether it is about missing values too; else they are left out."""

    @property
    def arguments(self) -> Wanted:
        """What it takes."""
        return {"column": str, "mostly?": (int, float), **(self.takes or {})}


@dataclass(frozen=True)
class AggregateRule:
    """An expectation about one number of a column."""

    compute: Callable[[pd.Series[Any]], Any]
    is_for: Callable[[pa.DataType], bool] = _is_number

    @property
    def arguments(self) -> Wanted:
        """What it takes."""
        return {"column": str, **NUMBERS}


Answer = tuple[bool, dict[str, Any]]


def judge_map(rule: MapRule, series: pd.Series[Any], given: Arguments) -> Answer | None:
    """Whether enough values meet a rule, and the library's report of those that do not."""
    mostly = given.get("mostly", 1)
    considered = series if rule.counts_missing else series[series.notnull()]
    meets = rule.meets(considered, given)
    if meets is None or not 0 <= mostly <= 1:
        return None
    odd = considered[~meets]
    if len(odd) and not _is_shown_plainly(series):
        return None
    count = len(considered)
    passed = not count or (float(count) - float(len(odd))) / float(count) >= mostly
    return passed, _report(len(series), None if rule.counts_missing else count, odd)


def judge_aggregate(rule: AggregateRule, series: pd.Series[Any], given: Arguments) -> Answer | None:
    """Whether a number of a column lies between its bounds."""
    bounds = Bounds.of(given)
    if bounds is None:
        return None
    value = rule.compute(series)
    if pd.isnull(value):
        return False, {"observed_value": None}
    return bool(bounds.hold(value)), {"observed_value": _shown(value)}


def _report(elements: int, present: int | None, odd: pd.Series[Any]) -> dict[str, Any]:
    unexpected = len(odd)
    of_all = unexpected / elements * 100 if elements else None
    of_present = unexpected / present * 100 if present else None
    first = list(odd[:_SHOWN])
    report: dict[str, Any] = {
        "element_count": elements,
        "unexpected_count": unexpected,
        "unexpected_percent": of_all if present is None else of_present,
        "partial_unexpected_list": [_shown(value) for value in first],
    }
    if present is not None:
        report |= {
            "missing_count": elements - present,
            "missing_percent": (elements - present) / elements * 100 if elements else None,
            "unexpected_percent_total": of_all,
            "unexpected_percent_nonmissing": of_present,
        }
    ranked = sorted(Counter(first).most_common(_SHOWN), key=lambda pair: (-pair[1], pair[0]))
    report["partial_unexpected_counts"] = [
        {"value": _shown(value), "count": count} for value, count in ranked
    ]
    report["partial_unexpected_index_list"] = [int(place) for place in odd.index[:_SHOWN]]
    return report


def _shown(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _is_shown_plainly(series: pd.Series[Any]) -> bool:
    """Whether the report shows its values as JSON has them; dates and the like have a rendering of the library's."""
    kind = series.dtype
    return (
        isinstance(kind, pd.StringDtype)
        or kind == np.float64
        or pd.api.types.is_integer_dtype(kind)
        or pd.api.types.is_bool_dtype(kind)
    )


def _is_present(series: pd.Series[Any], _given: Arguments) -> pd.Series[Any]:
    return series.notnull()


def _is_missing(series: pd.Series[Any], _given: Arguments) -> pd.Series[Any]:
    return series.isnull()


def _is_unique(series: pd.Series[Any], _given: Arguments) -> pd.Series[Any]:
    return ~series.duplicated(keep=False)


def _is_between(series: pd.Series[Any], given: Arguments) -> pd.Series[Any] | None:
    """The library compares most integers one by one, exactly; a whole column is compared as floats."""
    bounds = Bounds.of(given)
    wide = pd.api.types.is_integer_dtype(series.dtype) and len(series) > 0
    if bounds is None or (wide and not (is_exact(series.min()) and is_exact(series.max()))):
        return None
    found: pd.Series[Any] = bounds.hold(series)
    return found


def _is_in_set(series: pd.Series[Any], given: Arguments) -> pd.Series[Any]:
    return series.isin(given["value_set"])


def _is_not_in_set(series: pd.Series[Any], given: Arguments) -> pd.Series[Any]:
    return ~series.isin(given["value_set"])


def _has_length(series: pd.Series[Any], given: Arguments) -> pd.Series[Any]:
    found: pd.Series[Any] = series.str.len() == given["value"]
    return found


def _has_length_between(series: pd.Series[Any], given: Arguments) -> pd.Series[Any] | None:
    bounds = Bounds.of(given)
    if bounds is None:
        return None
    found: pd.Series[Any] = bounds.hold(series.str.len())
    return found


def _matches(series: pd.Series[Any], given: Arguments) -> pd.Series[Any] | None:
    """By pandas, as the library does: its engine is RE2 or Python's, by the pattern."""
    try:
        re.compile(given["regex"])
        with warnings.catch_warnings():  # of groups in the pattern, which are not asked for
            warnings.simplefilter("ignore", UserWarning)
            found: pd.Series[Any] = series.str.contains(given["regex"])
    except (re.error, pa.ArrowInvalid):
        return None
    return found


def _matches_not(series: pd.Series[Any], given: Arguments) -> pd.Series[Any] | None:
    found = _matches(series, given)
    return None if found is None else ~found


_SET: Wanted = {"value_set": [(str, int, float, bool)]}

MAPS = {
    "expect_column_values_to_not_be_null": MapRule(_is_present, _is_any, counts_missing=True),
    "expect_column_values_to_be_null": MapRule(_is_missing, _is_any, counts_missing=True),
    "expect_column_values_to_be_unique": MapRule(_is_unique),
    "expect_column_values_to_be_between": MapRule(_is_between, _is_number, NUMBERS),
    "expect_column_values_to_be_in_set": MapRule(_is_in_set, takes=_SET),
    "expect_column_values_to_not_be_in_set": MapRule(_is_not_in_set, takes=_SET),
    "expect_column_value_lengths_to_equal": MapRule(_has_length, _is_text, {"value": int}),
    "expect_column_value_lengths_to_be_between": MapRule(_has_length_between, _is_text, LENGTHS),
    "expect_column_values_to_match_regex": MapRule(_matches, _is_text, {"regex": str}),
    "expect_column_values_to_not_match_regex": MapRule(_matches_not, _is_text, {"regex": str}),
}
AGGREGATES = {
    "expect_column_max_to_be_between": AggregateRule(lambda series: series.max()),
    "expect_column_min_to_be_between": AggregateRule(lambda series: series.min()),
    "expect_column_mean_to_be_between": AggregateRule(lambda series: series.mean()),
    "expect_column_sum_to_be_between": AggregateRule(lambda series: series.sum()),
}
"""By name in the library."""
