"""Rules for one figure of a column of numbers: pandas' figures of the whole column, 8 bytes a row, so that they are the library's to the last bit.

Of 1.24: `expectations/metrics/column_aggregate_metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from assets.checks.arguments import NUMBERS, Bounds, Wanted
from assets.checks.column_rules import is_number
from assets.checks.report import Answer, shown

SHARE_PRESENT = "expect_column_proportion_of_non_null_values_to_be_between"
"""Of a column of any type."""
FIGURE_TAKES: Wanted = {"column": str, **NUMBERS}


@dataclass(frozen=True)
class FigureRule:
    """An expectation about one number of a column."""

    compute: Callable[[pd.Series[Any]], Any]
    is_for: Callable[[pa.DataType], bool] = is_number

    @property
    def arguments(self) -> Wanted:
        """What it takes."""
        return FIGURE_TAKES


def judge_figure(value: Any, given: Mapping[str, Any]) -> Answer | None:
    """Whether a figure lies between its bounds."""
    bounds = Bounds.of(given)
    if bounds is None:
        return None
    if pd.isnull(value):
        return False, {"observed_value": None}
    return bool(bounds.hold(value)), {"observed_value": shown(value)}


FIGURES = {
    "expect_column_max_to_be_between": FigureRule(lambda series: series.max()),
    "expect_column_min_to_be_between": FigureRule(lambda series: series.min()),
    "expect_column_mean_to_be_between": FigureRule(lambda series: series.mean()),
    "expect_column_sum_to_be_between": FigureRule(lambda series: series.sum()),
    "expect_column_stdev_to_be_between": FigureRule(lambda series: series.std()),
    "expect_column_median_to_be_between": FigureRule(
        lambda series: series[series.notnull()].median()
    ),
}
"""By name in the library."""
