"""`dataset.facets`: what is in one column of the rows that match: its most frequent values, its ends, its nulls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestration.services.rows.cells import CUT_AT, shown_rows
from orchestration.services.rows.conditions import check_column
from orchestration.services.rows.find import opened_finder
from orchestration.services.rows.page import SECONDS, RowsWanted, search_of
from orchestration.services.rows.place import Datasets, version_of
from orchestration.services.rows.search import is_sortable
from resources.kernel.errors import InputError
from resources.stores.tables import StoredTable

TOP_LIMIT = 100


@dataclass(frozen=True)
class Frequent:
    """A value and how often it comes."""

    value: Any
    rows: int


@dataclass(frozen=True)
class Facets:
    """One column of the rows that match."""

    dataset: str
    version: int
    column: str
    type: str
    rows: int
    """That match."""
    nulls: int
    distinct: int | None
    """Different values, nulls left out; None of a type whose values are not compared here."""
    minimum: Any
    maximum: Any
    """NaN counts as larger than every number, as in SQL."""
    top: tuple[Frequent, ...]
    """The most frequent values, the most frequent first."""


def dataset_facets(
    datasets: Datasets, name: str, column: str, wanted: RowsWanted, *, top: int = 10
) -> Facets:
    """What is in a column, among the rows that `wanted` asks for; its page and order do not count.

    Raises:
        UnknownNameError: nothing makes the dataset.
        NotFoundError: no such version.
        InputError: no such column, a condition that its column does not know, or it takes too long.
    """
    if not 1 <= top <= TOP_LIMIT:
        raise InputError(f"1 to {TOP_LIMIT} values can be listed, not {top:,}")
    table = version_of(datasets, name, wanted.version)
    search = search_of(table, wanted)
    found = table.schema.field(check_column(column, table.schema.names))
    is_compared = is_sortable(found.type)
    with opened_finder(table, SECONDS) as finder:
        rows, nulls, low, high = finder.extremes(search, column, is_compared=is_compared)
        distinct, frequent = (
            finder.most_frequent(search, column, top) if is_compared else (None, [])
        )
    numbers = [n for n in (low, high) if n is not None] if is_compared else []
    values = _values(table, column, [*numbers, *(n for n, _ in frequent)])
    ends = values[: len(numbers)] or [None, None]
    return Facets(
        dataset=name,
        version=table.version.number,
        column=column,
        type=str(found.type),
        rows=rows,
        nulls=nulls,
        distinct=distinct,
        minimum=ends[0],
        maximum=ends[-1],
        top=tuple(
            Frequent(value, times)
            for value, (_, times) in zip(values[len(numbers) :], frequent, strict=True)
        ),
    )


def _values(table: StoredTable, column: str, numbers: list[int]) -> list[Any]:
    """Exactly as they are stored, whatever DuckDB makes of their type."""
    rows, _ = shown_rows(table.rows_at(numbers, [column]), CUT_AT)
    return [value for (value,) in rows]
