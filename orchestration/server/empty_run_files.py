"""Dagster's SQLite storage makes the file of a new run's events by thirty statements; here it is a copy of an empty one.

A process that forks makes the empty file beforehand (`keep_empty_file`): what its forks start is in the queue the sooner.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy.pool import NullPool

_made = SqliteEventLogStorage._initdb  # noqa: SLF001 - nothing else makes it


def keep_empty_file() -> None:
    """Has the storage of this process, and of its forks, begin the file of a run as a copy."""
    empty = _empty_file()

    @wraps(_made)
    def begin(self: SqliteEventLogStorage, engine: sa.Engine, **options: Any) -> None:
        path = Path(engine.url.database or "")
        if not path.exists():
            _put(path, empty)
        _made(self, engine, **options)  # which finds nothing to do

    SqliteEventLogStorage._initdb = begin  # type: ignore[method-assign, assignment]  # noqa: SLF001


def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "empty.db")
        storage = SqliteEventLogStorage.__new__(SqliteEventLogStorage)
        _made(storage, sa.create_engine(f"sqlite:///{path}", poolclass=NullPool))
        return path.read_bytes()


def _put(path: Path, data: bytes) -> None:
    """Puts it there whole, unless another process was first. Where that cannot be, the storage makes its own."""
    own = path.with_suffix(f".{os.getpid()}.new")
    with suppress(OSError):
        with own.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(own)
        finally:
            own.unlink()
