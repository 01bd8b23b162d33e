"""Common expectations judged without Great Expectations, whose import costs 8 s of CPU; the verdict is the library's.

Equality is by construction: a rule applies to the very frame that the library would get the pandas operations that the
library would apply to it (`column_rules.py`), and only for arguments that the library takes unchanged. Whatever is not
certain has no verdict here, but `None`: another expectation, argument, column type, or a value that a float
cannot hold. `library.py` judges it then. `test_native.py` compares both on random tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import pandas as pd

from assets.datasets.arguments import LENGTHS, Bounds, takes
from assets.datasets.column_rules import AGGREGATES, MAPS, judge_aggregate, judge_map
from assets.datasets.expectations import Expectation, Verdict
from resources.stores.tables import StoredTable

JUDGE = "Waybill, with the verdict of Great Expectations"


def judge_natively(expectations: Sequence[Expectation], table: StoredTable) -> list[Verdict | None]:
    """A verdict for each expectation; None where the library has to judge. One column is in memory at a time."""
    found: list[Verdict | None] = [_judge_table(item, table) for item in expectations]
    for column in table.schema.names:
        mine = [
            position
            for position, item in enumerate(expectations)
            if item.arguments.get("column") == column and _is_about_values(item, table)
        ]
        if mine:
            series = table.to_pandas([column])[column]
            for position in mine:
                found[position] = _judge_column(expectations[position], series)
    return found


def _is_about_values(item: Expectation, table: StoredTable) -> bool:
    """Whether there is a rule for this expectation with these arguments over a column of this type."""
    rule = MAPS.get(item.kind) or AGGREGATES.get(item.kind)
    if rule is None or not takes(item.arguments, rule.arguments):
        return False
    return rule.is_for(table.schema.field(item.arguments["column"]).type)


def _judge_column(item: Expectation, series: pd.Series[Any]) -> Verdict | None:
    if item.kind in MAPS:
        answer = judge_map(MAPS[item.kind], series, item.arguments)
    else:
        answer = judge_aggregate(AGGREGATES[item.kind], series, item.arguments)
    return None if answer is None else Verdict(*answer, judged_by=JUDGE)


def _judge_table(item: Expectation, table: StoredTable) -> Verdict | None:
    if item.kind not in _TABLE:
        return None
    judge, arguments = _TABLE[item.kind]
    if not takes(item.arguments, arguments):
        return None
    answer = judge(item.arguments, table)
    return None if answer is None else Verdict(*answer, judged_by=JUDGE)


_Answer = tuple[bool, dict[str, Any]]


def _row_count_equals(given: Mapping[str, Any], table: StoredTable) -> _Answer | None:
    return table.rows == given["value"], {"observed_value": table.rows}


def _row_count_between(given: Mapping[str, Any], table: StoredTable) -> _Answer | None:
    return _count_between(given, table.rows)


def _column_count_equals(given: Mapping[str, Any], table: StoredTable) -> _Answer | None:
    count = len(table.schema.names)
    return count == given["value"], {"observed_value": count}


def _column_count_between(given: Mapping[str, Any], table: StoredTable) -> _Answer | None:
    return _count_between(given, len(table.schema.names))


def _count_between(given: Mapping[str, Any], count: int) -> _Answer | None:
    bounds = Bounds.of(given)
    return None if bounds is None else (bool(bounds.hold(count)), {"observed_value": count})


def _columns_ordered(given: Mapping[str, Any], table: StoredTable) -> _Answer | None:
    wanted, actual = given["column_list"], list(table.schema.names)
    if wanted == actual:
        return True, {"observed_value": actual}
    mismatched = [
        {"Expected Column Position": position, "Expected": one, "Found": other}
        for position, (one, other) in enumerate(zip_longest(wanted, actual))
        if one != other
    ]
    return False, {"observed_value": actual, "details": {"mismatched": mismatched}}


def _columns_in_set(given: Mapping[str, Any], table: StoredTable) -> _Answer | None:
    wanted, actual = set(given["column_set"]), set(table.schema.names)
    found: dict[str, Any] = {"observed_value": sorted(actual)}
    if wanted == actual:
        return True, found
    differences = {"unexpected": sorted(actual - wanted), "missing": sorted(wanted - actual)}
    found["details"] = {
        "mismatched": {name: listed for name, listed in differences.items() if listed}
    }
    return not given.get("exact_match", True) and not differences["missing"], found


def _column_exists(given: Mapping[str, Any], table: StoredTable) -> _Answer | None:
    wanted, index, actual = given["column"], given.get("column_index"), table.schema.names
    if not index:  # the library asks for no place when it is 0
        return wanted in actual, {}
    inside = -len(actual) <= index < len(actual)
    return inside and actual[index] == wanted, {}


_TABLE = {
    "expect_table_row_count_to_equal": (_row_count_equals, {"value": int}),
    "expect_table_row_count_to_be_between": (_row_count_between, LENGTHS),
    "expect_table_column_count_to_equal": (_column_count_equals, {"value": int}),
    "expect_table_column_count_to_be_between": (
        _column_count_between,
        {"min_value?": int, "max_value?": int},
    ),
    "expect_table_columns_to_match_ordered_list": (_columns_ordered, {"column_list": [str]}),
    "expect_table_columns_to_match_set": (
        _columns_in_set,
        {"column_set": [str], "exact_match?": bool},
    ),
    "expect_column_to_exist": (_column_exists, {"column": str, "column_index?": int}),
}
