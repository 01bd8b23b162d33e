"""What SQLite's catalog tells about the columns of a table that is written to."""

from __future__ import annotations

from resources.connectors.sql.writing.plan import FilledBy, TargetColumn

COLUMNS = (
    "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, 'main')"
)


def target_column(
    name: object,
    kind: object,
    required: object,
    default: object,
    key: object,
    hidden: object,
    *,
    only_key: bool,
) -> TargetColumn:
    """A column as `COLUMNS` lists it; `only_key` when no other column shares its primary key."""
    filled: FilledBy = "nobody" if default is None else "default"
    if key and only_key and str(kind).upper() == "INTEGER":
        filled = "identity"
    if hidden in (2, 3):
        filled = "generated"
    return TargetColumn(str(name), str(kind), bool(required), filled)
