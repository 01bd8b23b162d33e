"""One ADBC connection to PostgreSQL: what it reads, and how long its server has been silent.

The driver waits for its server without a limit, and shows nobody its socket. The socket is found among the
process's own, so that a watcher can see the silence and end it (E4).
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.engine import server_options, session_settings
from resources.connectors.sql.reading import BATCH_BYTES
from resources.kernel.errors import MissingDependencyError

LOCK_MILLISECONDS = 500
LOCK_NOT_AVAILABLE = "55P03"

_OPENING = threading.Lock()  # sockets are told apart by what is new: one connection opens at a time
_DESCRIPTORS = Path("/dev/fd")
_LAST_DATA_RECEIVED = struct.Struct("=52xI")  # tcp_info.tcpi_last_data_recv, milliseconds


class LockQueueError(Exception):
    """A lock that is to be had only behind somebody who waits for a lock of ours."""


class PostgresSession:
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
        with _OPENING:
            before = _sockets()
            self._connection: Any = dbapi.connect(target)
            self._socket = _new_socket(before, config.effective_port)
        self._cursor: Any = self._connection.cursor()
        self._cursor.adbc_statement.set_options(
            **{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
        )
        self._cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        settings = session_settings(config, read_only=True)
        calls = ", ".join(f"set_config('{k}', '{v}', false)" for k, v in settings.items())
        self._cursor.execute(f"SELECT pg_backend_pid(), {calls}")
        self.pid = int(self._cursor.fetchone()[0])

    def lock(self, select: str) -> None:
        """Locks every table of a SELECT as the session that exported the snapshot has locked them.

        Raises:
            LockQueueError: somebody waits for one of them exclusively, and this session would have to queue behind:
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
        if self._socket is None or not hasattr(socket, "TCP_INFO"):
            return None
        size = _LAST_DATA_RECEIVED.size
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
        return float(_LAST_DATA_RECEIVED.unpack(info)[0]) / 1000

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


def _sockets() -> dict[int, int]:
    """The process's sockets: inode to descriptor."""
    found: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for entry in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - Path.iterdir would stat the closing descriptor
            with contextlib.suppress(OSError, ValueError):
                status = os.fstat(int(entry))
                if stat.S_ISSOCK(status.st_mode):
                    found[status.st_ino] = int(entry)
    return found


def _new_socket(before: dict[int, int], port: int) -> socket.socket | None:
    """A duplicate of the one socket that is new and leads to `port`; None if that is not one."""
    candidates = []
    for inode, descriptor in _sockets().items():
        if inode in before:
            continue
        with contextlib.suppress(OSError):
            duplicate = socket.socket(fileno=os.dup(descriptor))
            if _leads_to(duplicate, port):
                candidates.append(duplicate)
            else:
                duplicate.close()
    if len(candidates) == 1:
        return candidates[0]
    for duplicate in candidates:
        duplicate.close()
    return None


def _leads_to(candidate: socket.socket, port: int) -> bool:
    if candidate.family not in {socket.AF_INET, socket.AF_INET6}:
        return False
    try:
        return bool(candidate.getpeername()[1] == port)
    except OSError:
        return False
