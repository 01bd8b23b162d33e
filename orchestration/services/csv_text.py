"""Logs as CSV text that a spreadsheet opens without computing anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(fields: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """A header and a line a row, in bounded memory.

    Args:
        fields: columns, in their order.
        rows: values by column; a moment becomes ISO 8601, None an empty cell.
    """
    yield _line(fields)
    for row in rows:
        yield _line([_cell(row[field]) for field in fields])


def harmless(text: str) -> str:
    """A cell as text: one that a spreadsheet would compute has a `'` before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return harmless("" if value is None else str(value))
