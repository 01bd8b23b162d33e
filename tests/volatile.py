"""What tests write need not outlive a loss of power: nothing of it waits for the disk.

A process that is killed leaves all that it wrote to the operating system, which is what kill tests need. A new instance of Dagster
costs a hundred waits for the disk, each commit of SQLite three: together they were a third of a worker's time.
Tests that count or break `os.fsync` put their own in the place of this one.
"""

from __future__ import annotations

import os
import sqlite3
from typing import Any


class VolatileConnection(sqlite3.Connection):
    """A connection to SQLite that does not wait for the disk, whatever is asked of it."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        super().execute("PRAGMA synchronous = OFF")

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """As SQLite's own, but for the one setting."""
        if statement.startswith("PRAGMA synchronous"):
            statement = "PRAGMA synchronous = OFF"
        return super().execute(statement, *values)


def forgo_the_disk() -> None:
    """Has this process, and those that are forked from it, never wait until something is on the disk."""
    connect = sqlite3.connect

    def connect_volatile(database: Any, *given: Any, **named: Any) -> sqlite3.Connection:
        if "memory" in str(database):  # which never waits
            return connect(database, *given, **named)
        return connect(database, *given, **{"factory": VolatileConnection, **named})

    for module in (sqlite3, sqlite3.dbapi2):
        module.connect = connect_volatile
    os.fsync = _written
    os.fdatasync = _written


def _written(file: Any) -> None:
    """A file that is open, as `os.fsync` would insist."""
    os.fstat(file if isinstance(file, int) else file.fileno())
