"""Looking around in a database: databases, then schemas, then tables, as far as the system has such levels.

A place is written like a folder, `dwh/public/`; a table's path is what a data source takes as `table:`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, Protocol

from resources.connectors.sql.names import is_internal_name
from resources.kernel.errors import NotFoundError
from resources.kernel.records import BrowseEntry, TableName


class BrowsableDatabase(Protocol):
    """A database that can be looked around in."""

    @property
    def label(self) -> str:
        """How error texts call it."""

    def databases(self) -> Sequence[str]:
        """Databases that the user may sign in to, the connector's own first; none where there is no such level."""

    def schemas(self) -> Sequence[str]:
        """Schemas whose tables the user may see; none where there is no such level."""

    def table_entries(self, schema: str | None) -> Iterable[BrowseEntry]:
        """Tables and views of a schema, with the system's own estimate of their rows."""


def browse(
    connector: BrowsableDatabase, path: str, limit: int, after: str = ""
) -> Iterator[BrowseEntry]:
    """What stands directly below a place, in order of path, behind the entry whose path is `after`.

    Raises:
        NotFoundError: no such place, or a database that needs a connector of its own.
    """
    parts = [part for part in path.split("/") if part]
    entries = [entry for entry in _entries(connector, parts, path) if entry.path > after]
    found = sorted(entries, key=lambda entry: entry.path)
    return itertools.islice(found, max(0, limit))


def _entries(connector: BrowsableDatabase, parts: list[str], path: str) -> Iterable[BrowseEntry]:
    databases = list(connector.databases())
    prefix = ""
    if databases:
        if not parts:
            return [BrowseEntry(name, "database", f"{name}/") for name in databases]
        database = parts.pop(0)
        prefix = f"{database}/"
        if database != databases[0]:
            raise NotFoundError(
                f"{connector.label}: it signs in to database {databases[0]!r}, not {database!r}",
                hint="Declare a connector for that database"
                if database in databases
                else f"Databases there: {', '.join(databases[:10])}",
            )
    schemas = list(connector.schemas())
    if schemas and not parts:
        return [BrowseEntry(name, "schema", f"{prefix}{name}/") for name in schemas]
    schema = parts.pop(0) if schemas else None
    if parts or (schema is not None and schema not in schemas):
        raise NotFoundError(
            f"{connector.label}: there is nothing to look into at {path!r}",
            hint=f"Schemas there: {', '.join(schemas[:10])}" if schemas else "Look at the top",
        )
    return [e for e in connector.table_entries(schema) if not is_internal_name(e.name)]


def table_entry(
    name: str, schema: str | None, *, rows: int | None = None, is_view: bool = False
) -> BrowseEntry:
    """A table or view; without a schema where the database needs none."""
    kind: Literal["table", "view"] = "view" if is_view else "table"
    known = rows if rows is not None and rows >= 0 else None
    return BrowseEntry(name, kind, str(TableName(name, schema)), rows=None if is_view else known)
