"""Limits of an export that a test or an operator may want otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportSettings:
    """How patient an export is, and when it prefers one way of replacing rows to another (2b).

    Args:
        lock_timeout_seconds: how long one try waits for a table that another session uses (E48).
        lock_attempts: how often it tries.
        exporter_wait_seconds: how long to wait for another export into the same table (E17).
        delete_limit_rows: up to so many old rows are deleted; over more, PostgreSQL truncates (None: never, unless an
            exporter asks for it) and MySQL puts a new table in the old one's place (None: over a million).
    """

    lock_timeout_seconds: float = 10.0
    lock_attempts: int = 5
    exporter_wait_seconds: float = 3600.0
    delete_limit_rows: int | None = None
