"""The connection of an export to SQLite: statements, and what the file's catalog says."""

from __future__ import annotations

import sqlite3

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.sqlite.target import COLUMNS, target_column
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.session import WriteSession
from resources.kernel.errors import InputError

_CHILDREN = """
SELECT DISTINCT m.name, f.on_delete FROM main.sqlite_master m, pragma_foreign_key_list(m.name, 'main') f
WHERE m.type = 'table' AND lower(f."table") = lower(?1) AND lower(m.name) <> lower(?1) ORDER BY 1
"""


class SqliteWriteSession(WriteSession):
    """One connection in autocommit; its temporary tables are outside of the file and go with it."""

    def __init__(self, connection: sqlite3.Connection, job: ExportJob) -> None:
        super().__init__(job)
        self.connection = connection

    def close(self) -> None:
        """Ends the connection; its temporary table goes with it."""
        self.connection.close()

    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement; see the base."""
        return self.connection.execute(sql, parameters).fetchall()

    def mark(self, number: int) -> str:
        """`?1`."""
        return f"?{number}"

    def qualified(self, name: str) -> str:
        """`main."name"`."""
        return f"main.{quote_identifier(name)}"

    def inspect(self, name: str) -> tuple[TargetColumn, ...] | None:
        """Columns of a table, or None; see the base."""
        rows = self.execute(
            "SELECT type FROM main.sqlite_master WHERE lower(name) = lower(?1)", name
        )
        if not rows:
            return None
        if rows[0][0] != "table":
            raise InputError(
                f"{self.job.doing}: {name} is a {rows[0][0]}, not a table",
                hint="Choose the name of a table, or a free one",
            )
        found = self.execute(COLUMNS, name)
        keys = sum(bool(row[4]) for row in found)
        return tuple(target_column(*row, only_key=keys == 1) for row in found)

    def existing_tables(self) -> set[str]:
        """Tables of the file."""
        return {
            str(name)
            for (name,) in self.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")
        }

    def children(self) -> list[tuple[str, str]]:
        """Tables that refer to the target, and what a DELETE would do to their rows."""
        rows = self.execute(_CHILDREN, self.job.table.name)
        return [(str(name), str(action)) for name, action in rows]

    def referred(self, error: sqlite3.IntegrityError) -> InputError:
        """The error about rows that refer to the old ones (E49)."""
        children = ", ".join(name for name, _ in self.children())
        return InputError(
            f"{self.job.doing}: rows of table {children or 'another'} refer to its old rows ({error});"
            " the old rows stay",
            hint="Delete those first, or choose mode `append`",
            child=children,
        )
