"""Rules for several columns of a row: the pandas operations of Great Expectations' metrics, batch by batch.

Of 1.24: `expectations/metrics/column_pair_map_metrics` and `multicolumn_map_metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pandas as pd
import pyarrow as pa

from assets.checks.arguments import Wanted
from assets.checks.column_rules import is_number, is_text

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class RowRule:
    """An expectation about each row."""

    meets: Callable[[pd.DataFrame, Arguments], pd.Series[Any] | None]
    """Which rows meet it; None when that is not certain."""
    is_for: Callable[[Sequence[pa.DataType]], bool]
    takes: Wanted

    @property
    def arguments(self) -> Wanted:
        """What it takes."""
        return {"mostly?": (int, float), "ignore_row_if?": str, **self.takes}

    @property
    def is_of_a_pair(self) -> bool:
        """Whether it is about two columns, whose values are shown as a pair."""
        return "column_A" in self.takes


_OF_A_PAIR = {"both_values_are_missing": "all", "either_value_is_missing": "any", "neither": ""}
_OF_SEVERAL = {"all_values_are_missing": "all", "any_value_is_missing": "any", "never": ""}


def considered(rule: RowRule, frame: pd.DataFrame, given: Arguments) -> pd.DataFrame | None:
    """The rows that count; None where the library has to say what is wrong."""
    known = _OF_A_PAIR if rule.is_of_a_pair else _OF_SEVERAL
    how = known.get(given.get("ignore_row_if", next(iter(known))))
    if how is None:
        return None
    return frame.dropna(how=how) if how else frame  # type: ignore[call-overload]  # one of two words


def _is_equal(frame: pd.DataFrame, _given: Arguments) -> pd.Series[Any]:
    found: pd.Series[Any] = frame.iloc[:, 0] == frame.iloc[:, 1]
    return found


def _is_greater(frame: pd.DataFrame, given: Arguments) -> pd.Series[Any]:
    first, second = frame.iloc[:, 0], frame.iloc[:, 1]
    found: pd.Series[Any] = first >= second if given.get("or_equal") else first > second
    return found


def _adds_up(frame: pd.DataFrame, given: Arguments) -> pd.Series[Any]:
    found: pd.Series[Any] = frame.sum(axis=1, skipna=False) == given["sum_total"]
    return found


def _are_equal(frame: pd.DataFrame, _given: Arguments) -> pd.Series[Any]:
    reference = frame.iloc[:, 0]
    same = [
        (column == reference) | (column.isna() & reference.isna()) for _, column in frame.items()
    ]
    return reduce(lambda left, right: left & right, same)


def _are_whole_numbers_or_doubles(kinds: Sequence[pa.DataType]) -> bool:
    return all(map(is_number, kinds))


def _are_comparable(kinds: Sequence[pa.DataType]) -> bool:
    """Numbers among themselves, texts among themselves; the library compares others as pandas happens to."""
    return all(map(is_number, kinds)) or all(map(is_text, kinds))


_PAIR: Wanted = {"column_A": str, "column_B": str}
_COLUMNS: Wanted = {"column_list": [str]}

ROW_RULES = {
    "expect_column_pair_values_to_be_equal": RowRule(_is_equal, _are_comparable, _PAIR),
    "expect_column_pair_values_a_to_be_greater_than_b": RowRule(
        _is_greater, _are_comparable, {**_PAIR, "or_equal?": bool}
    ),
    "expect_multicolumn_sum_to_equal": RowRule(
        _adds_up, _are_whole_numbers_or_doubles, {**_COLUMNS, "sum_total": (int, float)}
    ),
    "expect_multicolumn_values_to_be_equal": RowRule(_are_equal, _are_comparable, _COLUMNS),
}
"""By name in the library."""
