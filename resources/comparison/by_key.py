"""Rows of two versions matched by a key: one join, of keys and of hashes of all other values.

A hash has 64 bits: of ten million changed rows that one is taken for unchanged has a chance of one in 10^12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from resources.comparison.cells import changed_cells
from resources.comparison.columns import ColumnPair
from resources.comparison.found import Differences, FoundChange, FoundRow
from resources.comparison.sides import Side
from resources.kernel.errors import InputError

if TYPE_CHECKING:
    import duckdb

_CELLS = 5_000_000
"""Values of changed rows that are compared one by one to count changes of each column."""
_MOST_CHANGES = 1_000_000
_WIDE = 250
"""More columns than these are not joined: DuckDB takes minutes to plan thousands."""
_HINT = "Give more columns as the key, or compare without one: whole rows are compared then"


class KeyComparison:
    """A comparison by a key.

    Args:
        connection: with the sides' relations.
        sides: what has to be read of the earlier and of the later version.
        shared: what both have, or None.
        key: the columns that tell rows apart.
        cells: all other columns whose values are compared.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        sides: tuple[Side, Side],
        shared: Side | None,
        *,
        key: Sequence[ColumnPair],
        cells: Sequence[ColumnPair],
    ) -> None:
        self._connection = connection
        self._sides = sides
        self._shared = shared
        self._key = key
        self._cells = cells

    def run(self, examples: int) -> Differences:
        """What was found.

        Raises:
            InputError: the key has nulls, or does not tell rows apart.
        """
        self._match()
        added, removed, changed = self._count()
        many = f"ORDER BY 1 LIMIT {examples}"
        differing = f"SELECT bn, an FROM pairs WHERE differs {many}"
        return Differences(
            method="key",
            added=added,
            removed=removed,
            changed=changed,
            added_rows=self._rows(f"SELECT bn FROM pairs WHERE an IS NULL {many}"),
            removed_rows=self._rows(f"SELECT an FROM pairs WHERE bn IS NULL {many}"),
            changed_rows=tuple(FoundChange(an, bn) for bn, an in self._ask(differing)),
            **self._changes_of_columns(changed),
        )

    def _match(self) -> None:
        """Every row of either side with its partner, if it has one."""
        one, other = (self._keyed(place) for place in (0, 1))
        same = " AND ".join(f"a.k{place} = b.k{place}" for place in range(len(self._key)))
        lacks = " OR ".join(f"coalesce(a.k{i}, b.k{i}) IS NULL" for i in range(len(self._key)))
        self._connection.execute(
            f"CREATE TEMP TABLE pairs AS SELECT a.n AS an, b.n AS bn, a.h <> b.h AS differs, {lacks} AS lacks"
            f" FROM ({one}) AS a FULL JOIN ({other}) AS b ON {same}"
        )

    def _keyed(self, side: int) -> str:
        keys = [f"{_of(pair, side)} AS k{place}" for place, pair in enumerate(self._key)]
        cells = [_of(pair, side) for pair in self._cells]
        hashed = f"hash({', '.join(cells)})" if cells else "0::UBIGINT"
        source = self._sides[side].source
        if not source:
            return self._empty(side)
        return f"SELECT {', '.join(keys)}, n, {hashed} AS h FROM {source}"

    def _empty(self, side: int) -> str:
        """No row, with the columns of the other side."""
        whole = self._sides[1 - side].source
        keys = [f"{_of(pair, 1 - side)} AS k{place}" for place, pair in enumerate(self._key)]
        return f"SELECT {', '.join(keys)}, n, 0::UBIGINT AS h FROM {whole} WHERE false"

    def _count(self) -> tuple[int, int, int]:
        ((total, added, removed, changed, lacking),) = self._ask(
            "SELECT count(*), count(*) FILTER (an IS NULL), count(*) FILTER (bn IS NULL),"
            " count(*) FILTER (differs), count(*) FILTER (lacks) FROM pairs"
        )
        if lacking:
            raise self._without_key()
        # A key that either side has twice makes more pairs than there are rows.
        is_paired_once = (
            total - added == self._sides[0].rows and total - removed == self._sides[1].rows
        )
        if not is_paired_once or self._are_twins(0, removed) or self._are_twins(1, added):
            raise self._not_unique()
        return added, removed, changed

    def _are_twins(self, side: int, alone: int) -> bool:
        """Whether one key stands at two rows that only this side has, or at one of these and at one that both have."""
        own, other = ("an", "bn") if side == 0 else ("bn", "an")
        keys = self._keys(side)
        source = self._sides[side].source
        if alone > 1:
            ((different,),) = self._ask(
                f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {source}"
                f" WHERE n IN (SELECT {own} FROM pairs WHERE {other} IS NULL))"
            )
            if different < alone:
                return True
        if self._shared is None or not source:
            return False
        ((found,),) = self._ask(
            f"SELECT count(*) FROM (SELECT {keys} FROM {source} INTERSECT"
            f" SELECT {self._keys(1)} FROM {self._shared.source})"
        )
        return bool(found)

    def _keys(self, side: int) -> str:
        return ", ".join(_of(pair, side) for pair in self._key)

    def _changes_of_columns(self, changed: int) -> dict[str, Any]:
        cells = self._cells
        if not changed or not cells:
            return {}
        is_wide = len(cells) > _WIDE
        rows = max(min(changed, _MOST_CHANGES, _CELLS // len(cells)), 1)
        chosen = f"SELECT bn, an FROM pairs WHERE differs ORDER BY bn LIMIT {rows}"
        counts = self._counted_in_memory(chosen) if is_wide else self._counted(chosen)
        return {"changes_of_columns": tuple(counts), "counted_changes": rows}

    def _counted(self, chosen: str) -> Sequence[int]:
        cells = self._cells
        before = ", ".join(f"{_of(pair, 0)} AS x{i}" for i, pair in enumerate(cells))
        after = ", ".join(f"{_of(pair, 1)} AS y{i}" for i, pair in enumerate(cells))
        differ = ", ".join(
            f"count(*) FILTER (x{i} IS DISTINCT FROM y{i})" for i in range(len(cells))
        )
        (found,) = self._ask(
            f"SELECT {differ} FROM ({chosen}) AS p"
            f" JOIN (SELECT n AS an, {before} FROM {self._sides[0].source}) USING (an)"
            f" JOIN (SELECT n AS bn, {after} FROM {self._sides[1].source}) USING (bn)"
        )
        return [int(number) for number in found]

    def _counted_in_memory(self, chosen: str) -> Sequence[int]:
        changes = [FoundChange(an, bn) for bn, an in self._ask(chosen)]
        rows = changed_cells(self._connection, self._sides, self._cells, changes)
        return [sum(flags) for flags in zip(*rows, strict=True)]

    def _rows(self, sql: str) -> tuple[FoundRow, ...]:
        return tuple(FoundRow(number) for (number,) in self._ask(sql))

    def _without_key(self) -> InputError:
        ((an, bn),) = self._ask("SELECT an, bn FROM pairs WHERE lacks LIMIT 1")
        side, number = (0, an) if an is not None else (1, bn)
        row = self._sides[side].number_in_version(number)
        return InputError(
            f"the key {self._said} is null in row {row:,} of version {self._sides[side].version}",
            hint=_HINT,
        )

    def _not_unique(self) -> InputError:
        for side in (0, 1):
            rows = self._twin_rows(side)
            if rows:
                one, other = (f"{row:,}" for row in rows)
                where = f"rows {one} and {other} of version {self._sides[side].version}"
                return InputError(
                    f"the key {self._said} does not tell rows apart: {where} have the same",
                    hint=_HINT,
                )
        return InputError(f"the key {self._said} does not tell rows apart", hint=_HINT)

    def _twin_rows(self, side: int) -> list[int]:
        source = self._sides[side].source
        if not source:
            return []
        found = self._ask(
            f"SELECT min(n), max(n) FROM {source} GROUP BY {self._keys(side)}"
            " HAVING count(*) > 1 LIMIT 1"
        )
        return [self._sides[side].number_in_version(n) for n in found[0]] if found else []

    @property
    def _said(self) -> str:
        return ", ".join(pair.name for pair in self._key)

    def _ask(self, sql: str) -> list[Any]:
        return self._connection.execute(sql).fetchall()


def _of(pair: ColumnPair, side: int) -> str:
    assert pair.expressions is not None  # noqa: S101 - for the type checker: only such are compared
    return pair.expressions[side]
