"""Rules for each value of a column: the pandas operations of Great Expectations' metrics.

Of 1.24: `expectations/metrics/column_map_metrics`. Most are asked of a batch; those that look at other values too, of the whole
column of numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
from dateutil.parser import parse as parse_date

from assets.checks.arguments import LENGTHS, NUMBERS, Bounds, Wanted, is_exact
from assets.checks.patterns import Patterns

Arguments = Mapping[str, Any]
Meets = "pd.Series[Any] | None"


def is_any(_kind: pa.DataType) -> bool:
    """Whatever a column holds."""
    return True


def is_text(kind: pa.DataType) -> bool:
    """Text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_number(kind: pa.DataType) -> bool:
    """Integers, and doubles."""
    return bool(pa.types.is_integer(kind) or pa.types.is_float64(kind))


def is_plain(kind: pa.DataType) -> bool:
    """Whether its values are shown in the report as they are."""
    return is_number(kind) or is_text(kind) or bool(pa.types.is_boolean(kind))


@dataclass(frozen=True)
class MapRule:
    """An expectation about each value."""

    meets: Callable[[pd.Series[Any], Arguments, Patterns], pd.Series[Any] | None]
    """Which values meet it; None when that is not certain."""
    is_for: Callable[[pa.DataType], bool] = is_plain
    takes: Wanted | None = None
    counts_missing: bool = False
    """Whether it is about missing values too; else they are left out."""
    needs_all: bool = False
    """Whether a value cannot be judged without the others."""
    shows_values: bool = True
    """Whether values that fail are in the report; those that are missing are shown as nothing."""

    @property
    def arguments(self) -> Wanted:
        """What it takes."""
        return {"column": str, "mostly?": (int, float), **(self.takes or {})}


