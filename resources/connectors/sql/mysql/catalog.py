"""What the catalog of MySQL and MariaDB says: databases, tables, how many rows they are thought to have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from resources.kernel.quoting import quoted
from resources.kernel.records import BrowseEntry, TableName

Rows = Callable[..., list[tuple[Any, ...]]]

_QUOTE = "`"  # which every mode of the server understands

SYSTEM_DATABASES = ("information_schema", "mysql", "performance_schema", "sys")

_FIND = (
    "SELECT table_schema, table_name FROM information_schema.tables"
    " WHERE table_schema = %s AND table_name = %s AND table_type <> 'SEQUENCE'"
)
_LIST = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    " AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED', 'SYSTEM VIEW')"
)
_ENTRIES = (
    "SELECT table_name, table_type, table_rows, data_length + index_length, update_time"
    " FROM information_schema.tables WHERE table_schema = %s"
    " AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED', 'SYSTEM VIEW')"
)
_INVISIBLE = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
    " AND extra LIKE '%%INVISIBLE%%' AND extra NOT LIKE '%%SYSTEM%%' ORDER BY ordinal_position"
)
_UPDATED = (
    "SELECT create_time, update_time FROM information_schema.tables"
    " WHERE table_schema = %s AND table_name = %s AND update_time IS NOT NULL"
)
_DATABASES = "SELECT schema_name FROM information_schema.schemata ORDER BY schema_name"


@dataclass(frozen=True)
class MysqlTable:
    """A table or view, as the server spells it."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        """Its quoted name."""
        return f"{quoted(self.schema, _QUOTE)}.{quoted(self.name, _QUOTE)}"


def find_table(rows: Rows, schema: str, name: str) -> MysqlTable | None:
    """The table of this name; the name's case counts where the server says so."""
    found = rows(_FIND, schema, name)
    exact = [row for row in found if row == (schema, name)]
    if found and not exact:
        # The catalog compares without case; whether the server finds the table so is its own setting.
        ((folded,),) = rows("SELECT @@lower_case_table_names")
        exact = found if folded else []
    return MysqlTable(*exact[0]) if exact else None


def list_names(rows: Rows, schema: str) -> list[str]:
    """Tables and views of a database that the user may see, in order of name."""
    return sorted(str(name) for (name,) in rows(_LIST, schema))


def list_databases(rows: Rows) -> list[str]:
    """Databases that the user may see, the server's own left out."""
    names = (str(name) for (name,) in rows(_DATABASES))
    return [name for name in names if name.lower() not in SYSTEM_DATABASES]


def invisible_columns(rows: Rows, table: MysqlTable) -> list[str]:
    """Columns that `SELECT *` leaves out because they were made INVISIBLE."""
    return [str(name) for (name,) in rows(_INVISIBLE, table.schema, table.name)]


def updated_at(rows: Rows, table: MysqlTable) -> str:
    """When a table was made and last written to; empty where the server does not know."""
    found = rows(_UPDATED, table.schema, table.name)
    return " ".join(str(value) for value in found[0]) if found else ""


def table_entry(schema: str, row: tuple[Any, ...]) -> BrowseEntry:
    """What browsing shows of a table."""
    name, kind, estimate, size, updated = row
    is_view = "VIEW" in kind
    return BrowseEntry(
        name=name,
        kind="view" if is_view else "table",
        path=str(TableName(name, schema)),
        size_bytes=None if size is None or is_view else int(size),
        rows=None if estimate is None or is_view else int(estimate),
        modified_at=updated.replace(tzinfo=UTC) if isinstance(updated, datetime) else None,
    )


def list_entries(rows: Rows, schema: str) -> list[BrowseEntry]:
    """The tables of a database with the server's own estimates."""
    return [table_entry(schema, row) for row in sorted(rows(_ENTRIES, schema))]
