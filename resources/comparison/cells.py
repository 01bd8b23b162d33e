"""Which values of a few changed rows differ: the rows themselves, compared in memory as the files were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.comparison.columns import ColumnPair
from resources.comparison.found import FoundChange
from resources.comparison.sides import Side

if TYPE_CHECKING:
    import duckdb

_AT_ONCE = 200
"""Columns of one query: DuckDB takes seconds to bind thousands."""


def changed_cells(
    connection: duckdb.DuckDBPyConnection,
    sides: tuple[Side, Side],
    cells: Sequence[ColumnPair],
    changes: Sequence[FoundChange],
) -> list[list[bool]]:
    """Of each changed row whether its value has changed, for each of `cells`.

    Args:
        connection: as the comparison has it.
        sides: where the rows are.
        cells: compared columns.
        changes: the rows.
    """
    if not changes:
        return []
    before = sides[0].rows_at([one.before for one in changes], [pair.before for pair in cells])
    after = sides[1].rows_at([one.after for one in changes], [pair.name for pair in cells])
    found: list[list[bool]] = [[] for _ in changes]
    for start in range(0, len(cells), _AT_ONCE):
        part = cells[start : start + _AT_ONCE]
        for side, rows in ((0, before), (1, after)):
            chosen = rows.select(range(start, start + len(part)))
            named = chosen.rename_columns([f"c{pair.places[side]}" for pair in part])
            place = pa.array(range(len(changes)), pa.int64())
            connection.register(f"side_{side}", named.append_column("place", place))
        for row, flags in zip(found, connection.execute(_query(part)).fetchall(), strict=True):
            row.extend(flags)
    return found


def _query(cells: Sequence[ColumnPair]) -> str:
    listed = [
        ", ".join(
            f"{pair.expressions[side]} AS x{i}" for i, pair in enumerate(cells) if pair.expressions
        )
        for side in (0, 1)
    ]
    differ = ", ".join(f"one.x{i} IS DISTINCT FROM other.x{i}" for i in range(len(cells)))
    return (
        f"SELECT {differ} FROM (SELECT place, {listed[0]} FROM side_0) AS one"
        f" JOIN (SELECT place, {listed[1]} FROM side_1) AS other USING (place) ORDER BY place"
    )
