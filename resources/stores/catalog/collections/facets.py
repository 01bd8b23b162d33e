"""What filters look at: one narrow table a collection, `facets_<id>`, with a typed column for each declared key.

It holds nothing of its own: every row follows from the item, and the table is made anew when the declared keys change.
Values are read from the metadata by `resources/collections/declared_values.py`, for both databases alike, so both have the same numbers, instants
and texts to compare. Keys of kind `text` are not in it: a transcript would make it wide; of an embedding it says whether
there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources.collections.declared_values import MetadataReader
from resources.collections.metadata_schema import KeyKind, MetadataKey, MetadataSchema

FIXED = ("item", "folder_id", "type", "state")
"""The columns that every table of facets has."""
TEXT_BEGINNING = 100
"""Characters of a text that PostgreSQL's index of its column has: an entry of an index must not be as long as a text may be."""
INDEXED_FROM = 50_000
"""Items from which on PostgreSQL gets indexes of declared keys."""
_INDEXED_COLUMNS = 12
_CHUNK = 8_192
_SQL_TYPES: dict[KeyKind, tuple[str, str]] = {
    "boolean": ("INTEGER", "SMALLINT"),
    "datetime": ("INTEGER", "BIGINT"),
    "number": ("REAL", "DOUBLE PRECISION"),
    "uuid": ("TEXT", 'TEXT COLLATE "C"'),
    "varchar": ("TEXT", 'TEXT COLLATE "C"'),
    "enum": ("TEXT", 'TEXT COLLATE "C"'),
    "embedding": ("INTEGER", "SMALLINT"),
    "geospatial": ("REAL", "DOUBLE PRECISION"),
}
"""Of each kind that has a column: its type in SQLite and in PostgreSQL."""


