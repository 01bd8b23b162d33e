"""Profiles of columns whose values are told apart, not ordered: texts, lists, structs, maps, bytes. From `counted` to their figures."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from resources.profiles.counting import COUNTED, Block
from resources.profiles.kinds import LONGEST_KEY, CountedColumn, cut
from resources.profiles.record import (
    SHOWN_CHARACTERS,
    TOP_VALUES,
    ColumnProfile,
    Distribution,
    Lengths,
    TopValue,
)
from resources.profiles.session import Session

Spellings = dict[int, str]
"""`numbers` or `dates`, by position: of columns whose every text spells one."""

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_DATE = re.compile(r"\s*\d{4}-\d{1,2}-\d{1,2}([T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")


def profile_unordered(session: Session, block: Block) -> list[ColumnProfile]:
    """The profiles of the columns of a block that is counted, without warnings."""
    totals = {row[0]: row[1:] for row in session.rows(_totals(block))}
    tops = _tops(session, block)
    return [
        _profile(column, totals.get(column.position, _NONE), tops[column.position])
        for column in block.columns
    ]


def spelled_columns(session: Session, block: Block, profiles: list[ColumnProfile]) -> Spellings:
    """Columns of texts that are all numbers, or all dates: by the texts that occur most first, then by all."""
    found: Spellings = {}
    for column, profile in zip(block.columns, profiles, strict=True):
        texts = [top.value for top in profile.top]
        for spelling, looks, kind in (
            ("numbers", _NUMBER, "DOUBLE"),
            ("dates", _DATE, "TIMESTAMP"),
        ):
            if column.kind == "text" and texts and all(looks.fullmatch(text) for text in texts):
                only = f"p = {column.position} AND x IS NOT NULL AND TRY_CAST(x AS {kind}) IS NULL"
                if not session.rows(f"SELECT 1 FROM {COUNTED} WHERE {only} LIMIT 1"):
                    found[column.position] = spelling
    return found


_NONE = (0, 0, 0, 0, 0, None, None, None)


def _totals(block: Block) -> str:
    is_text = block.columns[0].kind == "text"
    # Only what sorts before `!` can be blank: few texts are trimmed.
    blank = "CASE WHEN x < '!' THEN trim(x, E' \\t\\r\\n\\f\\v') = '' ELSE false END"
    blank = blank if is_text else "false"
    lengths = "min(shortest), max(longest), sum(total)"
    if not block.is_measured:
        lengths = "min(length(x)), max(length(x)), sum(n * length(x))"
    return (
        "SELECT p, coalesce(sum(n) FILTER (x IS NOT NULL), 0)::BIGINT, coalesce(sum(n) FILTER (x IS NULL), 0)::BIGINT, count(x), count(x) FILTER (n = 1),"
        f" coalesce(sum(n) FILTER ({blank}), 0)::BIGINT, {lengths} FROM {COUNTED} GROUP BY p"
    )


def _tops(session: Session, block: Block) -> dict[int, list[tuple[Any, int]]]:
    """The most frequent values of each column; of those that no text stands for the hashes that occur twice or more."""
    is_text = block.columns[0].kind == "text"
    shown = f"left(x, {LONGEST_KEY + 1})" if is_text else "x"
    where = "x IS NOT NULL" if is_text else "x IS NOT NULL AND n > 1"
    sql = f"SELECT p, {shown}, n FROM {COUNTED} WHERE {where}"
    if len(block.columns) == 1:
        sql += f" ORDER BY n DESC, x LIMIT {TOP_VALUES}"
    else:
        ranked = "row_number() OVER (PARTITION BY p ORDER BY n DESC, x)"
        sql += f" QUALIFY {ranked} <= {TOP_VALUES} ORDER BY p, n DESC, x"
    found: dict[int, list[tuple[Any, int]]] = defaultdict(list)
    for position, value, rows in session.rows(sql):
        found[position].append((value, rows))
    if not is_text:
        return {c.position: _spelled_out(session, c, found[c.position]) for c in block.columns}
    return found


def _spelled_out(
    session: Session, column: CountedColumn, top: list[tuple[Any, int]]
) -> list[tuple[Any, int]]:
    """Nested values in place of their hashes; of bytes nothing is shown."""
    if not top or column.kind == "binary":
        return []
    name = f"c{column.position}"
    key, listed = column.key(name), ", ".join(str(value) for value, _ in top)
    source = session.relation.source_of([column.position])
    texts = dict(
        session.rows(
            f"SELECT {key}, any_value(left(CAST({name} AS VARCHAR), {LONGEST_KEY + 1})) FROM {source}"
            f" WHERE {key} IN ({listed}) GROUP BY 1"
        )
    )
    return [(texts[value], rows) for value, rows in top if value in texts]


def _profile(column: CountedColumn, totals: Any, top: list[tuple[Any, int]]) -> ColumnProfile:
    present, missing, distinct, once, blanks, shortest, longest, total = totals
    is_text = column.kind == "text"
    values = tuple(_top(text, rows, is_text=is_text) for text, rows in top)
    return ColumnProfile(
        name=column.name,
        position=column.position,
        type=str(column.field.type),
        kind=column.kind,
        missing=missing,
        distinct=distinct,
        once=once,
        blanks=blanks if is_text else None,
        lengths=None if longest is None else Lengths(shortest, float(total) / present, longest),
        top=values,
        distribution=_bars(values, present, distinct) if is_text and values else None,
    )


def _bars(top: tuple[TopValue, ...], present: int, distinct: int) -> Distribution:
    return Distribution(
        "bars",
        tuple(one.rows for one in top),
        labels=tuple(one.value for one in top),
        others=present - sum(one.rows for one in top),
        other_values=distinct - len(top),
    )


def _top(text: str, rows: int, *, is_text: bool) -> TopValue:
    is_whole = is_text and len(text) <= SHOWN_CHARACTERS
    return TopValue(cut(text), rows, text if is_whole else None)
