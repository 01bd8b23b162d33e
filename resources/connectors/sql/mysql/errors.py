"""What MySQL and MariaDB say, in our words: by the number of the error, and no secret in any text (T27)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.errors import driver_text
from resources.connectors.sql.mysql.session import ClearPasswordError
from resources.connectors.sql.mysql.wire import ConnectionLostError, ServerError
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

_AUTH = (ConnectorAuthError, "Check `username` and `password`")
_RIGHT = (ConnectorAuthError, "Ask for the privilege, or name another user")
_BUSY = (ConflictError, "Another session holds the table; try again when it is done")
_LATER = (ConnectorUnavailableError, "Try again; if it lasts, ask the server's operator")
_READS = (InputError, "A query runs read-only: SELECT may stand there and nothing that writes")
_LIMIT = (
    ConnectorUnavailableError,
    "The statement was cancelled, or it ran into its time limit",
)
_NAMES = (NotFoundError, "Check the names in the query")
_CHANGED = (ConflictError, "Another session changed the table meanwhile; try again")
_TLS = (ConfigError, "The server takes this user only over TLS: set option `ssl_mode`")

_BY_CODE: Mapping[int, tuple[type[WaybillError], str]] = {
    1044: _RIGHT,
    1045: _AUTH,
    1049: (NotFoundError, "Check `database`"),
    1095: _RIGHT,
    1040: _LATER,
    1053: _LATER,
    1077: _LATER,
    1129: (ConnectorUnavailableError, "The server blocks this host: FLUSH HOSTS there lifts it"),
    1130: (ConnectorAuthError, "The server admits no user from this host"),
    1142: _RIGHT,
    1143: _RIGHT,
    1146: _NAMES,
    1203: _LATER,
    1205: _BUSY,
    1213: _BUSY,
    1226: _LATER,
    1227: _RIGHT,
    1251: (ConnectorAuthError, "The server asks for a way of signing in that is not supported"),
    1290: (ConnectorError, "The server runs with an option that forbids it"),
    1317: _LIMIT,
    1370: _RIGHT,
    1412: _CHANGED,
    1524: (ConnectorAuthError, "The server asks for a way of signing in that is not supported"),
    1615: _CHANGED,
    1698: _AUTH,
    1792: _READS,
    1836: _READS,
    1969: _LIMIT,
    3024: _LIMIT,
    3159: _TLS,
    4151: (ConnectorAuthError, "The user is locked"),
}

_PHRASES: tuple[tuple[str, type[WaybillError], str], ...] = (
    ("read timeout", ConnectorUnavailableError, "no answer within the read timeout"),
    ("getaddrinfo", ConnectorUnavailableError, "the host name is unknown"),
    ("Name or service not known", ConnectorUnavailableError, "the host name is unknown"),
    ("name resolution", ConnectorUnavailableError, "the host name is unknown"),
    ("Connection refused", ConnectorUnavailableError, "nothing listens at this host and port"),
    ("timed out", ConnectorUnavailableError, "no answer within the connect timeout"),
    ("CERTIFICATE_VERIFY_FAILED", ConfigError, "TLS: the server's certificate was refused"),
    ("EOF", ConnectorUnavailableError, "the connection broke"),
    ("SSL is required", ConfigError, "the server offers no TLS"),
    ("SSL", ConfigError, "TLS was refused"),
    ("cryptography", ConfigError, "signing in needs the package cryptography"),
)

_TLS_HINT = "Give option `ssl_ca`, the authority that signed it; `ssl_mode: required` encrypts without asking who it is"

_HIGHEST_SERVER_CODE = 1999, 2999  # 2000 to 2999 are the client's own


def mysql_error(error: BaseException, config: SqlConfig, doing: str) -> WaybillError:
    """What an error of the server or on the way to it means (F036)."""
    where = f"{doing} on {config.location}"
    if isinstance(error, ClearPasswordError):
        return ConnectorAuthError(
            f"{where}: the server asks for the password in clear text, and the line is not encrypted",
            hint="Set option `ssl_mode: verify_identity`",
        )
    code, text = code_of(error), _server_text(error, config)
    if code and not _HIGHEST_SERVER_CODE[0] < code <= _HIGHEST_SERVER_CODE[1]:
        kind, hint = _BY_CODE.get(code, (InputError, ""))
        user = f" (user {config.username!r})" if kind is ConnectorAuthError else ""
        return kind(f"{where}{user}: {text}", hint=hint, code=code)
    for phrase, kind, meaning in _PHRASES:
        if phrase in text:
            hint = _TLS_HINT if "certificate" in meaning else f"The driver says: {text}"
            return kind(f"{where}: {meaning}", hint=hint)
    return ConnectorUnavailableError(
        f"{where}: the connection broke", hint=f"The driver says: {text}"
    )


def code_of(error: BaseException) -> int:
    """The number by which the server names an error; 0 when it is none of the server's."""
    if isinstance(error, ServerError):
        return error.code
    if isinstance(error, (OSError, ssl.SSLError, ConnectionLostError)):
        return 0
    arguments: Any = error.args
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def _server_text(error: BaseException, config: SqlConfig) -> str:
    arguments: Any = error.args
    if len(arguments) > 1 and isinstance(arguments[1], str):
        return driver_text(Exception(arguments[1]), config)
    return driver_text(error, config)
