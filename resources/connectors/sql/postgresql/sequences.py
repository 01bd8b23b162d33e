"""PostgreSQL: the sequences behind columns whose values an export brings.

A row that brings its own number does not move the sequence that would have given it one; the next row that an application
inserts would get a number that is taken. So the sequence is moved forward to the highest number, never back.
"""

from __future__ import annotations

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession
from resources.connectors.sql.writing.plan import TablePlan

_SEQUENCES = """
SELECT a.attname, s.seqrelid::bigint, s.seqrelid::regclass::text,
       has_sequence_privilege(s.seqrelid, 'UPDATE') AND has_sequence_privilege(s.seqrelid, 'SELECT')
FROM pg_attribute a JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
       AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  JOIN pg_sequence s ON s.seqrelid = d.objid
WHERE a.attrelid = $1 AND NOT a.attisdropped AND s.seqincrement > 0
"""

_MOVE = """
SELECT setval(s.seqrelid::regclass, m.highest) FROM pg_sequence s, (SELECT max({column})::bigint AS highest FROM {table}) m
WHERE s.seqrelid = {sequence} AND m.highest BETWEEN s.seqmin AND s.seqmax
  AND m.highest > coalesce(pg_sequence_last_value(s.seqrelid::regclass), s.seqmin - 1)
"""


def move_sequences(session: PostgresqlWriteSession, plan: TablePlan, oid: int) -> list[str]:
    """Moves them, or says which ones this user may not move."""
    written = {name for column, name in plan.pairs if not column.is_null}
    table = session.qualified(session.job.table.name)
    warnings = []
    for column, sequence, name, may in session.execute(_SEQUENCES, oid):
        if str(column) not in written:
            continue
        if may:
            quoted = quote_identifier(str(column))
            session.execute(_MOVE.format(column=quoted, table=table, sequence=sequence))
            continue
        warnings.append(
            f"table {session.job.table}: the export brought values of {column!r} and may not move the sequence {name}:"
            " the next row without one may get a number that is taken (GRANT SELECT, UPDATE on that sequence)"
        )
    return warnings
