"""One ADBC connection to PostgreSQL: what it reads, and how long its server has been silent.

The driver waits for its server without a limit and does not expose its socket. The socket is found among the
process's own, so that a watcher can see the silence and end it (E4).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.engine import server_options, session_settings
from resources.connectors.sql.reading import BATCH_BYTES
from resources.connectors.sql.tcp import opened_with_socket, silence_seconds
from resources.kernel.errors import MissingDependencyError

LOCK_MILLISECONDS = 500
LOCK_NOT_AVAILABLE = "55P03"


class LockQueueError(Exception):
    """Another session is queued exclusively on a table that we have locked: waiting behind it would deadlock."""


class SnapshotSession:
    """A read-only transaction on an exported snapshot, read through COPY BINARY into Arrow.

    Args:
        config: the database.
        snapshot: name of the snapshot that another transaction exported and keeps open.

    Attributes:
        pid: the server process behind it.
    """

    def __init__(self, config: SqlConfig, snapshot: str) -> None:
        try:
            from adbc_driver_postgresql import dbapi
        except ImportError:
            raise MissingDependencyError(
                "adbc-driver-postgresql", extra="postgres", purpose="Reading PostgreSQL"
            ) from None
        from psycopg.conninfo import make_conninfo

        target = make_conninfo(
            host=config.host,
            port=config.effective_port,
            dbname=config.database,
            user=config.username,
            password=config.password,
            **server_options(config),
        )
        self._connection: Any
        self._connection, self._socket = opened_with_socket(
            lambda: dbapi.connect(target), config.effective_port
        )
        self._cursor: Any = self._connection.cursor()
        try:
            self.pid = self._begin(config, snapshot)
        except BaseException:  # nobody else knows of the connection yet
            self.close()
            raise

    def _begin(self, config: SqlConfig, snapshot: str) -> int:
        """Takes up the snapshot; returns the server process behind this session."""
        self._cursor.adbc_statement.set_options(
            **{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
        )
        self._cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        settings = session_settings(config, read_only=True)
        calls = ", ".join(f"set_config('{k}', '{v}', false)" for k, v in settings.items())
        self._cursor.execute(f"SELECT pg_backend_pid(), {calls}")
        return int(self._cursor.fetchone()[0])

    def lock(self, select: str) -> None:
        """Locks every table of a SELECT as the session that exported the snapshot has locked them.

        Raises:
            LockQueueError: another session waits for one of them exclusively, and this one would have to queue behind it:
                all would wait for each other.
        """
        from adbc_driver_manager import dbapi

        self._cursor.execute(f"SET lock_timeout = {LOCK_MILLISECONDS}")
        try:
            self._cursor.execute(f"SELECT 1 AS one FROM ({select}\n) AS source LIMIT 0")
            self._cursor.fetchall()
        except dbapi.Error as error:
            if error.sqlstate == LOCK_NOT_AVAILABLE:
                raise LockQueueError from error
            raise

    def batches(self, statement: str) -> Iterator[pa.RecordBatch]:
        """What one SELECT returns, in batches of about `BATCH_BYTES`."""
        self._cursor.execute(statement)
        reader = self._cursor.fetch_record_batch()
        try:
            yield from reader
        finally:
            reader.close()

    def silence_seconds(self) -> float | None:
        """How long the server has sent nothing; None where the system cannot tell."""
        return None if self._socket is None else silence_seconds(self._socket)

    def abort(self) -> None:
        """Cuts the connection under the driver: a read that waits there fails at once."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends the transaction and the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._cursor.close()
        self._connection.close()
