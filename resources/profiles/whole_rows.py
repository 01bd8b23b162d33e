"""Facts of rows as wholes: which repeat an earlier one, and which cells are missing together."""

from __future__ import annotations

from collections.abc import Sequence

from resources.profiles.kinds import CountedColumn
from resources.profiles.record import PATTERNS, ColumnProfile, MissingPattern, Note
from resources.profiles.session import Session
from resources.profiles.streamed import StreamedColumns

HASHED_AT_ONCE = 500
"""Columns that one query hashes, or compares: of more, 2,048 rows alone may be more than DuckDB's memory."""
MASKED_COLUMNS = 120
"""Columns whose missing cells are looked at together."""
_BITS = 60


def count_duplicates(
    session: Session,
    streamed: StreamedColumns,
    columns: Sequence[CountedColumn],
    profiles: Sequence[ColumnProfile],
) -> int:
    """Rows that repeat an earlier one, exactly.

    A column whose values are all different settles it. Else rows are told apart by a hash of 64 bits, and those that share one are
    compared as they are.
    """
    rows = session.table.rows
    if any(profile.is_unique and profile.missing <= 1 for profile in profiles) or rows < 2:
        return 0
    _hash_rows(session, streamed, columns)
    hashes = session.rows("SELECT count(DISTINCT h) FROM hashed_rows")[0][0]
    if hashes == rows:
        return 0
    session.run(
        "CREATE OR REPLACE TEMP TABLE alike AS SELECT n, 0::BIGINT AS g FROM hashed_rows WHERE h IN"
        " (SELECT h FROM hashed_rows GROUP BY h HAVING count(*) > 1)"
    )
    alike = session.rows("SELECT count(*) FROM alike")[0][0]
    return int(alike - _count_different(session, streamed, columns))


def missing_patterns(
    session: Session,
    streamed: StreamedColumns,
    columns: Sequence[CountedColumn],
    profiles: Sequence[ColumnProfile],
) -> tuple[tuple[MissingPattern, ...], tuple[Note, ...]]:
    """Columns that are missing together, the most frequent pattern first; those without any value are in none."""
    rows = session.table.rows
    incomplete = [column for column in columns if 0 < profiles[column.position].missing < rows]
    if not incomplete:
        return (), ()
    if len(incomplete) == 1:
        only = incomplete[0]
        return (MissingPattern((only.name,), profiles[only.position].missing),), ()
    incomplete.sort(key=lambda column: (-profiles[column.position].missing, column.position))
    masked, left_out = incomplete[:MASKED_COLUMNS], incomplete[MASKED_COLUMNS:]
    patterns = _count_patterns(session, streamed, sorted(masked, key=lambda c: c.position))
    notes = []
    if left_out:
        text = f"Patterns of missing cells are of the {MASKED_COLUMNS} columns that have the most of them"
        notes.append(Note("missingness", text, tuple(column.name for column in left_out)))
    return patterns, tuple(notes)


def _count_patterns(
    session: Session, streamed: StreamedColumns, columns: Sequence[CountedColumn]
) -> tuple[MissingPattern, ...]:
    names, source = _rows_of(session, streamed, columns)
    chunks = [range(start, min(start + _BITS, len(names))) for start in range(0, len(names), _BITS)]
    masks = [
        " + ".join(
            f"CASE WHEN {names[place]} IS NULL THEN {1 << (place - chunk.start)} ELSE 0 END"
            for place in chunk
        )
        for chunk in chunks
    ]
    listed = ", ".join(f"({mask})::BIGINT AS m{number}" for number, mask in enumerate(masks))
    any_missing = " OR ".join(f"m{number} > 0" for number in range(len(masks)))
    order = ", ".join(f"m{number}" for number in range(len(masks)))
    found = session.rows(
        f"SELECT count(*) AS r, * FROM (SELECT {listed} FROM {source}) WHERE {any_missing}"
        f" GROUP BY ALL ORDER BY r DESC, {order} LIMIT {PATTERNS}"
    )
    return tuple(
        MissingPattern(
            tuple(
                columns[place].name
                for chunk, mask in zip(chunks, bits, strict=True)
                for place in chunk
                if mask >> (place - chunk.start) & 1
            ),
            rows,
        )
        for rows, *bits in found
    )


def _count_different(
    session: Session, streamed: StreamedColumns, columns: Sequence[CountedColumn]
) -> int:
    """How many different rows those of `alike` are, compared as they are."""
    parts = _parts(columns)
    if len(parts) == 1:
        names, source = _rows_of(session, streamed, columns)
        listed = ", ".join(names)
        query = f"SELECT DISTINCT {listed} FROM {source} SEMI JOIN alike USING (n)"
        return int(session.rows(f"SELECT count(*) FROM ({query})")[0][0])
    for part in parts:
        # Those that were equal so far, and are in these columns: `g` is the first of them.
        names, source = _rows_of(session, streamed, part)
        groups = (
            f"SELECT list(n) AS rows, min(n) AS first FROM {source} JOIN alike USING (n)"
            f" GROUP BY g, {', '.join(names)}"
        )
        session.run(
            f"CREATE OR REPLACE TEMP TABLE alike AS SELECT unnest(rows) AS n, first AS g FROM ({groups})"
        )
    return int(session.rows("SELECT count(DISTINCT g) FROM alike")[0][0])


def _parts(columns: Sequence[CountedColumn]) -> list[Sequence[CountedColumn]]:
    return [
        columns[start : start + HASHED_AT_ONCE] for start in range(0, len(columns), HASHED_AT_ONCE)
    ]


def _hash_rows(
    session: Session, streamed: StreamedColumns, columns: Sequence[CountedColumn]
) -> None:
    """Fills `hashed_rows` with the number of each row and a hash of its values."""
    parts = _parts(columns)
    if len(parts) == 1:
        session.run(f"CREATE TEMP TABLE hashed_rows AS {_hashed(session, streamed, parts[0], 0)}")
        return
    session.run("CREATE TEMP TABLE hashed_parts (n BIGINT, h UBIGINT)")
    for number, part in enumerate(parts):
        session.run(f"INSERT INTO hashed_parts {_hashed(session, streamed, part, number)}")
    session.run(
        "CREATE TEMP TABLE hashed_rows AS SELECT n, bit_xor(h) AS h FROM hashed_parts GROUP BY n"
    )
    session.run("DROP TABLE hashed_parts")


def _hashed(
    session: Session, streamed: StreamedColumns, columns: Sequence[CountedColumn], number: int
) -> str:
    names, source = _rows_of(session, streamed, columns)
    return f"SELECT n, hash({number}, {', '.join(names)}) AS h FROM {source}"


def _rows_of(
    session: Session, streamed: StreamedColumns, columns: Sequence[CountedColumn]
) -> tuple[list[str], str]:
    """Names of columns, and what they come from: digests stand for large values."""
    names = [
        f"{streamed.table(c.position)}.x" if c.position in streamed else f"c{c.position}"
        for c in columns
    ]
    joins = [
        f" JOIN {streamed.table(c.position)} USING (n)" for c in columns if c.position in streamed
    ]
    read = [c.position for c in columns if c.position not in streamed]
    return names, session.relation.source_of(read) + "".join(joins)
