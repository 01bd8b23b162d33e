"""What PostgreSQL's catalog says about a table or a query: identity, columns, size, how it may be cut into parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.postgresql.column_types import PostgresColumn
from resources.kernel.records import TableName

RANGE_BYTES = 8 * 1024 * 1024
PARALLEL_FROM_BYTES = 16 * 1024 * 1024
_TID_RANGE_SCAN_VERSION = 140_000  # before it a range of pages cost a scan of the whole table

LIST_TABLES = r"""
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE')
  AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
ORDER BY 1, 2
"""

ENCRYPTION = "SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

LIST_DATABASES = """
SELECT datname FROM pg_database
WHERE datallowconn AND NOT datistemplate AND has_database_privilege(oid, 'CONNECT')
ORDER BY datname <> current_database(), datname
"""

LIST_SCHEMAS = r"""
SELECT nspname FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'USAGE')
ORDER BY 1
"""

LIST_ENTRIES = """
SELECT c.relname, c.relkind,
       CASE WHEN c.relkind = 'p' THEN
            (SELECT sum(greatest(leaf.reltuples, 0))::int8
             FROM pg_partition_tree(c.oid) tree JOIN pg_class leaf ON leaf.oid = tree.relid
             WHERE tree.isleaf)
            ELSE c.reltuples::int8 END AS estimate
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
"""

_FIND_RELATION = """
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relhassubclass, coalesce(a.amname, ''),
       coalesce(pg_relation_size(c.oid), 0), current_setting('block_size')::int8,
       row_security_active(c.oid)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am a ON a.oid = c.relam
WHERE c.relname = :name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND CASE WHEN CAST(:schema AS text) IS NULL THEN pg_table_is_visible(c.oid)
           ELSE n.nspname = :schema END
"""

_TYPES = "SELECT oid, typname, typtype FROM pg_type WHERE oid = ANY(:oids)"


@dataclass(frozen=True)
class Relation:
    """A table, view or foreign table as the catalog knows it."""

    oid: int
    schema: str
    name: str
    kind: str
    """`pg_class.relkind`: r table, p partitioned, v view, m materialized view, f foreign table."""
    has_children: bool
    access_method: str
    size_bytes: int
    block_bytes: int
    row_security: bool

    @property
    def sql(self) -> str:
        """Its quoted name."""
        return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"

    @property
    def is_heap(self) -> bool:
        """Whether its rows are in one file of pages, each with its place (`ctid`) and its writer (`xmin`)."""
        return self.kind in {"r", "m"} and self.access_method == "heap"


def find_relation(connection: sa.Connection, table: TableName) -> Relation | None:
    """The relation of this name; without a schema the one that the search path finds."""
    row = connection.execute(
        sa.text(_FIND_RELATION), {"name": table.name, "schema": table.schema}
    ).first()
    return Relation(*row) if row else None


def describe_select(connection: sa.Connection, select: str) -> list[PostgresColumn]:
    """The columns that a SELECT returns, with their types; no row is computed.

    From here to the end of the transaction every table in it is locked against TRUNCATE, DROP and ALTER: one that is
    truncated after the snapshot and before the read would come back empty. Sent by the extended protocol, which takes one statement and no more (T17).
    """
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({select}\n) AS source LIMIT 0", binary=True)
        described = list(cursor.description or ())
    oids = sorted({column.type_code for column in described})
    rows = connection.execute(sa.text(_TYPES), {"oids": oids}).all()
    types = {oid: (name, kind) for oid, name, kind in rows}
    return [
        PostgresColumn(c.name, *types[c.type_code], precision=c.precision, scale=c.scale)
        for c in described
    ]


def page_ranges(relation: Relation, server_version: int) -> Sequence[str]:
    """Conditions that cut a relation into parts of about `RANGE_BYTES`; one empty condition if it cannot be cut.

    Row security is evaluated before a user's condition, so that each part would scan the whole table.
    """
    can_cut = (
        relation.is_heap
        and not relation.has_children
        and not relation.row_security
        and server_version >= _TID_RANGE_SCAN_VERSION
        and relation.size_bytes >= PARALLEL_FROM_BYTES
    )
    if not can_cut:
        return [""]
    pages = relation.size_bytes // relation.block_bytes
    step = max(1, RANGE_BYTES // relation.block_bytes)
    starts = range(0, pages, step)
    conditions = []
    for start in starts:
        upper = f" AND ctid < '({start + step},0)'" if start + step < pages else ""
        conditions.append(f" WHERE ctid >= '({start},0)'{upper}")
    return conditions
