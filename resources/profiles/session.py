"""The DuckDB that counts a table: bounded memory, the rest on disk, and its errors in our words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from resources.kernel.errors import InputError, StorageError
from resources.scratch import ScratchFolder
from resources.stores.duckdb_read import NumberedRelation
from resources.stores.tables import StoredTable

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEMORY_LIMIT = "320MB"
"""Beyond it DuckDB works in a scratch folder; Python and Arrow come on top."""
_MOST_THREADS = 4
"""Each holds pages of its own."""
_FETCHED_ROWS = 131_072


@dataclass(frozen=True)
class DatabaseWords:
    """How it is told that something could not be counted: `its {subject} cannot be {done}`, and what to do instead."""

    subject: Literal["profile", "drift"]
    done: str
    way_out: str


_WORDS = DatabaseWords("profile", "made", "leave the profile out with `profile: off`")


@dataclass(frozen=True)
class Session:
    """A stored table, open in DuckDB."""

    connection: duckdb.DuckDBPyConnection
    table: StoredTable
    relation: NumberedRelation
    """Its rows: columns `c0`, `c1` ... and `n`, the number of the row."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The part files, for as long as the connection lives."""
        return self.relation.paths

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query, all of them."""
        return self.connection.execute(sql).fetchall()

    def run(self, sql: str) -> None:
        """A statement without a result."""
        self.connection.execute(sql)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query, some at a time."""
        yield from self.connection.execute(sql).to_arrow_reader(_FETCHED_ROWS)


@contextmanager
def open_session(table: StoredTable) -> Iterator[Session]:
    """A database in memory with the rows of `table`, whose files are compared with the manifest first.

    Raises:
        IntegrityError: a file is damaged or missing (E53).
        GoneError: the version was collected meanwhile (E51).
        StorageError: neither memory nor temporary disk is enough.
        InputError: DuckDB cannot read the rows.
    """
    with open_database(table.name, _WORDS) as connection:
        yield session_of(connection, table)


@contextmanager
def open_database(where: str, words: DatabaseWords) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, with a scratch folder for what has no room there; its errors as `translated` tells them.

    Args:
        where: the table, for messages.
        words: what could not be done.
    """
    import duckdb

    with ScratchFolder(words.subject) as scratch, translated(where, words):
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": scratch.name,
            "threads": min(os.cpu_count() or 1, _MOST_THREADS),
        }
        with duckdb.connect(config=config) as connection:
            # It would draw one on standard output, where answers are.
            connection.execute("SET enable_progress_bar = false")
            yield connection


def session_of(connection: duckdb.DuckDBPyConnection, table: StoredTable) -> Session:
    """The rows of a table in a database, its files compared with the manifest; errors as `open_session` raises."""
    return Session(connection, table, table.numbered(connection, is_proven=True))


@contextmanager
def translated(where: str, words: DatabaseWords = _WORDS) -> Iterator[None]:
    """Errors of DuckDB as ours.

    Args:
        where: the table, for messages.
        words: what could not be done.

    Raises:
        StorageError: neither memory nor temporary disk is enough.
        InputError: anything else that DuckDB says.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise StorageError(
            f"{where}: its {words.subject} needs more memory or temporary disk than it may have: {_text(error)}",
            hint=f"Give the temporary folder more space, or {words.way_out}",
        ) from error
    except duckdb.Error as error:
        raise InputError(
            f"{where}: its {words.subject} cannot be {words.done}: {_text(error)}"
        ) from error


class UnreadableError(Exception):
    """A column holds values that DuckDB's type for it cannot."""


@contextmanager
def readable() -> Iterator[None]:
    """Tells values that DuckDB cannot read from a lack of memory and from errors of ours.

    Raises:
        UnreadableError: with DuckDB's words.
    """
    import duckdb

    try:
        yield
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise UnreadableError(_text(error)) from error


def _text(error: Exception) -> str:
    return " ".join(str(error).partition("\nLINE")[0].split())[:280]
