"""Failing examples of a verdict: rows as they are counted everywhere, from 1, and values short enough to be kept with each run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assets.checks.report import SHOWN

_CHARACTERS = 200
_INDEX = "partial_unexpected_index_list"
_VALUES = "partial_unexpected_list"


@dataclass(frozen=True)
class Example:
    """A value, or a row, that fails.

    Args:
        row: its number, from 1; None of values that are told without a row.
        value: as text.
    """

    row: int | None
    value: str


def examples_of(result: Mapping[str, Any]) -> list[Example]:
    """At most 20 of a report."""
    values = list(result.get(_VALUES) or ())[:SHOWN]
    places = list(result.get(_INDEX) or ())
    rows = [place + 1 if isinstance(place, int) else None for place in places]
    rows += [None] * (len(values) - len(rows))
    return [Example(row, _text(value)) for row, value in zip(rows, values, strict=False)]


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
        return _cut(value)
    return _cut("null" if value is None else json.dumps(value, default=str, ensure_ascii=False))


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, Mapping):
        return {name: _short(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    return value


def _cut(text: str) -> str:
    left_out = len(text) - _CHARACTERS
    return text if left_out <= 0 else f"{text[:_CHARACTERS]}… ({left_out:,} more)"
