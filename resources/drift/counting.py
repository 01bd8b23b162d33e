"""How often each value of a column is there on either side: one grouping of both together, from which all measures follow.

Columns of one type are counted in blocks, as those of a profile are: neither the number of columns nor that of rows decides how much
memory is needed. DuckDB groups beyond memory on disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.drift.pairs import DriftPair
from resources.drift.record import BothSides
from resources.drift.session import OpenedSides
from resources.profiles.counting import BLOCK_CELLS
from resources.profiles.kinds import CountedColumn
from resources.profiles.session import Session
from resources.profiles.streamed import LARGE_VALUE_BYTES, value_sizes

COUNTED = "counted"
"""The table with a row for each value of a block: `p`, the position of its column, `x`, the value, `a` and `b`, the rows of the reference
and of the current version."""

LONG_TEXT_BYTES = 200
"""Texts that take more on average are no categories, and are not told apart."""
_WORTH_A_BLOCK = 8
_BLOCK_COLUMNS = 1_000
"""Each query of a table of thousands takes DuckDB a tenth of a second to bind, however few it reads."""
_NULLS_AT_ONCE = 200
_BATCH_BYTES = 16 << 20


@dataclass(frozen=True)
class PairBlock:
    """Columns that are counted together: those of one type."""

    pairs: tuple[DriftPair, ...]


class PairCounter:
    """Counts the values of columns.

    Args:
        sides: both versions.
        pairs: the columns.
    """

    def __init__(self, sides: OpenedSides, pairs: Sequence[DriftPair]) -> None:
        self._sides = sides
        self._sizes = [
            value_sizes(session, [_of(pair, side) for pair in pairs])
            for side, session in enumerate(sides.both)
        ]

    def is_long(self, pair: DriftPair) -> bool:
        """Whether a text is too long on average to be a category, on either side."""
        return self._bytes(pair) > LONG_TEXT_BYTES

    def blocks(self, pairs: Sequence[DriftPair]) -> Iterator[PairBlock]:
        """Columns in blocks of one type."""
        size = min(BLOCK_CELLS // max(self._sides.rows, 1), _BLOCK_COLUMNS)
        size = size if size >= _WORTH_A_BLOCK else 1
        for _, found in groupby(sorted(pairs, key=_type), key=_type):
            members = list(found)
            for start in range(0, len(members), size):
                yield PairBlock(tuple(members[start : start + size]))

    def count(self, block: PairBlock) -> None:
        """Fills `counted` with the values of a block, in order."""
        keys = [[pair.keys[side] for pair in block.pairs] for side in (0, 1)]
        self._fill(self._grouped(block.pairs, keys))

    def count_lengths(self, pair: DriftPair) -> None:
        """Fills `counted` with how long the texts of a column are, in characters."""
        if self._bytes(pair) > LARGE_VALUE_BYTES:
            self._sides.connection.register("lengths", self._read_lengths(pair))
            self._fill("SELECT * FROM lengths")
            self._sides.connection.unregister("lengths")
            return
        keys = [[f"length(c{_of(pair, side).position})"] for side in (0, 1)]
        self._fill(self._grouped([pair], keys))

    def count_missing(self, pairs: Sequence[DriftPair]) -> dict[int, BothSides]:
        """How many values of columns are null, by position, without a look at any other value."""
        found = [
            self._missing_of(session, pairs, side) for side, session in enumerate(self._sides.both)
        ]
        return {
            pair.position: BothSides(one, other)
            for pair, one, other in zip(pairs, *found, strict=True)
        }

    def _fill(self, query: str) -> None:
        self._sides.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {COUNTED} AS {query} ORDER BY p, x"
        )

    def _grouped(self, pairs: Sequence[DriftPair], keys: Sequence[Sequence[str]]) -> str:
        positions = [pair.position for pair in pairs]
        sources = [self._source(pairs, side) for side in (0, 1)]
        counts = "(count(*) - sum(s))::BIGINT AS a, sum(s)::BIGINT AS b"
        if len(positions) == 1:
            both = " UNION ALL ".join(
                f"SELECT {key} AS x, {side}::UTINYINT AS s FROM {source}"
                for side, ((key,), source) in enumerate(zip(keys, sources, strict=True))
            )
            return f"SELECT {positions[0]}::INTEGER AS p, x, {counts} FROM ({both}) GROUP BY x"
        places = ", ".join(map(str, positions))
        both = " UNION ALL ".join(
            f"SELECT unnest([{places}]) AS p, unnest([{', '.join(listed)}]) AS x, {side}::UTINYINT AS s FROM {source}"
            for side, (listed, source) in enumerate(zip(keys, sources, strict=True))
        )
        return f"SELECT p, x, {counts} FROM ({both}) GROUP BY p, x"

    def _source(self, pairs: Sequence[DriftPair], side: int) -> str:
        relation = self._sides.both[side].relation
        return relation.source_of(_of(pair, side).position for pair in pairs)

    def _bytes(self, pair: DriftPair) -> float:
        return max(sizes.get(_of(pair, side).position, 0) for side, sizes in enumerate(self._sizes))

    def _read_lengths(self, pair: DriftPair) -> pa.Table:
        """Texts too large to be read 2,048 at a time, as DuckDB does: by Arrow, a few at a time."""
        tables = []
        for side, session in enumerate(self._sides.both):
            for values in self._values(session, pair, side):
                counted = pc.value_counts(pc.utf8_length(values))
                rows = counted.field(1)
                none = pa.nulls(len(rows), pa.int64()).fill_null(0)
                a, b = (none, rows) if side else (rows, none)
                columns = {"x": counted.field(0).cast(pa.int64()), "a": a, "b": b}
                tables.append(pa.table(columns))
        found = pa.concat_tables(tables) if tables else _NO_LENGTHS
        summed = found.group_by("x").aggregate([("a", "sum"), ("b", "sum")])
        place = pa.array([pair.position] * summed.num_rows, pa.int32())
        return pa.table({"p": place, "x": summed["x"], "a": summed["a_sum"], "b": summed["b_sum"]})

    def _missing_of(self, session: Session, pairs: Sequence[DriftPair], side: int) -> list[int]:
        found: dict[int, int] = {}
        small = []
        for pair in pairs:
            if self._is_read_apart(pair):
                found[pair.position] = sum(
                    values.null_count for values in self._values(session, pair, side)
                )
            else:
                small.append(pair)
        for start in range(0, len(small), _NULLS_AT_ONCE):
            part = small[start : start + _NULLS_AT_ONCE]
            listed = ", ".join(f"count(c{_of(pair, side).position})" for pair in part)
            (counts,) = session.rows(f"SELECT {listed} FROM {self._source(part, side)}")
            for pair, present in zip(part, counts, strict=True):
                found[pair.position] = session.table.rows - present
        return [found[pair.position] for pair in pairs]

    def _is_read_apart(self, pair: DriftPair) -> bool:
        """Whether values are too large for DuckDB, or are no values that it can have."""
        return self._bytes(pair) > LARGE_VALUE_BYTES or any(
            pa.types.is_decimal256(column.field.type) for column in (pair.reference, pair.current)
        )

    def _values(self, session: Session, pair: DriftPair, side: int) -> Iterator[pa.Array]:
        rows = max(int(_BATCH_BYTES / max(self._bytes(pair), 256)), 1)
        for path in session.paths:
            file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
            name = _of(pair, side).name
            for batch in file.iter_batches(rows, columns=[name], use_threads=False):
                yield batch.column(0)


_NO_LENGTHS = pa.table({name: pa.array([], pa.int64()) for name in ("x", "a", "b")})


def _of(pair: DriftPair, side: int) -> CountedColumn:
    return pair.current if side else pair.reference


def _type(pair: DriftPair) -> str:
    return f"{pair.shown.family} {pair.shown.sql_type}"
