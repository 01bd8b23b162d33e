"""What drivers say, in our words: one function a dialect, and no secret in any text (T27).

Texts are made from what we know (table, user, host) and the first line of what the driver said, redacted.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from resources.connectors.sql.config import SqlConfig
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    WaybillError,
)

_TEXT_LIMIT = 220
_SQLITE_TROUBLE = {
    "SQLITE_FULL": "Make room on its disk and try again; what was finished is kept",
    "SQLITE_IOERR": "The disk or the file system failed, or is full",
    "SQLITE_NOMEM": "Memory ran out; try again when less is at work",
    "SQLITE_INTERRUPT": "The statement was cancelled or ran into its time limit",
}
"""What to do, by the beginning of SQLite's code."""


def driver_text(error: BaseException, config: SqlConfig) -> str:
    """The first line of what the driver says, redacted and cut."""
    original: Any = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(original).splitlines() if line.strip()]
    text = config.redact(lines[0] if lines else type(original).__name__).rstrip(". ")
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"


def sqlite_error(error: Exception, config: SqlConfig, doing: str) -> WaybillError:
    """What an error of SQLite means."""
    text = driver_text(error, config)
    code = getattr(getattr(error, "orig", None) or error, "sqlite_errorname", "") or ""
    where = f"{doing} in {config.location}"
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return ConflictError(
            f"{where}: another process holds the database",
            hint=f"It was waited for {config.lock_timeout_seconds} s; try again when it is done",
        )
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return InputError(
            f"{where}: {text}", hint="The file is no SQLite database, or it is damaged"
        )
    if code.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_READONLY")):
        return ConnectorAuthError(
            f"{where}: {text}", hint="Check the rights on the file and on its folder"
        )
    if code.startswith(tuple(_SQLITE_TROUBLE)):
        hint = next(hint for start, hint in _SQLITE_TROUBLE.items() if code.startswith(start))
        return ConnectorUnavailableError(f"{where}: {text}", hint=hint)
    hint = ""
    if isinstance(error, sqlite3.ProgrammingError) and "one statement" in text:
        hint = "A query is a single SELECT statement"
    elif "decode to UTF-8" in text:
        hint = "Read it by a query with CAST(the_column AS BLOB), and decode it in a transform"
    return InputError(f"{where}: {text}", hint=hint)


_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")


def duckdb_error(error: Exception, config: SqlConfig, doing: str) -> WaybillError:
    """What an error of DuckDB means."""
    kind = type(error).__name__
    text = driver_text(error, config)
    where = f"{doing} in {config.location}"
    if held := _HOLDER.search(str(error)):
        return ConnectorUnavailableError(
            f"{where}: process {held['pid']} ({held['program']}) holds the database file",
            hint="DuckDB lets one process write or many read: wait for it, or end it",
            pid=int(held["pid"]),
        )
    if "different configuration" in text or "already attached" in text:
        return ConnectorUnavailableError(
            f"{where}: this process has the database file open in another mode",
            hint="Try again when that import or export is done",
        )
    if kind in {"IOException", "SerializationException"} and "Permission denied" in text:
        return ConnectorAuthError(f"{where}: {text}", hint="Check the rights on the file")
    error_type, hint = _DUCKDB_KINDS.get(kind, (InputError, ""))
    return error_type(f"{where}: {text}", hint=hint)


_DUCKDB_KINDS: Mapping[str, tuple[type[WaybillError], str]] = {
    "IOException": (InputError, "The file is no DuckDB database, or it is damaged"),
    "SerializationException": (InputError, "The file is damaged, or of another DuckDB version"),
    "PermissionException": (
        InputError,
        "Nothing outside of the file is read. If you trust it: `options: {external_access: allowed}`",
    ),
    "TransactionException": (ConflictError, "Another transaction changed the same rows"),
    "InternalException": (ConnectorError, "DuckDB failed inside"),
    "FatalException": (ConnectorError, "DuckDB failed inside"),
    "OutOfMemoryException": (ConnectorError, "The query needs more memory than DuckDB may use"),
    "InterruptException": (
        ConnectorUnavailableError,
        "The statement was cancelled or ran into its time limit",
    ),
}

_BY_STATE: Mapping[str, tuple[type[WaybillError], str]] = {
    "28": (ConnectorAuthError, "Check `username` and `password`"),
    "3D": (NotFoundError, "Check `database`"),
    "3F": (NotFoundError, "Check `db_schema`"),
    "42501": (ConnectorAuthError, "Ask for the privilege, or name another user"),
    "42P01": (NotFoundError, "Check the names in the query"),
    "55P03": (ConflictError, "Another session holds the table; try again when it is done"),
    "57014": (ConnectorUnavailableError, "The statement was cancelled or ran into its time limit"),
    "57P": (ConnectorUnavailableError, "The server was shut down or is starting; try again"),
    "08": (ConnectorUnavailableError, "The connection broke; try again"),
    "53": (ConnectorUnavailableError, "The server is out of connections, memory or disk"),
    "40": (ConflictError, "Another session was in the way; try again"),
    "25006": (InputError, "A query runs read-only: SELECT may stand there and nothing that writes"),
    "58": (ConnectorUnavailableError, "The server's system failed; ask its operator"),
    "XX": (ConnectorError, "The server failed inside; ask its operator"),
    "0A": (InputError, ""),
    "22": (InputError, ""),
    "42": (InputError, ""),
}


