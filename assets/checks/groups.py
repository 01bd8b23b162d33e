"""Rules about values that come more than once, or about which values there are: by DuckDB, which spills what it cannot hold.

Text is told apart byte by byte, as Python does. Numbers that are not finite, and `-0.0`, are left to pandas (`native.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assets.checks.arguments import LENGTHS, NUMBERS, Wanted
from assets.checks.figures import judge_figure
from assets.checks.report import SHOWN, Answer, map_report
from resources.scratch import ScratchFolder
from resources.stores.tables import StoredTable

if TYPE_CHECKING:
    import duckdb

_MEMORY = "192MB"
"""Beyond it DuckDB spills."""


@dataclass(frozen=True)
class Groups:
    """The values of some columns, to be grouped.

    Args:
        connection: DuckDB.
        source: what stands behind FROM.
        columns: their names there.
        rows: how many rows the table has.
    """

    connection: duckdb.DuckDBPyConnection
    source: str
    columns: Sequence[str]
    rows: int

    def present(self) -> int:
        """Rows of which at least one value is there."""
        return self._number(f"SELECT count(*) FROM {self.source} WHERE {self._is_present}")

    def distinct(self) -> int:
        """How many values there are, missing ones aside."""
        listed = ", ".join(self.columns)
        return self._number(
            f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {self.source} WHERE {self._is_present})"
        )

    def twins(self) -> tuple[int, list[tuple[int, Any]]]:
        """How many rows have what another has too; the first of them, place and values."""
        listed = ", ".join(self.columns)
        # The first rows of all have values whose own first rows are among the first.
        found = self.connection.execute(
            f"WITH g AS MATERIALIZED (SELECT {listed}, count(*) AS k, min(n) AS f FROM {self.source}"
            f" WHERE {self._is_present} GROUP BY ALL HAVING count(*) > 1)"
            f" SELECT (SELECT sum(k) FROM g), {listed} FROM g ORDER BY f LIMIT {SHOWN}"
        ).fetchall()
        if not found:
            return 0, []
        same = " OR ".join(f"({self._same()})" for _ in found)
        values = [value for _, *row in found for value in row]
        rows = self.connection.execute(
            f"SELECT n, {listed} FROM {self.source} WHERE {same} ORDER BY n LIMIT {SHOWN}", values
        ).fetchall()
        return int(found[0][0]), [(int(place), tuple(row)) for place, *row in rows]

    def outside(self, known: Sequence[Any]) -> tuple[int, list[Any]]:
        """How many values are none of those, and the first of them in order."""
        (column,) = self.columns
        query = f"SELECT DISTINCT {column} AS v FROM {self.source} WHERE {column} IS NOT NULL"
        if known:
            query += f" AND NOT list_contains(?, {column})"
        given = [list(known)] if known else []
        count = self._number(f"SELECT count(*) FROM ({query})", given)
        first = self.connection.execute(f"{query} ORDER BY v LIMIT {SHOWN}", given).fetchall()
        return count, [value for (value,) in first]

    def among(self, known: Sequence[Any]) -> set[Any]:
        """Which of those there are."""
        (column,) = self.columns
        found = self.connection.execute(
            f"SELECT DISTINCT {column} FROM {self.source} WHERE list_contains(?, {column})",
            [list(known)],
        ).fetchall()
        return {value for (value,) in found}

    @property
    def _is_present(self) -> str:
        return "(" + " OR ".join(f"{column} IS NOT NULL" for column in self.columns) + ")"

    def _same(self) -> str:
        return " AND ".join(f"{column} IS NOT DISTINCT FROM ?" for column in self.columns)

    def _number(self, query: str, given: Sequence[Any] = ()) -> int:
        found = self.connection.execute(query, list(given)).fetchone()
        return int(found[0]) if found else 0


@contextmanager
def open_groups(table: StoredTable, columns: Sequence[str]) -> Iterator[Groups]:
    """Columns of a table, for as long as the context lasts."""
    import duckdb

    folder = ScratchFolder("checks")
    try:
        config: dict[str, Any] = {"memory_limit": _MEMORY, "temp_directory": str(folder.path)}
        with duckdb.connect(config=config) as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET preserve_insertion_order = false")
            numbered = table.numbered(connection)
            places = [table.schema.get_field_index(name) for name in columns]
            yield Groups(
                connection, numbered.source_of(places), [f"c{p}" for p in places], table.rows
            )
    finally:
        folder.cleanup()


def judge_unique(groups: Groups, mostly: float) -> Answer:
    """Of one column: whether its values differ."""
    present, (unexpected, first) = groups.present(), groups.twins()
    return _report(groups.rows, present, (unexpected, [(n, v) for n, (v,) in first]), mostly)


TOGETHER = "expect_compound_columns_to_be_unique"
TOGETHER_TAKES: Wanted = {"column_list": [str], "mostly?": (int, float)}


def judge_unique_together(groups: Groups, names: Sequence[str], mostly: float) -> Answer:
    """Of several: whether their values together differ."""
    present, (unexpected, first) = groups.present(), groups.twins()
    rows = [(n, dict(zip(names, values, strict=True))) for n, values in first]
    return _report(groups.rows, present, (unexpected, rows), mostly)


def _report(
    elements: int, present: int, failing: tuple[int, list[tuple[int, Any]]], mostly: float
) -> Answer:
    unexpected, first = failing
    passed = not present or (float(present) - float(unexpected)) / float(present) >= mostly
    return passed, map_report(elements, present, unexpected, first)


def judge_set(groups: Groups, known: Sequence[Any], *, no_other: bool, all_of: bool) -> Answer:
    """Whether the values are none but some, or all of some, or both."""
    report: dict[str, Any] = {"observed_value": None}
    others: tuple[int, list[Any]] = (0, [])
    lacking: list[Any] = []
    if no_other:
        others = groups.outside(known)
        report["unexpected_count"] = others[0]
    if all_of:
        there = groups.among(known) if known else set()
        lacking = sorted((value for value in set(known) if value not in there), key=str)
        report["missing_count"] = len(lacking)
    if no_other:
        report["partial_unexpected_list"] = others[1]
    if all_of:
        report["partial_missing_list"] = lacking[:SHOWN]
    return not others[0] and not lacking, report


def judge_grouped(groups: Groups, kind: str, given: Mapping[str, Any]) -> Answer | None:
    """What an expectation of `GROUPED` finds in one column."""
    if kind == _UNIQUE:
        return judge_unique(groups, given.get("mostly", 1))
    if kind == _COUNT:
        return judge_figure(groups.distinct(), given)
    if kind == _PROPORTION:
        present = groups.present()
        return judge_figure(groups.distinct() / present if present else 0, given)
    if not given["value_set"]:
        return None
    no_other, all_of = _SETS[kind]
    return judge_set(groups, given["value_set"], no_other=no_other, all_of=all_of)


_UNIQUE = "expect_column_values_to_be_unique"
_COUNT = "expect_column_unique_value_count_to_be_between"
_PROPORTION = "expect_column_proportion_of_unique_values_to_be_between"
_SETS = {
    "expect_column_distinct_values_to_be_in_set": (True, False),
    "expect_column_distinct_values_to_contain_set": (False, True),
    "expect_column_distinct_values_to_equal_set": (True, True),
}
_SET: Wanted = {"column": str, "value_set": [(str, int)]}

GROUPED: Mapping[str, Wanted] = {
    _UNIQUE: {"column": str, "mostly?": (int, float)},
    _COUNT: {"column": str, **LENGTHS},
    _PROPORTION: {"column": str, **NUMBERS},
    **dict.fromkeys(_SETS, _SET),
}
"""By name in the library: what each takes."""


def are_alike(kind: pa.DataType, values: Sequence[Any]) -> bool:
    """Whether values can be looked for among those of a type as they stand."""
    if pa.types.is_boolean(kind) and values:
        return False
    wanted = int if pa.types.is_integer(kind) else str
    return all(type(value) is wanted for value in values)


def is_grouped_exactly(kind: pa.DataType) -> bool:
    """Whether DuckDB tells values of this type apart as Python does."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
    )
