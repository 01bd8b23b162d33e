"""Failing examples of a verdict: rows by their key and as they are counted everywhere, from 1, and values short enough to be kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assets.checks.report import SHOWN
from assets.checks.row_keys import RowKey
from assets.checks.texts import cut

ROW_KEYS = "row_keys"
"""In a report that is kept: of each failing value, in the same order, the key of its row."""
_INDEX = "partial_unexpected_index_list"
_VALUES = "partial_unexpected_list"


@dataclass(frozen=True)
class Example:
    """A value, or a row, that fails.

    Args:
        row: its number, from 1; None of values that are told without a row.
        value: as text.
        key: of the row; empty where it has none.
    """

    row: int | None
    value: str
    key: RowKey = field(default_factory=dict)


def places_of(result: Mapping[str, Any]) -> list[int | None]:
    """Of at most 20 failing values the row, counted from 0; None of one that is told without."""
    places = list(result.get(_INDEX) or ())[:SHOWN]
    rows = [place if isinstance(place, int) else None for place in places]
    values = min(len(result.get(_VALUES) or ()), SHOWN)
    return rows[:values] + [None] * (values - len(rows))


def examples_of(
    result: Mapping[str, Any], keys: Mapping[int, RowKey] | None = None
) -> list[Example]:
    """At most 20 of a report.

    Args:
        result: the report.
        keys: of rows, by their number from 0.
    """
    values = list(result.get(_VALUES) or ())[:SHOWN]
    known = keys or {}
    return [
        Example(None, _text(value))
        if place is None
        else Example(place + 1, _text(value), known.get(place, {}))
        for place, value in zip(places_of(result), values, strict=True)
    ]


def shortened(result: Mapping[str, Any]) -> dict[str, Any]:
    """A report without long texts: each event is kept twice, and read whole."""
    return {name: _short(value) for name, value in result.items()}


def observed(result: Mapping[str, Any]) -> str:
    """What was found, in words: the figure that was looked at, or how many fail."""
    if result.get("observed_value") is not None:
        return _text(result["observed_value"])
    failing, elements = result.get("unexpected_count"), result.get("element_count")
    if failing is None:
        lacking = result.get("missing_count")
        return "" if lacking is None else f"{lacking:,} missing"
    if not isinstance(elements, int):
        return f"{failing:,} unexpected"
    return f"{failing:,} of {elements:,} fail"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return cut(value)
    return cut("null" if value is None else json.dumps(value, default=str, ensure_ascii=False))


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, Mapping):
        return {name: _short(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    return value
