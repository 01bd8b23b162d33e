"""A set's tables of values: one wide table for what holds now, one for what held before.

```
class_<id>       key PRIMARY KEY, since, c0, c1 ...          ordered by key's bytes
class_<id>_past  key, since, until, c0, c1 ...               a row as it was from version `since` to before `until`
```
A change copies the old rows to the past inside the database; new rows cost nothing there, since `since` tells when they
came. So any version is: what holds since then or longer, and what the past says of the rest.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from resources.stores.catalog.classification_records import KEY, RowChanges, StoredColumn

CHUNK_ROWS = 16_384
_KEYS_AT_ONCE = 8_192
_LIST = "list[string]"
_ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    _LIST: pa.list_(pa.string()),
}


@dataclass(frozen=True)
class RestoreCounts:
    """What going back to an earlier version did to the keys."""

    new: int
    updated: int
    deleted: int


class RowTable(ABC):
    """The values of one set inside a transaction.

    Args:
        connection: in its transaction.
        set_id: of the set.
        columns: all columns that the tables have.
    """

    key_type: str
    sql_types: dict[str, str]
    suffix = ""

    def __init__(
        self, connection: sa.Connection, set_id: int, columns: Sequence[StoredColumn]
    ) -> None:
        self._connection = connection
        self._columns = tuple(columns)
        self.name = f"class_{set_id}"
        self.past = f"class_{set_id}_past"

    @property
    def fields(self) -> list[str]:
        """The names of the columns in the tables."""
        return [f"c{column.position}" for column in self._columns]

    def create(self) -> None:
        """Makes both tables."""
        columns = "".join(f", c{c.position} {self.sql_types[c.type]}" for c in self._columns)
        self._run(
            f"CREATE TABLE {self.name} (key {self.key_type} PRIMARY KEY, since INTEGER NOT NULL"
            f"{columns}){self.suffix}"
        )
        self._run(
            f"CREATE TABLE {self.past} (key {self.key_type} NOT NULL, since INTEGER NOT NULL,"
            f" until INTEGER NOT NULL{columns})"
        )
        self._run(f"CREATE INDEX {self.past}_until ON {self.past} (until)")

    def add(self, column: StoredColumn) -> None:
        """Adds a column that is null everywhere."""
        for table in (self.name, self.past):
            self._run(
                f"ALTER TABLE {table} ADD COLUMN c{column.position} {self.sql_types[column.type]}"
            )

    def scan(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows in key order: Key, then the columns named."""
        return self._fetch(
            f"SELECT {self._selected(names)} FROM {self.name} ORDER BY key", (), names
        )

    def find(self, keys: Sequence[str], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows of these keys, which come in order."""
        remaining = iter(keys)
        while chunk := list(islice(remaining, _KEYS_AT_ONCE)):
            yield from self._find(chunk, names)

    @abstractmethod
    def write(self, changes: RowChanges, version: int) -> None:
        """Makes `changes` hold from `version` on."""

    def restore(self, wanted: int, version: int) -> RestoreCounts:
        """Makes the rows of version `wanted` hold again, as `version`."""
        fields = "".join(f", {field}" for field in self.fields)
        moved = self._run(
            f"INSERT INTO {self.past} (key, since, until{fields})"
            f" SELECT key, since, {version}{fields} FROM {self.name} WHERE since > {wanted}"
        )
        self._run(f"DELETE FROM {self.name} WHERE since > {wanted}")
        held = f"since <= {wanted} AND until > {wanted}"
        restored = self._run(
            f"INSERT INTO {self.name} (key, since{fields})"
            f" SELECT key, {version}{fields} FROM {self.past} WHERE {held} ORDER BY key"
        )
        both = self._connection.exec_driver_sql(
            f"SELECT count(*) FROM {self.past} WHERE {held}"
            f" AND key IN (SELECT key FROM {self.past} WHERE until = {version})"
        ).scalar_one()
        return RestoreCounts(restored - both, both, moved - both)

    def forget(self, oldest: int) -> None:
        """Drops what only versions before `oldest` need."""
        self._run(f"DELETE FROM {self.past} WHERE until <= {oldest}")

    @abstractmethod
    def _find(self, keys: list[str], names: Sequence[str]) -> Iterator[pa.RecordBatch]: ...

    @abstractmethod
    def _cursor(self, sql: str, parameters: Sequence[Any]) -> Any:
        """A cursor of the driver over the rows of a query, streamed."""

    def _run(self, sql: str) -> int:
        return int(self._connection.exec_driver_sql(sql).rowcount)

    def _fetch(
        self, sql: str, parameters: Sequence[Any], names: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        schema = self.schema(names)
        cursor = self._cursor(sql, parameters)
        try:
            while rows := cursor.fetchmany(CHUNK_ROWS):
                arrays = [
                    _read_values(list(values), field.type)
                    for values, field in zip(zip(*rows, strict=True), schema, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        finally:
            cursor.close()

    def schema(self, names: Sequence[str]) -> pa.Schema:
        """The schema of rows with the columns named."""
        return schema_of({column.name: column.type for column in self._columns}, names)

    def _selected(self, names: Sequence[str]) -> str:
        by_name = {column.name: f"c{column.position}" for column in self._columns}
        return ", ".join(["key", *(by_name[name] for name in names)])

    def _rows(self, table: pa.Table, version: int) -> Iterator[tuple[Any, ...]]:
        """Rows as the driver takes them: key, version, values in the order of `fields`."""
        names = [KEY, *(column.name for column in self._columns)]
        for batch in table.select(names).to_batches(max_chunksize=CHUNK_ROWS):
            keys, *values = (_written_values(array) for array in batch.columns)
            yield from zip(keys, [version] * batch.num_rows, *values, strict=True)


def schema_of(types: Mapping[str, str], names: Iterable[str]) -> pa.Schema:
    """The Arrow schema of a set's rows: Key, then the columns named, whose types are given by name."""
    fields = [pa.field(name, _ARROW[types[name]]) for name in names]
    return pa.schema([pa.field(KEY, pa.string(), nullable=False), *fields])


def _read_values(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_list(kind):
        values = [None if text is None else json.loads(text) for text in values]
    return pa.array(values, kind)


def _written_values(array: pa.Array) -> list[Any]:
    values = array.to_pylist()
    if not pa.types.is_list(array.type):
        return list(values)
    return [None if found is None else json.dumps(found, ensure_ascii=False) for found in values]
