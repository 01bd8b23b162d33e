"""The DuckDB that counts two versions, as `resources/profiles/session.py` opens it for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resources.profiles.session import DatabaseWords, Session, open_database, session_of
from resources.stores.tables import StoredTable

if TYPE_CHECKING:
    import duckdb

_WORDS = DatabaseWords("drift", "told", "leave columns out with `ignore`")


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
    with open_database(current.name, _WORDS) as connection:
        yield OpenedSides(
            connection, session_of(connection, reference), session_of(connection, current)
        )
