"""What an expectation about values or rows found, in the words and with the figures of Great Expectations.

Of 1.24: `_format_map_output`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

SHOWN = 20
"""Failing values that a report holds at most."""

Answer = tuple[bool, dict[str, Any]]
"""Whether an expectation is met, and the report."""


def shown(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    if value is pd.NaT:
        return "NaT"
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def map_report(
    elements: int, present: int | None, unexpected: int, first: Sequence[tuple[int, Any]]
) -> dict[str, Any]:
    """The report of an expectation about each value, or each row.

    Args:
        elements: how many there are.
        present: how many of them count; None where missing ones count too.
        unexpected: how many fail.
        first: place, counted from 0, and value of the first that fail.
    """
    of_all = unexpected / elements * 100 if elements else None
    of_present = unexpected / present * 100 if present else None
    values = [value for _, value in first]
    report: dict[str, Any] = {
        "element_count": elements,
        "unexpected_count": unexpected,
        "unexpected_percent": of_all if present is None else of_present,
        "partial_unexpected_list": [shown(value) for value in values],
    }
    if present is not None:
        report |= {
            "missing_count": elements - present,
            "missing_percent": (elements - present) / elements * 100 if elements else None,
            "unexpected_percent_total": of_all,
            "unexpected_percent_nonmissing": of_present,
        }
    if (ranked := _ranked(values)) is not None:
        report["partial_unexpected_counts"] = ranked
    report["partial_unexpected_index_list"] = [place for place, _ in first]
    return report


def _ranked(values: Sequence[Any]) -> list[dict[str, Any]] | None:
    """How often each comes; None of values that have no order, or cannot be counted."""
    plain = [tuple(value.values()) if isinstance(value, dict) else value for value in values]
    try:
        ranked = sorted(Counter(plain).most_common(SHOWN), key=lambda pair: (-pair[1], pair[0]))
    except TypeError:
        return None
    return [{"value": shown(value), "count": count} for value, count in ranked]
