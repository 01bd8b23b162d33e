"""The connection of an export to a DuckDB file: who waits for it, statements, and what the file's catalog says."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import duckdb

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.plan import FilledBy, TargetColumn
from resources.connectors.sql.writing.session import WriteSession
from resources.kernel.errors import (
    ConflictError,
    ConnectorAuthError,
    ConnectorUnavailableError,
    InputError,
)

_POLL_SECONDS = 0.1

HERE = "database_name = current_database() AND lower(schema_name) = lower($1) AND lower({0}_name) = lower($2)"
"""Which row of a catalog function is about a table, a view ..., whose schema and name are the parameters."""

_file_locks: dict[str, threading.Lock] = {}
_file_locks_guard = threading.Lock()

Connect = Callable[[], duckdb.DuckDBPyConnection]
Translated = Callable[[str], AbstractContextManager[None]]


def open_session(
    path: Path, job: ExportJob, connect: Connect, translated: Translated
) -> DuckdbWriteSession:
    """Opens the file for writing, or makes it; waits while another process holds it.

    Args:
        path: the file, in a folder that exists.
        job: the export.
        connect: opens it.
        translated: turns what DuckDB raises into errors of ours.

    Raises:
        ConflictError: another process held the file all the time.
    """
    with _file_locks_guard:
        lock = _file_locks.setdefault(str(path), threading.Lock())
    if not lock.acquire(timeout=job.settings.exporter_wait_seconds):
        raise ConflictError(
            f"{job.doing}: another export of this process holds the file", hint="Try again"
        )
    try:
        return DuckdbWriteSession(_connect(path, job, connect, translated), job, lock)
    except BaseException:
        lock.release()
        raise


def _connect(
    path: Path, job: ExportJob, connect: Connect, translated: Translated
) -> duckdb.DuckDBPyConnection:
    settings = job.settings
    deadline = time.monotonic() + settings.lock_timeout_seconds * settings.lock_attempts
    while True:
        try:
            if not path.exists():
                with translated(job.doing):
                    make_file(path.absolute(), job)
            connection = connect()
        except ConnectorUnavailableError as error:
            if time.monotonic() > deadline:
                raise ConflictError(
                    f"{job.doing}: {error.message}; the old rows stay", hint=error.hint
                ) from error
            time.sleep(_POLL_SECONDS)
        else:
            return connection


def make_file(path: Path, job: ExportJob) -> None:
    """Makes an empty database, whole or not at all: a kill halfway must not leave a file that cannot be opened.

    The folder is locked meanwhile, so that of several exporters one makes the file and the others find it.
    """
    fresh = path.with_name(f".{path.name}.new")
    if not os.access(path.parent, os.R_OK | os.W_OK | os.X_OK):
        raise ConnectorAuthError(
            f"{job.doing}: no file can be made in {path.parent}",
            hint="Check the rights on the folder",
        )
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists():
            return
        fresh.unlink(missing_ok=True)
        duckdb.connect(str(fresh)).close()
        fresh.rename(path)
        os.fsync(folder)
    finally:
        os.close(folder)


class DuckdbWriteSession(WriteSession):
    """One connection, which has the file to itself: other processes cannot open it, other exports of this one wait."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, job: ExportJob, lock: threading.Lock
    ) -> None:
        super().__init__(job)
        self.connection = connection
        self.schema = job.table.schema or "main"
        self._lock = lock

    def close(self) -> None:
        """Ends the connection and lets other exports of this process have the file."""
        try:
            # Others of this process may share the database with this connection, whatever became of its export.
            for statement in ("ROLLBACK", "RESET memory_limit"):
                with suppress(duckdb.Error):
                    self.connection.execute(statement)
            self.connection.close()
        finally:
            self._lock.release()

    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement; see the base."""
        return self.connection.execute(sql, list(parameters) or None).fetchall()

    def mark(self, number: int) -> str:
        """`$1`."""
        return f"${number}"

    def qualified(self, name: str) -> str:
        """`"schema"."name"`."""
        return f"{quote_identifier(self.schema)}.{quote_identifier(name)}"

    def inspect(self, name: str) -> tuple[TargetColumn, ...] | None:
        """Columns of a table, or None; see the base."""
        here = (self.schema, name)
        if self.execute(f"SELECT 1 FROM duckdb_views() WHERE {HERE.format('view')}", *here):
            raise InputError(
                f"{self.job.doing}: {name} is a view, not a table",
                hint="Choose the name of a table, or a free one",
            )
        tables = self.execute(
            f"SELECT sql FROM duckdb_tables() WHERE {HERE.format('table')}", *here
        )
        if not tables:
            return None
        rows = self.execute(
            "SELECT column_name, data_type, NOT is_nullable, column_default FROM duckdb_columns()"
            f" WHERE {HERE.format('table')} ORDER BY column_index",
            *here,
        )
        return tuple(_column(*row, sql=str(tables[0][0])) for row in rows)

    def existing_tables(self) -> set[str]:
        """Tables of the schema."""
        rows = self.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
            " AND lower(schema_name) = lower($1)",
            self.schema,
        )
        return {str(name) for (name,) in rows}

    def children(self) -> list[str]:
        """Tables that refer to the target; asked beside the transaction, which may have failed."""
        with self.connection.cursor() as other:
            rows = other.execute(
                "SELECT DISTINCT table_name FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'"
                " AND lower(referenced_table) = lower($1) AND lower(table_name) <> lower($1) ORDER BY 1",
                [self.job.table.name],
            ).fetchall()
        return [str(name) for (name,) in rows]


def _column(
    name: object, kind: object, required: object, default: object, *, sql: str
) -> TargetColumn:
    """The catalog gives generated columns their expression as a default; only the table's text tells them apart."""
    filled: FilledBy = "nobody" if default is None else "default"
    written = (f"{quote_identifier(str(name))} ", f"{name} ")
    if default is not None and any(f"{text}{kind} GENERATED ALWAYS AS" in sql for text in written):
        filled = "generated"
    return TargetColumn(str(name), str(kind), bool(required), filled)
