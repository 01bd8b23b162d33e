"""What drivers behind SQLAlchemy say, in our words: by SQLSTATE or number where the driver gives one, else by text (T27)."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import sqlalchemy as sa

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.errors import (
    connection_error,
    driver_text,
    postgres_error,
    sqlite_error,
    sqlstate,
)
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

Meaning = tuple[str, type[WaybillError], str]

_MEANINGS: tuple[Meaning, ...] = (
    # SQL Server
    (r"\(18456|Login failed for user", ConnectorAuthError, "wrong password, or no such user"),
    (r"\(4060|Cannot open database", NotFoundError, "no such database, or no right to use it"),
    (r"\((229|230|262|297|300|916),", ConnectorAuthError, "a privilege is missing"),
    (r"\(208,|Invalid object name", NotFoundError, "a name in the query is unknown"),
    (r"\((1205|1222|3960|50001),", ConflictError, "another session was in the way"),
    (r"\((2601|2627|515|547|2628|8152|8115),", InputError, "the table refuses a value"),
    (r"\(1033,", InputError, "ORDER BY cannot stand at the end of a query here: leave it out"),
    (r"\(8156,", InputError, "two columns have one name"),
    (r"\(20003|DBPROCESS is dead|\(20047", ConnectorUnavailableError, "the connection broke"),
    (r"\((20002|20009|20017|20004|20006)\b", ConnectorUnavailableError, "nothing answers there"),
    # Oracle
    (r"ORA-01017|ORA-28000|ORA-28001|ORA-01045", ConnectorAuthError, "the user may not sign in"),
    (r"ORA-00942|ORA-04043", NotFoundError, "no such table, or no right to see it"),
    (r"ORA-01031|ORA-41900", ConnectorAuthError, "a privilege is missing"),
    (r"ORA-01456", InputError, "a query runs read-only"),
    (r"ORA-00918|ORA-00960", InputError, "two columns have one name"),
    (r"ORA-00054|ORA-08177|ORA-00060|ORA-30006", ConflictError, "another session was in the way"),
    (r"ORA-01555", ConnectorUnavailableError, "the old rows were kept too short for so long a read"),
    (r"ORA-12514|ORA-12505|DPY-6001|DPY-6003", NotFoundError, "no such service"),
    (r"ORA-(00001|01400|02290|02291|02292|12899|01438)", InputError, "the table refuses a value"),
    (r"ORA-01013|DPY-4024", ConnectorUnavailableError, "the statement ran into its time limit"),
    (r"ORA-03113|ORA-03114|ORA-12537|DPY-4011|DPY-1001", ConnectorUnavailableError, "the connection broke"),
    (r"DPY-6005|DPY-6000", ConnectorUnavailableError, "nothing answers there"),
    # Snowflake
    (r"390100|390144|390189|250001 \(08001\).*(password|JWT)", ConnectorAuthError, "the user may not sign in"),
    (r"^002003|does not exist or not authorized", NotFoundError, "no such object, or no right to it"),
    (r"^003001", ConnectorAuthError, "a privilege is missing"),
    (r"^000604|^000630", ConnectorUnavailableError, "the statement ran into its time limit"),
    (r"^0000(14|08)|^2500\d\d|Failed to login", ConnectorUnavailableError, "nothing answers there"),
    # MySQL and what speaks like it
    (r"\(1045,|\(1698,", ConnectorAuthError, "wrong password, or no such user"),
    (r"\((1044|1142|1143),", ConnectorAuthError, "a privilege is missing"),
    (r"\(1049,|\(1146,", NotFoundError, "no such database or table"),
    (r"\((1205|1213),", ConflictError, "another session was in the way"),
    (r"\((1969|3024|1317),", ConnectorUnavailableError, "the statement ran into its time limit"),
    (r"\(2013,.*timed out", ConnectorUnavailableError, "no byte came within the read timeout"),
    (r"\((2003|2005|2006|2013),", ConnectorUnavailableError, "the connection broke or was refused"),
    (r"\(1792,", InputError, "a query runs read-only"),
    (r"\(1060,", InputError, "two columns have one name"),
    (r"^\(1\d\d\d, ", InputError, "the server refuses it"),
    # Any
    (r"CERTIFICATE|certificate|SSL|TLS", ConfigError, "TLS was refused"),
    (r"Connection refused|Name or service not known|getaddrinfo|timed out|No route to host", ConnectorUnavailableError,
     "nothing answers there"),
    (r"Connection reset|Broken pipe|closed the connection", ConnectorUnavailableError, "the connection broke"),
)  # fmt: skip

_HINTS: dict[type[WaybillError], str] = {
    ConnectorAuthError: "Check `username`, `password` and the user's privileges",
    ConnectorUnavailableError: "Check `host` and `port`, or try again",
    ConflictError: "Try again when it is done",
    NotFoundError: "Check the names",
    ConfigError: "Check the TLS options",
}


def driver_error(error: Exception, config: SqlConfig, doing: str) -> WaybillError:
    """What an error that went through SQLAlchemy means."""
    original: Any = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.Error):
        return sqlite_error(error, config, doing)
    state = sqlstate(error)
    if state and type(original).__module__.startswith(
        ("psycopg", "sqlalchemy.dialects.postgresql")
    ):
        return postgres_error(error, config, doing)
    text = whole_text(original, config)
    where = f"{doing} on {config.location}"
    for pattern, kind, meaning in _MEANINGS:
        if re.search(pattern, text):
            user = f" (user {config.username!r})" if kind is ConnectorAuthError else ""
            said = f"The driver says: {text[:200]}"
            return kind(f"{where}{user}: {meaning}", hint=_HINTS.get(kind, "") or said, said=said)
    if isinstance(error, sa.exc.DBAPIError) and not isinstance(
        error, (sa.exc.OperationalError, sa.exc.InterfaceError)
    ):
        return InputError(f"{where}: {text[:300]}")
    if isinstance(error, (sa.exc.DBAPIError, OSError)):
        return connection_error(driver_text(error, config), config, doing)
    return ConnectorError(f"{where}: {text[:300]}")


def whole_text(error: Any, config: SqlConfig) -> str:
    """All that a driver says, on one line, without a secret: some of them say the reason in the last line."""
    parts = [
        part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
        for part in getattr(error, "args", ()) or (str(error),)
    ]
    text = f"({', '.join(parts)})" if len(parts) > 1 else "".join(parts)
    return config.redact(" ".join(text.split()))