@dataclass(frozen=True)
class FacetTable:
    """The table of a collection.

    Args:
        collection_id: of the collection.
        keys: declared keys with columns, by name.
        is_sqlite: the database that it is in.
    """

    collection_id: int
    keys: tuple[MetadataKey, ...]
    is_sqlite: bool

    @classmethod
    def of(cls, collection_id: int, schema: MetadataSchema, *, is_sqlite: bool) -> FacetTable:
        """The table for the active keys of a schema."""
        active = (key for key in schema.keys.values() if key.state == "active")
        with_column = (key for key in active if key.kind in _SQL_TYPES)
        keys = tuple(sorted(with_column, key=lambda key: key.name))
        return cls(collection_id, keys, is_sqlite)

    @property
    def table(self) -> str:
        """Its name."""
        return f"facets_{self.collection_id}"

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Name and SQL type of the columns of keys."""
        return tuple(
            (name, _SQL_TYPES[key.kind][0 if self.is_sqlite else 1])
            for number, key in enumerate(self.keys)
            for name in _names(number, key)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of keys."""
        return tuple(name for name, _ in self.columns)

    def column(self, name: str) -> str | None:
        """The column of a key; the first of two of a place."""
        found = (n for n, key in enumerate(self.keys) if key.name == name)
        number = next(found, None)
        return None if number is None else f"c{number}"

    def reader(self) -> FacetReader:
        """What reads the values of these columns out of metadata."""
        return FacetReader(self.keys)

    def create(self, connection: sa.Connection, *, suffix: str = "") -> None:
        """Makes the table, empty."""
        number, text = ("INTEGER", "TEXT") if self.is_sqlite else ("BIGINT", 'TEXT COLLATE "C"')
        fixed = (
            f"item {number} PRIMARY KEY, folder_id INTEGER NOT NULL,"
            f" type {text} NOT NULL, state {text} NOT NULL"
        )
        columns = "".join(f", {name} {kind}" for name, kind in self.columns)
        connection.exec_driver_sql(f"CREATE TABLE {self.table}{suffix} ({fixed}{columns})")

    def remake(self, connection: sa.Connection) -> None:
        """Puts this table in the place of the one for other keys: all metadata is read once, in bounded memory."""
        self.create(connection, suffix="_new")
        read = self.reader()
        for rows in self._pages(connection):
            *fixed, metadata = zip(*rows, strict=True)
            values = zip(*fixed, *read.columns(metadata), strict=True)
            self.insert(connection, values, suffix="_new")
        connection.exec_driver_sql(f"DROP TABLE {self.table}")
        connection.exec_driver_sql(f"ALTER TABLE {self.table}_new RENAME TO {self.table}")
        self.ensure_indexes(connection)

    def ensure_indexes(self, connection: sa.Connection) -> None:
        """Gives a large table of PostgreSQL an index a column of keys, as far as they are missing; others have to wait meanwhile."""
        missing = self._missing_indexes(connection)
        if not missing:
            return
        is_large = sa.text(f"SELECT 1 FROM {self.table} OFFSET {INDEXED_FROM - 1} LIMIT 1")
        if connection.execute(is_large).first() is None:
            return
        for name, value in missing.items():
            connection.exec_driver_sql(f"CREATE INDEX {name} ON {self.table} ({value})")
        connection.exec_driver_sql(f"ANALYZE {self.table}")

    def _missing_indexes(self, connection: sa.Connection) -> dict[str, str]:
        """Their names, and what each is of; SQLite has none."""
        if self.is_sqlite:
            return {}
        kinds = [(name, kind) for name, kind in self.columns if kind != "SMALLINT"]
        wanted = {
            f"{self.table}_{name}": f"left({name}, {TEXT_BEGINNING})" if "TEXT" in kind else name
            for name, kind in kinds[:_INDEXED_COLUMNS]
        }
        known = sa.text(
            "SELECT indexname FROM pg_indexes"
            " WHERE tablename = :table AND schemaname = current_schema()"
        )
        there = set(connection.execute(known, {"table": self.table}).scalars())
        return {name: value for name, value in wanted.items() if name not in there}

    def insert(
        self, connection: sa.Connection, rows: Iterable[Sequence[Any]], *, suffix: str = ""
    ) -> None:
        """Adds rows: the fixed columns, then those of keys."""
        driver: Any = connection.connection.driver_connection
        names = ", ".join((*FIXED, *self.names))
        if not self.is_sqlite:
            with driver.cursor().copy(f"COPY {self.table}{suffix} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join("?" * (len(FIXED) + len(self.names)))
        driver.executemany(f"INSERT INTO {self.table}{suffix} ({names}) VALUES ({marks})", rows)

    def _pages(self, connection: sa.Connection) -> Iterator[Sequence[Any]]:
        """Whole pages: PostgreSQL answers nothing else while a COPY goes on."""
        metadata = "i.metadata" if self.is_sqlite else "i.metadata::text"
        page = sa.text(
            f"SELECT i.id, i.folder_id, i.type, i.state, {metadata}"
            f" FROM {self.table} f JOIN collection_items i ON i.id = f.item"
            f" WHERE f.item > :after ORDER BY f.item LIMIT {_CHUNK}"
        )
        after = 0
        while rows := connection.execute(page, {"after": after}).fetchall():
            yield rows
            after = rows[-1][0]


class FacetReader:
    """Reads the values of columns of keys; the two numbers of a place become two columns."""

    def __init__(self, keys: Sequence[MetadataKey]) -> None:
        self._keys = tuple(keys)
        self._read = MetadataReader(keys)

    def columns(self, metadata: Sequence[bytes | str | None]) -> list[Sequence[Any]]:
        """The columns, one value an item."""
        found: list[Sequence[Any]] = []
        for key, values in zip(self._keys, self._read.columns(metadata), strict=True):
            if key.kind in {"boolean", "embedding"}:
                found.append([value if value is None else int(value) for value in values])  # type: ignore[arg-type]
            elif key.kind == "geospatial":
                found += zip(*(value or (None, None) for value in values), strict=True)
            else:
                found.append(values)
        return found


def _names(number: int, key: MetadataKey) -> tuple[str, ...]:
    return (f"c{number}", f"c{number}_lon") if key.kind == "geospatial" else (f"c{number}",)
