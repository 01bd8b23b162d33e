"""A fingerprint of PostgreSQL rows: never the same for changed rows, the same for unchanged ones.

Statistics counters are no basis: they lag behind commits and are lost in a crash. What holds:

- Tables: every change of a row makes a new row version, which no other committed version shares place
  (`ctid`) and writer (`xmin`) with. A checksum over both, without the values, therefore tells every insert,
  update, delete and truncate apart, at a third of the cost of reading. Rewriting a table in place
  (VACUUM FULL, CLUSTER) changes it too, which costs one needless refresh.
- Views, queries, foreign tables, and tables whose values can change without their rows (virtual columns,
  composite types): a checksum over the values, computed in the database.

Both include the columns, their types, defaults added without a rewrite, and the labels of enums.
"""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa

from resources.connectors.sql.postgresql.catalog import Relation
from resources.connectors.sql.reading import ReadPlan, free_name

# Summed by writer first: most rows share theirs, and a sum of integers costs a third of hashing a text a row.
_ROW_VERSIONS = (
    "SELECT sum(rows), sum(hashtextextended(version, 0)), sum(hashtextextended(version, 1)) FROM ("
    "SELECT count(*) AS rows, xmin::text || ':' || count(*) || ':' || sum({place_0}) || ':' || sum({place_1})"
    " AS version FROM {source} GROUP BY xmin) AS writers"
)
_HASHES_PLACES = (14,)  # first server version with a hash of ctid itself

_ROW_VALUES = (  # OFFSET 0 has the text of each row made once, not once a sum
    "SELECT count(*), sum(hashtextextended(row_text, 0)), sum(hashtextextended(row_text, 1))"
    " FROM (SELECT {row}::text AS row_text"
    " FROM (SELECT {columns} FROM ({select}\n) AS source) AS {row} OFFSET 0) AS texts"
)

_COLUMNS = """
SELECT a.attnum, a.attname, a.atttypid::int8, a.atttypmod, a.attmissingval::text,
       (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
        FROM pg_enum e WHERE e.enumtypid = a.atttypid)
FROM pg_attribute a
WHERE a.attrelid = :oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_CHANGEABLE = """
SELECT count(*)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem
WHERE a.attrelid = :oid AND a.attnum > 0 AND NOT a.attisdropped
  AND (a.attgenerated = 'v' OR t.typtype IN ('c', 'd') OR e.typtype IN ('c', 'd', 'e'))
"""


def compute_fingerprint(
    connection: sa.Connection, plan: ReadPlan, select: str, relation: Relation | None
) -> str:
    """The fingerprint as `v:` (row versions) or `h:` (values) and 32 hexadecimal digits."""
    digest = hashlib.sha256(repr(plan.schema.to_string()).encode())
    if relation is not None and _versions_tell(connection, relation):
        rows = connection.execute(sa.text(_COLUMNS), {"oid": relation.oid}).all()
        digest.update(repr([tuple(row) for row in rows]).encode())
        digest.update(str(relation.oid).encode())
        statement = _ROW_VERSIONS.format(source=relation.sql, **_places(connection))
        prefix = "v"
    else:
        alias = free_name(c.name for c in plan.columns)
        statement = _ROW_VALUES.format(columns=plan.select_list, select=select, row=alias)
        prefix = "h"
    driver: Any = connection.connection.driver_connection
    row = driver.execute(statement, binary=True).fetchone()  # one statement, without parameters
    digest.update(repr([str(value) for value in row or ()]).encode())
    return f"{prefix}:{digest.hexdigest()[:32]}"


def _places(connection: sa.Connection) -> dict[str, str]:
    """Two independent hashes of a row's place, as SQL."""
    if (connection.dialect.server_version_info or ()) >= _HASHES_PLACES:
        return {f"place_{seed}": f"hashtidextended(ctid, {seed})" for seed in (0, 1)}
    return {f"place_{seed}": f"hashtextextended(ctid::text, {seed})" for seed in (0, 1)}


def _versions_tell(connection: sa.Connection, relation: Relation) -> bool:
    if not relation.is_heap or relation.has_children:
        return False
    return not connection.execute(sa.text(_CHANGEABLE), {"oid": relation.oid}).scalar_one()