def _is_present(series: pd.Series[Any], _given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    return series.notnull()


def _is_missing(series: pd.Series[Any], _given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    return series.isnull()


def _is_unique(series: pd.Series[Any], _given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    return ~series.duplicated(keep=False)


def _is_between(
    series: pd.Series[Any], given: Arguments, _patterns: Patterns
) -> pd.Series[Any] | None:
    """The library compares most integers one by one, exactly; a whole column is compared as floats."""
    bounds = Bounds.of(given)
    wide = pd.api.types.is_integer_dtype(series.dtype) and len(series) > 0
    if bounds is None or (wide and not (is_exact(series.min()) and is_exact(series.max()))):
        return None
    found: pd.Series[Any] = bounds.hold(series)
    return found


def _is_in_set(series: pd.Series[Any], given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    return series.isin(given["value_set"])


def _is_not_in_set(series: pd.Series[Any], given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    return ~series.isin(given["value_set"])


def _has_length(series: pd.Series[Any], given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    found: pd.Series[Any] = series.str.len() == given["value"]
    return found


def _has_length_between(
    series: pd.Series[Any], given: Arguments, _patterns: Patterns
) -> pd.Series[Any] | None:
    bounds = Bounds.of(given)
    if bounds is None:
        return None
    found: pd.Series[Any] = bounds.hold(series.str.len())
    return found


def _matches(series: pd.Series[Any], given: Arguments, patterns: Patterns) -> pd.Series[Any] | None:
    return patterns.contain(series, given["regex"])


def _matches_not(
    series: pd.Series[Any], given: Arguments, patterns: Patterns
) -> pd.Series[Any] | None:
    found = patterns.contain(series, given["regex"])
    return None if found is None else ~found


def _each(series: pd.Series[Any], listed: Sequence[str], patterns: Patterns) -> pd.DataFrame | None:
    columns = [patterns.contain(series, regex) for regex in listed]
    if not columns or any(column is None for column in columns):
        return None
    frame: pd.DataFrame = pd.concat(columns, axis=1, ignore_index=True)
    return frame


def _matches_list(
    series: pd.Series[Any], given: Arguments, patterns: Patterns
) -> pd.Series[Any] | None:
    """The library takes `match_on` for what it is, and anything that is left out for `any`."""
    found = _each(series, given["regex_list"], patterns)
    match_on = given.get("match_on", "any")
    if found is None or match_on not in ("any", "all"):
        return None
    return found.any(axis="columns") if match_on == "any" else found.all(axis="columns")


def _matches_none(
    series: pd.Series[Any], given: Arguments, patterns: Patterns
) -> pd.Series[Any] | None:
    found = _each(series, given["regex_list"], patterns)
    return None if found is None else ~found.any(axis="columns")


def _is_json(series: pd.Series[Any], _given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    return _by_value(series, lambda text: _reads(json.loads, text, Exception))


def _is_date(series: pd.Series[Any], _given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    return _by_value(series, lambda text: _reads(parse_date, text, ValueError, OverflowError))


def _has_format(
    series: pd.Series[Any], given: Arguments, _patterns: Patterns
) -> pd.Series[Any] | None:
    wanted = given["strftime_format"]

    def has_it(text: str) -> bool:
        return _reads(lambda value: datetime.strptime(value, wanted), text, ValueError)  # noqa: DTZ007 - only whether

    if not _reads(lambda text: _DAY.strptime(_DAY.strftime(text), text), wanted, Exception):
        return None  # a format that the library refuses
    return _by_value(series, has_it)


def _by_value(series: pd.Series[Any], holds: Callable[[str], bool]) -> pd.Series[Any]:
    return pd.Series([holds(text) for text in series], index=series.index, dtype=bool)


def _reads(read: Callable[[str], object], text: str, *errors: type[Exception]) -> bool:
    try:
        read(text)
    except errors:
        return False
    return True


def _rises(series: pd.Series[Any], given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    steps = series.diff()
    in_order = steps > 0 if given.get("strictly") else steps >= 0
    found: pd.Series[Any] = in_order | steps.isnull()
    return found


def _falls(series: pd.Series[Any], given: Arguments, _patterns: Patterns) -> pd.Series[Any]:
    steps = series.diff()
    in_order = steps < 0 if given.get("strictly") else steps <= 0
    found: pd.Series[Any] = in_order | steps.isnull()
    return found


def _is_near(
    series: pd.Series[Any], given: Arguments, _patterns: Patterns
) -> pd.Series[Any] | None:
    """Within so many standard deviations of the mean; an undefined distance is none."""
    deviation: Any = series.std()
    if deviation is pd.NA:
        return None
    if pd.isna(deviation) or deviation == 0:
        return pd.Series(True, index=series.index)
    scores = (series - series.mean()) / deviation
    limit = given["threshold"]
    near = scores.abs() < abs(limit) if given["double_sided"] else scores < limit
    found: pd.Series[Any] = near | scores.isna()
    return found


_DAY = datetime(2001, 2, 3)  # noqa: DTZ001 - any
_SET: Wanted = {"value_set": [(str, int, float, bool)]}
_STRICTLY: Wanted = {"strictly?": bool}
_LIST: Wanted = {"regex_list": [str]}


def _is_signed(kind: pa.DataType) -> bool:
    """Differences of unsigned numbers have no sign."""
    return is_number(kind) and not pa.types.is_unsigned_integer(kind)


MAPS = {
    "expect_column_values_to_not_be_null": MapRule(
        _is_present, is_any, counts_missing=True, shows_values=False
    ),
    "expect_column_values_to_be_null": MapRule(_is_missing, is_any, counts_missing=True),
    "expect_column_values_to_be_unique": MapRule(_is_unique, needs_all=True),
    "expect_column_values_to_be_between": MapRule(_is_between, is_number, NUMBERS),
    "expect_column_values_to_be_in_set": MapRule(_is_in_set, takes=_SET),
    "expect_column_values_to_not_be_in_set": MapRule(_is_not_in_set, takes=_SET),
    "expect_column_value_lengths_to_equal": MapRule(_has_length, is_text, {"value": int}),
    "expect_column_value_lengths_to_be_between": MapRule(_has_length_between, is_text, LENGTHS),
    "expect_column_values_to_match_regex": MapRule(_matches, is_text, {"regex": str}),
    "expect_column_values_to_not_match_regex": MapRule(_matches_not, is_text, {"regex": str}),
    "expect_column_values_to_match_regex_list": MapRule(
        _matches_list, is_text, {**_LIST, "match_on?": str}
    ),
    "expect_column_values_to_not_match_regex_list": MapRule(_matches_none, is_text, _LIST),
    "expect_column_values_to_be_json_parseable": MapRule(_is_json, is_text),
    "expect_column_values_to_be_dateutil_parseable": MapRule(_is_date, is_text),
    "expect_column_values_to_match_strftime_format": MapRule(
        _has_format, is_text, {"strftime_format": str}
    ),
    "expect_column_values_to_be_increasing": MapRule(_rises, _is_signed, _STRICTLY, needs_all=True),
    "expect_column_values_to_be_decreasing": MapRule(_falls, _is_signed, _STRICTLY, needs_all=True),
    "expect_column_value_z_scores_to_be_less_than": MapRule(
        _is_near, is_number, {"threshold": (int, float), "double_sided": bool}, needs_all=True
    ),
}
"""By name in the library."""
