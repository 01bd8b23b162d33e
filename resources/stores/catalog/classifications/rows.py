"""A set's table of values: one wide table, `class_<id>`: key PRIMARY KEY, c0, c1 ..., in order of the key's bytes.

Columns are numbered, so that any text may name one. What held before is in `deltas.py`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from resources.stores.catalog.classifications.records import KEY, RowChanges, StoredColumn

CHUNK_ROWS = 16_384
_KEYS_AT_ONCE = 8_192
_LIST = "list[string]"
_ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    _LIST: pa.list_(pa.string()),
}


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

    @property
    def fields(self) -> list[str]:
        """The names of the columns in the tables."""
        return [f"c{column.position}" for column in self._columns]

    def create(self) -> None:
        """Makes the table."""
        columns = "".join(f", c{c.position} {self.sql_types[c.type]}" for c in self._columns)
        self._run(
            f"CREATE TABLE {self.name} (key {self.key_type} PRIMARY KEY{columns}){self.suffix}"
        )

    def add(self, column: StoredColumn) -> None:
        """Adds a column that is null everywhere."""
        kind = self.sql_types[column.type]
        self._run(f"ALTER TABLE {self.name} ADD COLUMN c{column.position} {kind}")

    def scan(self, names: Sequence[str]) -> Generator[pa.RecordBatch]:
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
    def write(self, changes: RowChanges) -> None:
        """Makes `changes` hold."""

    @abstractmethod
    def _find(self, keys: list[str], names: Sequence[str]) -> Iterator[pa.RecordBatch]: ...

    @abstractmethod
    def _cursor(self, sql: str, parameters: Sequence[Any]) -> Any:
        """A cursor of the driver over the rows of a query, streamed."""

    def _run(self, sql: str) -> None:
        self._connection.exec_driver_sql(sql)

    def _upsert(self, source: str, *, replaces: bool) -> str:
        fields = "".join(f", {field}" for field in self.fields)
        statement = f"INSERT INTO {self.name} (key{fields}) {source}"
        if not replaces:
            return statement
        settings = ", ".join(f"{field} = excluded.{field}" for field in self.fields)
        return f"{statement} ON CONFLICT (key) DO UPDATE SET {settings}"

    def _fetch(
        self, sql: str, parameters: Sequence[Any], names: Sequence[str]
    ) -> Generator[pa.RecordBatch]:
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

    def _rows(self, table: pa.Table) -> Iterator[tuple[Any, ...]]:
        """Rows as the driver takes them: key, then values in the order of `fields`."""
        names = [KEY, *(column.name for column in self._columns)]
        for batch in table.select(names).to_batches(max_chunksize=CHUNK_ROWS):
            yield from zip(*(_written_values(array) for array in batch.columns), strict=True)


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
