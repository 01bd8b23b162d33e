"""The DuckDB that counts two versions: bounded memory, the rest on disk, and its errors in our words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resources.kernel.errors import InputError, StorageError
from resources.profiles.session import MEMORY_LIMIT, Session
from resources.scratch import ScratchFolder
from resources.stores.tables import StoredTable

if TYPE_CHECKING:
    import duckdb

_MOST_THREADS = 4
"""Each holds pages of its own."""


@dataclass(frozen=True)
class OpenedSides:
    """Two stored tables, open in one DuckDB."""

    connection: duckdb.DuckDBPyConnection
    reference: Session
    current: Session

    @property
    def both(self) -> tuple[Session, Session]:
        """The reference, then the current version."""
        return self.reference, self.current

    @property
    def rows(self) -> int:
        """Of both together."""
        return self.reference.table.rows + self.current.table.rows


@contextmanager
def open_sides(reference: StoredTable, current: StoredTable) -> Iterator[OpenedSides]:
    """A database in memory with the rows of both, whose files are compared with the manifests first.

    Raises:
        IntegrityError: a file is damaged or missing (E53).
        GoneError: a version was collected meanwhile (E51).
        StorageError: neither memory nor temporary disk is enough.
        InputError: DuckDB cannot read the rows.
    """
    import duckdb

    with ScratchFolder("drift") as scratch, _translated(current.name):
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": scratch.name,
            "threads": min(os.cpu_count() or 1, _MOST_THREADS),
        }
        with duckdb.connect(config=config) as connection:
            # It would draw one on standard output, where answers are.
            connection.execute("SET enable_progress_bar = false")
            yield OpenedSides(
                connection, _session(connection, reference), _session(connection, current)
            )


def _session(connection: duckdb.DuckDBPyConnection, table: StoredTable) -> Session:
    found = table.numbered(connection, is_proven=True)
    return Session(connection, table, found.source, found.paths)


@contextmanager
def _translated(where: str) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise StorageError(
            f"{where}: its drift needs more memory or temporary disk than it may have: {_text(error)}",
            hint="Give the temporary folder more space, or leave columns out with `ignore`",
        ) from error
    except duckdb.Error as error:
        raise InputError(f"{where}: its drift cannot be told: {_text(error)}") from error


def _text(error: Exception) -> str:
    return " ".join(str(error).partition("\nLINE")[0].split())[:280]