def sqlstate(error: BaseException) -> str:
    """The five characters by which PostgreSQL names an error, through SQLAlchemy, psycopg and ADBC; or nothing."""
    original: Any = getattr(error, "orig", None) or error
    return str(getattr(original, "sqlstate", None) or "")


_SERVER_SAID = re.compile(r"(?:ERROR|FATAL|PANIC):\s+(?P<text>[^\n]+)")


def server_text(error: BaseException, config: SqlConfig) -> str:
    """What the server said, without the driver's words around it; the driver's first line if it said nothing."""
    said = _SERVER_SAID.search(str(getattr(error, "orig", None) or error))
    return config.redact(said["text"])[:_TEXT_LIMIT] if said else driver_text(error, config)


def postgres_error(error: Exception, config: SqlConfig, doing: str) -> WaybillError:
    """What an error of PostgreSQL means, by its SQLSTATE; without one the connection is to blame."""
    state = sqlstate(error)
    text = server_text(error, config)
    where = f"{doing} on {config.location}"
    for length in (5, 3, 2):
        if state and (found := _BY_STATE.get(state[:length])):
            kind, hint = found
            user = f" (user {config.username!r})" if kind is ConnectorAuthError else ""
            return kind(f"{where}{user}: {text}", hint=hint, sqlstate=state)
    if state:
        return ConnectorError(f"{where}: {text}", sqlstate=state)
    return connection_error(text, config, doing)


_CONNECTION_TEXTS: tuple[tuple[str, type[WaybillError], str], ...] = (
    ("password authentication failed", ConnectorAuthError, "wrong password, or no such user"),
    (
        "no password supplied",
        ConnectorAuthError,
        "the server asks for a password and none is given",
    ),
    ("no pg_hba.conf entry", ConnectorAuthError, "the server admits no such user from this host"),
    ("not permitted to log in", ConnectorAuthError, "the user may not sign in"),
    ("authentication", ConnectorAuthError, "the server refused the way of signing in"),
    ("permission denied for database", ConnectorAuthError, "the user may not use this database"),
    ("translate host name", ConnectorUnavailableError, "the host name is unknown"),
    ("Name or service not known", ConnectorUnavailableError, "the host name is unknown"),
    ("getaddrinfo", ConnectorUnavailableError, "the host name is unknown"),
    ("Connection refused", ConnectorUnavailableError, "nothing listens at this host and port"),
    ("timeout expired", ConnectorUnavailableError, "no answer within the connect timeout"),
    ("timed out", ConnectorUnavailableError, "no answer within the connect timeout"),
    ("too many connections", ConnectorUnavailableError, "the server has no free connection"),
    ("too many clients", ConnectorUnavailableError, "the server has no free connection"),
    ("invalid sslmode", ConfigError, "no such `sslmode`"),
    ("invalid response to SSL", ConfigError, "what answers there is no PostgreSQL server"),
    ("certificate", ConfigError, "TLS was refused"),
    ("SSL", ConfigError, "TLS was refused"),
)


_STOPPED: tuple[tuple[str, type[WaybillError], str], ...] = (
    (
        "due to statement timeout",
        ConnectorUnavailableError,
        "the statement ran into its time limit",
    ),
    ("due to lock timeout", ConflictError, "another session holds the table"),
    ("due to user request", ConnectorUnavailableError, "the statement was cancelled"),
)
"""What a stream of rows that breaks off may say: the driver gives no SQLSTATE there."""


def connection_error(text: str, config: SqlConfig, doing: str) -> WaybillError:
    """What a failure without an SQLSTATE means: libpq gives those only a text (F036)."""
    where = f"{doing} on {config.location}"
    if "does not exist" in text and "database" in text:
        return NotFoundError(
            f"{where}: no database {config.database!r} there", hint="Check `database`"
        )
    for phrase, kind, meaning in _STOPPED + _CONNECTION_TEXTS:
        if phrase in text:
            user = f" for user {config.username!r}" if kind is ConnectorAuthError else ""
            return kind(f"{where}: {meaning}{user}", hint=f"The driver says: {text}")
    return ConnectorUnavailableError(
        f"{where}: the connection broke", hint=f"The driver says: {text}"
    )
