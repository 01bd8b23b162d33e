"""Values of a set in SQLite: a table ordered by key, rows written in key order by one prepared statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from resources.stores.catalog.classification_records import RowChanges
from resources.stores.catalog.classification_rows import RowTable


class SqliteRowTable(RowTable):
    """See `RowTable`."""

    key_type = "TEXT"
    sql_types = {"text": "TEXT", "integer": "INTEGER", "float": "REAL", "list[string]": "TEXT"}  # noqa: RUF012
    suffix = " WITHOUT ROWID"

    def write(self, changes: RowChanges, version: int) -> None:
        """Old rows to the past, then the new ones in key order: SQLite appends to its pages instead of splitting them."""
        fields = "".join(f", {field}" for field in self.fields)
        gone = f"INSERT INTO {self.past} (key, since, until{fields})"
        gone += f" SELECT key, since, {version}{fields} FROM {self.name} WHERE key = ?"
        cursor = self._driver.cursor()
        for keys in (changes.replaced, changes.deleted):
            cursor.executemany(gone, ((key,) for key in keys.to_pylist()))
        cursor.executemany(
            f"DELETE FROM {self.name} WHERE key = ?",
            ((key,) for key in changes.deleted.to_pylist()),
        )
        settings = "".join(f", {field} = excluded.{field}" for field in self.fields)
        marks = ", ?" * len(self.fields)
        statement = f"INSERT INTO {self.name} (key, since{fields}) VALUES (?, ?{marks})"
        if len(changes.replaced):
            statement += f" ON CONFLICT (key) DO UPDATE SET since = excluded.since{settings}"
        cursor.executemany(statement, self._rows(changes.upserts, version))
        cursor.close()

    def _find(self, keys: list[str], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        marks = ", ".join("?" * len(keys))
        return self._fetch(
            f"SELECT {self._selected(names)} FROM {self.name} WHERE key IN ({marks}) ORDER BY key",
            keys,
            names,
        )

    def _cursor(self, sql: str, parameters: Sequence[Any]) -> Any:
        return self._driver.execute(sql, parameters)

    @property
    def _driver(self) -> Any:
        return self._connection.connection.driver_connection
