"""What PostgreSQL's catalog tells about a table: columns, what hangs on it, whether row security hides rows."""

from __future__ import annotations

from collections.abc import Callable

from resources.connectors.sql.writing.plan import FilledBy, ReferringKey, TargetColumn
from resources.kernel.errors import InputError

Execute = Callable[..., list[tuple[object, ...]]]

_KINDS = {
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table",
    "S": "a sequence",
    "i": "an index",
    "I": "an index",
    "c": "a composite type",
}

_CHANGES_CHILDREN = {
    "c": "ON DELETE CASCADE",
    "n": "ON DELETE SET NULL",
    "d": "ON DELETE SET DEFAULT",
}

_COLUMNS = """
SELECT a.attname,
       (WITH RECURSIVE layer (oid, modifier, suffix) AS (
            SELECT a.atttypid, a.atttypmod, ''
            UNION ALL
            SELECT CASE l.typtype WHEN 'd' THEN l.typbasetype ELSE l.typelem END,
                   CASE l.typtype WHEN 'd' THEN l.typtypmod ELSE modifier END,
                   CASE l.typtype WHEN 'd' THEN suffix ELSE suffix || '[]' END
            FROM layer JOIN pg_type l ON l.oid = layer.oid
            WHERE l.typtype = 'd' OR l.typcategory = 'A' AND l.typname NOT IN ('int2vector', 'oidvector'))
        SELECT format_type(layer.oid, modifier) || suffix FROM layer JOIN pg_type l ON l.oid = layer.oid
        WHERE l.typtype <> 'd' AND (l.typcategory <> 'A' OR l.typname IN ('int2vector', 'oidvector'))),
       a.attnotnull,
       CASE WHEN a.attgenerated <> '' THEN 'generated' WHEN a.attidentity <> '' THEN 'identity'
            WHEN a.atthasdef OR t.typdefault IS NOT NULL THEN 'default' ELSE 'nobody' END,
       EXISTS (SELECT 1 FROM pg_type e WHERE e.oid = t.typelem AND e.typtype = 'd')
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_CHILDREN = """
SELECT c.conrelid::regclass::text, c.conname, c.confdeltype::text FROM pg_constraint c
WHERE c.contype = 'f' AND c.confrelid = $1 AND c.conrelid <> c.confrelid AND c.conparentid = 0
ORDER BY 1, 2
"""

_DEPENDENTS = """
SELECT 'view ' || v.oid::regclass::text FROM pg_depend d
  JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_class v ON v.oid = r.ev_class
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND v.oid <> $1
UNION SELECT 'grant to ' || CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END
  FROM pg_class c, aclexplode(c.relacl) x WHERE c.oid = $1 AND x.grantee <> c.relowner
UNION SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal
UNION SELECT 'policy ' || polname FROM pg_policy WHERE polrelid = $1
UNION SELECT 'index ' || indexrelid::regclass::text FROM pg_index WHERE indrelid = $1
UNION SELECT 'foreign key ' || conname || ' of ' || conrelid::regclass::text FROM pg_constraint
  WHERE contype = 'f' AND (confrelid = $1 OR conrelid = $1)
UNION SELECT 'comment' FROM pg_description
  WHERE classoid = 'pg_class'::regclass AND objoid = $1 AND objsubid = 0
ORDER BY 1
"""


def find_table(execute: Execute, schema: str, name: str) -> int | None:
    """The table's identity, or None when the name is free.

    Raises:
        InputError: something other than a table has the name.
    """
    rows = execute(
        "SELECT c.oid::bigint, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $1 AND c.relname = $2",
        *(schema, name),
    )
    if not rows:
        return None
    oid, kind = rows[0]
    if kind not in ("r", "p"):
        raise InputError(
            f"{schema}.{name} is {_KINDS.get(str(kind), 'something else')}, not a table",
            hint="Choose the name of a table, or a free one",
        )
    return int(str(oid))


def read_columns(execute: Execute, oid: int) -> tuple[TargetColumn, ...]:
    """The columns of a table; domains, also of domains and in arrays, are resolved to what they stand for."""
    kinds: dict[object, FilledBy] = {
        "generated": "generated",
        "identity": "identity",
        "default": "default",
    }
    return tuple(
        TargetColumn(
            str(name), str(kind), bool(required), kinds.get(filled_by, "nobody"), bool(wrapped)
        )
        for name, kind, required, filled_by, wrapped in execute(_COLUMNS, oid)
    )


def find_children(execute: Execute, oid: int) -> list[ReferringKey]:
    """Foreign keys of other tables that refer to this one (E49)."""
    return [
        ReferringKey(str(table), str(name), _CHANGES_CHILDREN.get(str(action), ""))
        for table, name, action in execute(_CHILDREN, oid)
    ]


def find_rules(execute: Execute, oid: int) -> list[str]:
    """Rules of a table by which an INSERT or a DELETE does something else, or something more."""
    return _names(
        execute,
        "SELECT rulename FROM pg_rewrite WHERE ev_class = $1 AND ev_type IN ('3', '4') AND ev_enabled <> 'D' ORDER BY 1",
        oid,
    )


def find_heirs(execute: Execute, oid: int) -> list[str]:
    """Tables that inherit from one that is not partitioned: they have rows and columns of their own."""
    return _names(
        execute,
        "SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent"
        " WHERE i.inhparent = $1 AND c.relkind = 'r' ORDER BY 1",
        oid,
    )


def find_triggers(execute: Execute, oid: int) -> list[str]:
    """Triggers of a table, or of a partition of it, that may change the rows that come."""
    return _names(
        execute,
        "SELECT DISTINCT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 4 = 4"
        " AND tgrelid IN (SELECT relid FROM pg_partition_tree($1::oid) UNION ALL SELECT $1::oid) ORDER BY 1",
        oid,
    )


def _names(execute: Execute, sql: str, oid: int) -> list[str]:
    return [str(row[0]) for row in execute(sql, oid)]


def find_dependents(execute: Execute, oid: int) -> list[str]:
    """What goes when the table is dropped: views, grants, triggers, policies, indexes, foreign keys, its comment."""
    return [str(row[0]) for row in execute(_DEPENDENTS, oid)]


def hides_rows(execute: Execute, oid: int) -> bool:
    """Whether row security applies to this user: rows that he does not see could not be replaced."""
    return bool(execute("SELECT row_security_active($1::oid)", oid)[0][0])


def read_view_marker(execute: Execute, schema: str, name: str) -> tuple[str, str]:
    """What has the name (`v` a view; empty when it is free) and its comment."""
    rows = execute(
        "SELECT c.relkind::text, obj_description(c.oid, 'pg_class') FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
        *(schema, name),
    )
    return (str(rows[0][0]), str(rows[0][1] or "")) if rows else ("", "")
