"""Values of a set in SQLite: a table ordered by key, rows written in key order by one prepared statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from resources.stores.catalog.classifications.records import RowChanges
from resources.stores.catalog.classifications.rows import RowTable


class SqliteRowTable(RowTable):
    """See `RowTable`."""

    key_type = "TEXT"
    sql_types = {"text": "TEXT", "integer": "INTEGER", "float": "REAL", "list[string]": "TEXT"}  # noqa: RUF012
    suffix = " WITHOUT ROWID"

    def write(self, changes: RowChanges) -> None:
        """Deletes, then writes the new rows in key order: SQLite appends to its pages instead of splitting them."""
        marks = ", ?" * len(self.fields)
        cursor = self._driver.cursor()
        cursor.executemany(
            f"DELETE FROM {self.name} WHERE key = ?",
            ((key,) for key in changes.deleted.to_pylist()),
        )
        cursor.executemany(
            self._upsert(f"VALUES (?{marks})", replaces=changes.replaced_count > 0),
            self._rows(changes.upserts),
        )
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
