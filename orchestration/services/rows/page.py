"""`dataset.rows`: a page of a version.

Where every row is wanted in the order stored, row numbers say which, and DuckDB is not even imported. A search or an order asks
DuckDB for the numbers of the rows; their values come from the files either way, so that no type is changed by the
way there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from orchestration.services.rows.cells import CUT_AT, WHOLE, Cut, shown_rows
from orchestration.services.rows.conditions import Condition, check_column, parse_condition
from orchestration.services.rows.find import Finder, opened_finder
from orchestration.services.rows.place import Datasets, version_of
from orchestration.services.rows.search import Search, check_search, is_sortable
from resources.kernel.errors import InputError
from resources.stores.tables import StoredTable

PAGE_LIMIT = 1_000
CELLS_LIMIT = 100_000
"""Rows times columns of a page: what a browser and a reader can take."""
SECONDS = 60


@dataclass(frozen=True)
class Column:
    """A column of a page."""

    name: str
    type: str
    can_sort: bool
    """Whether its values have an order that rows can be sorted by."""


@dataclass(frozen=True)
class RowsWanted:
    """What is asked for.

    Args:
        where: conditions as text, `hour >= 5`; all of them hold.
        conditions: conditions as records, beside those.
        search: part of a value of any text column, in any case.
        sort: the column to sort by; nulls come last.
        descending: whether the largest come first.
        columns: only these, in this order; all of them when empty.
        offset: rows to leave out before the page.
        limit: most rows of the page.
        version: of the dataset; the newest by default.
        cut_at: most characters of a value.
    """

    where: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    search: str = ""
    sort: str = ""
    descending: bool = False
    columns: tuple[str, ...] = ()
    offset: int = 0
    limit: int = 50
    version: int | None = None
    cut_at: int = CUT_AT


@dataclass(frozen=True)
class RowsPage:
    """Some rows of a version."""

    dataset: str
    version: int
    total_rows: int
    """Of the version."""
    matching_rows: int
    """Those that meet the conditions."""
    offset: int
    limit: int
    columns: tuple[Column, ...]
    """Of the page."""
    all_columns: tuple[Column, ...]
    """Of the version: what can be filtered, sorted by and asked for."""
    numbers: tuple[int, ...]
    """The number of each row in its version, from 1: with the version it is the address of a row for good."""
    rows: tuple[tuple[Any, ...], ...]
    cut: tuple[Cut, ...]
    """Values of which only the beginning is shown."""
    has_more: bool
    """Whether rows follow after the page."""


def dataset_rows(datasets: Datasets, name: str, wanted: RowsWanted) -> RowsPage:
    """A page of a dataset.

    Raises:
        UnknownNameError: nothing makes it.
        NotFoundError: no such version; `GoneError` when it has been collected.
        InputError: a condition that its column does not know, a page that is too large, or a search that takes too long.
        IntegrityError: a damaged file.
    """
    table = version_of(datasets, name, wanted.version)
    search = search_of(table, wanted)
    chosen = _check(table, wanted)
    matching, numbers = _numbers(table, search, wanted)
    found = table.rows_at(numbers, chosen)
    rows, cut = shown_rows(found, wanted.cut_at)
    return RowsPage(
        dataset=name,
        version=table.version.number,
        total_rows=table.rows,
        matching_rows=matching,
        offset=wanted.offset,
        limit=wanted.limit,
        columns=columns_of(found.schema),
        all_columns=columns_of(table.schema),
        numbers=tuple(number + 1 for number in numbers),
        rows=tuple(map(tuple, rows)),
        cut=cut,
        has_more=wanted.offset + len(rows) < matching,
    )


def search_of(table: StoredTable, wanted: RowsWanted) -> Search:
    """Which rows are wanted, checked against the columns.

    Raises:
        InputError: a condition that cannot be read or that its column does not know.
    """
    names = table.schema.names
    written = tuple(parse_condition(text, names) for text in wanted.where)
    search = Search((*wanted.conditions, *written), wanted.search.strip())
    check_search(search, table.schema)
    return search


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Columns as a page names them."""
    return tuple(Column(f.name, str(f.type), is_sortable(f.type)) for f in schema)


def _check(table: StoredTable, wanted: RowsWanted) -> Sequence[str]:
    """The columns of the page."""
    names = table.schema.names
    chosen = _chosen(wanted.columns, names) or names
    if not 1 <= wanted.limit <= PAGE_LIMIT:
        raise InputError(f"a page has 1 to {PAGE_LIMIT:,} rows, not {wanted.limit:,}")
    if wanted.offset < 0:
        raise InputError(f"a page begins at row 0 or later, not {wanted.offset:,}")
    if not 1 <= wanted.cut_at <= WHOLE:
        raise InputError(f"at least one character of a value is shown, not {wanted.cut_at:,}")
    if wanted.limit * len(chosen) > CELLS_LIMIT:
        raise InputError(
            f"{wanted.limit:,} rows of {len(chosen):,} columns are more than the {CELLS_LIMIT:,}"
            " values of a page",
            hint="Ask for fewer rows, or name the columns",
        )
    if wanted.sort and not is_sortable(table.schema.field(check_column(wanted.sort, names)).type):
        raise InputError(
            f"column {wanted.sort!r} is of type"
            f" {str(table.schema.field(wanted.sort).type)[:60]}, which has no order here",
            hint="Sort by another column",
        )
    return chosen


def _chosen(given: Sequence[str], names: Sequence[str]) -> list[str]:
    """Columns by name, or several names with commas between."""
    parts = [
        part
        for text in given
        for part in ([text] if text in names else map(str.strip, text.split(",")))
        if part
    ]
    return [check_column(name, names) for name in dict.fromkeys(parts)]


def _numbers(table: StoredTable, search: Search, wanted: RowsWanted) -> tuple[int, list[int]]:
    """How many rows match, and the numbers of those of the page."""
    if not table.rows or (not search and not wanted.sort):
        last = min(wanted.offset + wanted.limit, table.rows)
        return table.rows, list(range(wanted.offset, last))
    with opened_finder(table, SECONDS) as finder:
        matching = finder.count(search) if search else table.rows
        if wanted.offset >= matching:
            return matching, []
        return matching, _found(finder, search, wanted)


def _found(finder: Finder, search: Search, wanted: RowsWanted) -> list[int]:
    return finder.find(
        search,
        sort=wanted.sort,
        descending=wanted.descending,
        offset=wanted.offset,
        limit=wanted.limit,
    )
