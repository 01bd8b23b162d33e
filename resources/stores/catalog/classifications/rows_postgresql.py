"""Values of a set in PostgreSQL: rows arrive by COPY in a table of the transaction, the rest happens set-wise."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from resources.kernel.errors import InputError
from resources.stores.catalog.classifications.records import KEY, RowChanges
from resources.stores.catalog.classifications.rows import RowTable


class PostgresRowTable(RowTable):
    """See `RowTable`. Keys are ordered by their bytes here too, whatever the database's own order."""

    key_type = 'TEXT COLLATE "C"'
    sql_types = {  # noqa: RUF012
        "text": "TEXT",
        "integer": "BIGINT",
        "float": "DOUBLE PRECISION",
        "list[string]": "TEXT",
    }

    def write(self, changes: RowChanges) -> None:
        """Deletes and writes in one statement each.

        Raises:
            InputError: a text with a NUL character, which PostgreSQL cannot keep (E28).
        """
        _refuse_nul(changes.upserts)
        self._run(
            f"CREATE TEMP TABLE class_deleted (key {self.key_type} PRIMARY KEY) ON COMMIT DROP"
        )
        self._copy("class_deleted (key)", ((key,) for key in changes.deleted.to_pylist()))
        self._run(f"DELETE FROM {self.name} WHERE key IN (SELECT key FROM class_deleted)")
        fields = "".join(f", {field}" for field in self.fields)
        if not changes.replaced_count:
            self._copy(f"{self.name} (key{fields})", self._rows(changes.upserts))
            return
        self._run(
            f"CREATE TEMP TABLE class_written ON COMMIT DROP AS SELECT * FROM {self.name} LIMIT 0"
        )
        self._copy(f"class_written (key{fields})", self._rows(changes.upserts))
        self._run(self._upsert(f"SELECT key{fields} FROM class_written", replaces=True))

    def _copy(self, target: str, rows: Iterator[tuple[Any, ...]]) -> None:
        with (
            self._driver.cursor() as cursor,
            cursor.copy(f"COPY {target} FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def _find(self, keys: list[str], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        keys = [key for key in keys if "\x00" not in key]  # stored is none: PostgreSQL has no NUL
        return self._fetch(
            f"SELECT {self._selected(names)} FROM {self.name} WHERE key = ANY(%s) ORDER BY key",
            (keys,),
            names,
        )

    def _cursor(self, sql: str, parameters: Sequence[Any]) -> Any:
        cursor = self._driver.cursor(f"waybill_{secrets.token_hex(4)}")
        cursor.itersize = 16_384
        return cursor.execute(sql, parameters)

    @property
    def _driver(self) -> Any:
        return self._connection.connection.driver_connection


def _refuse_nul(rows: pa.Table) -> None:
    """Refuses texts that hold a NUL character; in lists it is escaped.

    Raises:
        InputError: the first one, with key and column.
    """
    for name in rows.column_names:
        column = rows.column(name)
        if not pa.types.is_string(column.type):
            continue
        found = pc.index(pc.match_substring(column, "\x00"), value=True).as_py()
        if found >= 0:
            raise InputError(
                f"key {rows.column(KEY)[found].as_py()!r}, column {name!r}: a NUL character, which"
                " PostgreSQL cannot keep",
                hint="Take it out of the file",
                column=name,
            )
