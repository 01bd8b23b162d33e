"""Whole rows of two versions compared as multisets: how many times more each stands in one than in the other, by their hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from resources.comparison.columns import ColumnPair
from resources.comparison.found import Differences, FoundRow
from resources.comparison.sides import Side

if TYPE_CHECKING:
    import duckdb


def compare_rows(
    connection: duckdb.DuckDBPyConnection,
    sides: tuple[Side, Side],
    cells: Sequence[ColumnPair],
    examples: int,
) -> Differences:
    """What was found.

    Args:
        connection: with the sides' relations.
        sides: what has to be read of the earlier and of the later version.
        cells: the columns whose values are compared.
        examples: most rows to name of either kind.
    """
    parts = [
        f"SELECT hash({', '.join(pair.expressions[side] for pair in cells if pair.expressions)}) AS h,"
        f" {sign} AS s, n FROM {sides[side].source}"
        for side, sign in ((0, -1), (1, 1))
        if sides[side].source
    ]
    connection.execute(
        "CREATE TEMP TABLE differing AS SELECT sum(s)::BIGINT AS more, min(n) FILTER (s < 0) AS an,"
        f" min(n) FILTER (s > 0) AS bn FROM ({' UNION ALL '.join(parts)}) GROUP BY h HAVING more <> 0"
    )
    ((added, removed),) = connection.execute(
        "SELECT coalesce(sum(more) FILTER (more > 0), 0)::BIGINT,"
        " coalesce(-sum(more) FILTER (more < 0), 0)::BIGINT FROM differing"
    ).fetchall()
    return Differences(
        method="rows",
        added=added,
        removed=removed,
        changed=0,
        added_rows=_examples(connection, "bn", "more > 0", examples),
        removed_rows=_examples(connection, "an", "more < 0", examples),
    )


def _examples(
    connection: duckdb.DuckDBPyConnection, number: str, which: str, examples: int
) -> tuple[FoundRow, ...]:
    found = connection.execute(
        f"SELECT {number}, abs(more) FROM differing WHERE {which} ORDER BY 1 LIMIT {examples}"
    ).fetchall()
    return tuple(FoundRow(number, times) for number, times in found)
