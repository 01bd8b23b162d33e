"""How often each value of a column occurs: one grouping a column, from which all of its figures follow.

Columns of one type are counted in blocks: many at once where the table is short, one by one where it is long, so that neither
the number of columns nor that of rows decides how much memory is needed. DuckDB groups beyond memory on disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from resources.profiles.kinds import LONGEST_KEY, CountedColumn
from resources.profiles.session import Session
from resources.profiles.streamed import StreamedColumns

COUNTED = "counted"
"""The table with a row for each value of a block: `p`, the position of its column, `x`, the value, `n`, the rows; of lengths that the value
does not tell `shortest`, `longest` and `total`."""

BLOCK_CELLS = 2_000_000
BLOCK_COLUMNS = 200
_WORTH_A_BLOCK = 8
_LONG_TEXT_BYTES = 200


@dataclass(frozen=True)
class Block:
    """Columns that are counted together."""

    columns: tuple[CountedColumn, ...]
    is_measured: bool = False
    """Whether `counted` says how long the values are: of texts that are told apart by a digest, and of lists and binary values."""


class Counter:
    """Counts the values of columns.

    Args:
        session: the table.
        streamed: columns whose values are too large for DuckDB.
        value_bytes: about how many bytes a value takes, by position, where that may be many.
    """

    def __init__(
        self, session: Session, streamed: StreamedColumns, value_bytes: dict[int, float]
    ) -> None:
        self._session, self._streamed, self._value_bytes = session, streamed, value_bytes

    def blocks(self, columns: Sequence[CountedColumn]) -> Iterator[Block]:
        """All columns, in blocks of one type."""
        rows = self._session.table.rows
        size = min(BLOCK_CELLS // max(rows, 1), BLOCK_COLUMNS)
        size = size if size >= _WORTH_A_BLOCK else 1
        together = sorted(columns, key=self._sort)
        for (_, is_measured), found in groupby(together, key=self._sort):
            members = list(found)
            step = 1 if is_measured else size
            for start in range(0, len(members), step):
                yield Block(tuple(members[start : start + step]), is_measured)

    def count(self, block: Block) -> None:
        """Fills `counted` with the values of a block, in order where figures come from the order."""
        order = "ORDER BY p, x" if block.columns[0].is_ordered else ""
        self._session.run(
            f"CREATE OR REPLACE TEMP TABLE {COUNTED} AS {self._grouped(block)} {order}"
        )

    def _sort(self, column: CountedColumn) -> tuple[str, bool]:
        return f"{column.family} {column.sql_type}", self._is_measured(column)

    def _is_measured(self, column: CountedColumn) -> bool:
        if column.family == "text":
            return self._value_bytes.get(column.position, 0) > _LONG_TEXT_BYTES
        return column.family == "hashed"

    def _grouped(self, block: Block) -> str:
        first = block.columns[0]
        if first.position in self._streamed:
            found = f"SELECT x, length AS l FROM {self._streamed.table(first.position)}"
            return _measured(first.position, found)
        name = f"c{first.position}"
        source = self._session.relation.source_of(column.position for column in block.columns)
        if block.is_measured:
            key = short_key(name) if first.family == "text" else first.key(name)
            found = f"SELECT {key} AS x, {length_of(first, name)} AS l FROM {source}"
            return _measured(first.position, found)
        if len(block.columns) == 1:
            key, place = first.key(name), first.position
            return f"SELECT {place}::INTEGER AS p, x, count(*) AS n FROM (SELECT {key} AS x FROM {source}) GROUP BY x"
        keys = ", ".join(column.key(f"c{column.position}") for column in block.columns)
        places = ", ".join(str(column.position) for column in block.columns)
        return (
            "SELECT p, x, count(*) AS n FROM"
            f" (SELECT unnest([{places}]) AS p, unnest([{keys}]) AS x FROM {source}) GROUP BY p, x"
        )


def short_key(text: str) -> str:
    """The SQL that tells long texts apart without keeping them."""
    return (
        f"CASE WHEN strlen({text}) <= {LONGEST_KEY} THEN {text}"
        f" ELSE left({text}, {LONGEST_KEY // 2}) || chr(0) || md5({text}) END"
    )


def length_of(column: CountedColumn, name: str) -> str:
    """The SQL of how long a value is; NULL where it has no length."""
    kind = column.field.type
    if column.kind == "text":
        return f"length({name})"
    if column.kind == "binary":
        return f"octet_length({name})"
    if "list" in str(kind).split("<", maxsplit=1)[0]:
        return f"len({name})"
    return f"cardinality({name})" if str(kind).startswith("map") else "NULL::BIGINT"


def _measured(position: int, rows: str) -> str:
    return (
        f"SELECT {position}::INTEGER AS p, x, count(*) AS n, min(l) AS shortest, max(l) AS longest,"
        f" sum(l)::BIGINT AS total FROM ({rows}) GROUP BY x"
    )
