"""Rules for the shape of a table: its manifest tells, no row is read.

Of 1.24: `expectations/core/expect_table_*`, and the one for a column's existence.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from assets.checks.arguments import LENGTHS, Bounds
from assets.checks.report import Answer
from resources.stores.tables import StoredTable


def _row_count_equals(given: Mapping[str, Any], table: StoredTable) -> Answer | None:
    return table.rows == given["value"], {"observed_value": table.rows}


def _row_count_between(given: Mapping[str, Any], table: StoredTable) -> Answer | None:
    return _count_between(given, table.rows)


def _column_count_equals(given: Mapping[str, Any], table: StoredTable) -> Answer | None:
    count = len(table.schema.names)
    return count == given["value"], {"observed_value": count}


def _column_count_between(given: Mapping[str, Any], table: StoredTable) -> Answer | None:
    return _count_between(given, len(table.schema.names))


def _count_between(given: Mapping[str, Any], count: int) -> Answer | None:
    bounds = Bounds.of(given)
    return None if bounds is None else (bool(bounds.hold(count)), {"observed_value": count})


def _columns_ordered(given: Mapping[str, Any], table: StoredTable) -> Answer | None:
    wanted, actual = given["column_list"], list(table.schema.names)
    if wanted == actual:
        return True, {"observed_value": actual}
    mismatched = [
        {"Expected Column Position": position, "Expected": one, "Found": other}
        for position, (one, other) in enumerate(zip_longest(wanted, actual))
        if one != other
    ]
    return False, {"observed_value": actual, "details": {"mismatched": mismatched}}


def _columns_in_set(given: Mapping[str, Any], table: StoredTable) -> Answer | None:
    wanted, actual = set(given["column_set"]), set(table.schema.names)
    found: dict[str, Any] = {"observed_value": sorted(actual)}
    if wanted == actual:
        return True, found
    differences = {"unexpected": sorted(actual - wanted), "missing": sorted(wanted - actual)}
    found["details"] = {
        "mismatched": {name: listed for name, listed in differences.items() if listed}
    }
    return not given.get("exact_match", True) and not differences["missing"], found


def _column_exists(given: Mapping[str, Any], table: StoredTable) -> Answer | None:
    wanted, index, actual = given["column"], given.get("column_index"), table.schema.names
    if not index:  # the library asks for no place when it is 0
        return wanted in actual, {}
    inside = -len(actual) <= index < len(actual)
    return inside and actual[index] == wanted, {}


TABLE_RULES = {
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
"""By name in the library: the rule, and what it takes."""
