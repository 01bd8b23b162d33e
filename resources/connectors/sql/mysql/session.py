"""A session with a MySQL or MariaDB server: TLS, signing in, settings, and how long its silence is borne.

pymysql does the signing in; rows move by `wire` over the same socket.

`ssl_mode` says whom the password is shown to:

| mode | encrypted | the server proves who it is |
|---|---|---|
| `disabled` | no | no |
| `required` | yes | no: an impostor on the way is not noticed |
| `verify_ca` | yes | by a certificate of `ssl_ca` |
| `verify_identity` | yes | by a certificate for this very host name |

Without it: `verify_identity`, but `disabled` for a server on this machine when no `ssl_ca` is given.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.dialects import SSL_MODES
from resources.connectors.sql.mysql.wire import ConnectionLostError, ServerError, Wire
from resources.kernel.errors import ConfigError, MissingDependencyError, UnknownNameError
from resources.kernel.quoting import quoted_text

if TYPE_CHECKING:
    import pymysql

READING_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""How a user's query is understood, whatever the server's own default is."""

_PATIENCE_SECONDS = (
    3600  # how long the server waits for a reader or a sender that has something else to do
)
_IDLE_SECONDS = 28_800
_MOMENT_SECONDS = 2.0
_CLIENT_LOCAL_FILES = 1 << 7
_CLEAR_TEXT_LOGINS = ("mysql_clear_password", "dialog")


class ClearPasswordError(Exception):
    """The server asks for the password in clear text over a line that is not encrypted."""


class _NoClearPassword:
    """Takes the place of the ways of signing in that send the password itself."""

    def __init__(self, connection: object) -> None:
        del connection

    def authenticate(self, packet: object) -> None:
        """Refuses."""
        del packet
        raise ClearPasswordError("the server asks for the password in clear text")


class _RememberingContext(ssl.SSLContext):
    """A TLS context that keeps the socket it made."""

    made: ssl.SSLSocket | None = None

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """As the standard library's."""
        self.made = super().wrap_socket(*arguments, **options)
        return self.made


class _PatientLine:
    """A socket whose silence is an error, unless the server says over another way that it is at work (E4)."""

    def __init__(self, line: socket.socket, is_busy: Callable[[], bool]) -> None:
        self._socket = line
        self._is_busy = is_busy

    def recv_into(self, buffer: memoryview) -> int:
        """What is there; waits for more."""
        while True:
            try:
                return self._socket.recv_into(buffer)
            except TimeoutError as error:
                if not self._is_busy():
                    raise ConnectionLostError("nothing came within the read timeout") from error

    def sendall(self, data: bytes) -> None:
        """Sends all of it."""
        self._socket.sendall(data)

    def hurry(self) -> None:
        """From now on waits no longer than a moment, whatever the server is at."""
        self._socket.settimeout(_MOMENT_SECONDS)
        self._is_busy = lambda: False


def ssl_mode(config: SqlConfig) -> str:
    """The mode that is in force.

    Raises:
        UnknownNameError: no such mode.
        ConfigError: options that the mode has no use for.
    """
    given = config.options.get("ssl_mode", "")
    files = [name for name in ("ssl_ca", "ssl_cert", "ssl_key") if config.options.get(name)]
    if not given:
        local = is_this_machine(config.host or "") and not files
        return "disabled" if local else "verify_identity"
    if given not in SSL_MODES:
        raise UnknownNameError("ssl_mode", given, SSL_MODES)
    if given == "disabled" and files:
        raise ConfigError(
            f"{config.dialect} connection: {', '.join(files)} given, and ssl_mode is disabled",
            hint="Leave ssl_mode out, or choose verify_identity",
        )
    return given


def is_this_machine(host: str) -> bool:
    """Whether a host name means the loopback interface."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls_context(config: SqlConfig) -> ssl.SSLContext | None:
    """The context that the mode asks for; None for none.

    Raises:
        ConfigError: a certificate file that cannot be read.
    """
    mode = ssl_mode(config)
    if mode == "disabled":
        return None
    context = _RememberingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify_identity"
    context.verify_mode = ssl.CERT_NONE if mode == "required" else ssl.CERT_REQUIRED
    ca, certificate = config.options.get("ssl_ca"), config.options.get("ssl_cert")
    try:
        if ca:
            context.load_verify_locations(cafile=ca)
        elif mode != "required":
            context.load_default_certs()
        if certificate:
            context.load_cert_chain(certificate, config.options.get("ssl_key"))
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(
            f"{config.dialect} connection: the files of ssl_ca, ssl_cert and ssl_key cannot be used: {reason}",
            hint="Give paths of PEM files that Waybill may read",
        ) from error
    return context


class MysqlSession:
    """One session that has signed in and has the settings of this package.

    Args:
        config: the database.
        is_busy: asks over another session whether the server computes for the session with this id.
        writes: whether it may write: then data for LOAD DATA LOCAL can be sent. The server can never make it read a file.
        sql_mode: how SQL is understood.

    Attributes:
        wire: prepared statements and bulk data.
        number: the server's id of the session.
        version: as the server says it.
    """

    def __init__(
        self,
        config: SqlConfig,
        *,
        is_busy: Callable[[int], bool] | None = None,
        writes: bool = False,
        sql_mode: str = READING_MODE,
    ) -> None:
        self._config = config
        self._connection, line = _sign_in(config, writes=writes)
        self._socket = line
        self.version = str(self._connection.get_server_info())
        self.number = int(self._connection.thread_id())
        ask = is_busy or (lambda _: False)
        self._line = _PatientLine(line, lambda: ask(self.number))
        self.wire = Wire(self._line)
        try:
            self._configure(sql_mode, writes=writes)
        except BaseException:
            self.abort()
            raise
        line.settimeout(config.read_timeout_seconds)

    @property
    def is_mariadb(self) -> bool:
        """Whether it is MariaDB: by what the server says, whatever the connection was declared as."""
        return "mariadb" in self.version.lower()

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Runs a short statement with `%s` for its parameters; all its rows."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return list(cursor.fetchall())
        except RuntimeError as error:  # pymysql: the server asked for a file
            raise ConnectionLostError("the server asked for a file of this machine") from error

    def close(self) -> None:
        """Ends the session in good order."""
        with contextlib.suppress(Exception):  # whatever stands in the way: the line is cut next
            self._socket.settimeout(1)
            self._connection.close()
        self.abort()

    def drop(self) -> None:
        """Cuts the line and gives all of it back; for the thread that works with the session, once it is done."""
        self.abort()
        with contextlib.suppress(Exception):  # it cannot say farewell any more
            self._connection.close()

    def hurry(self) -> None:
        """From now on waits no longer than a moment: for what is done on the way out."""
        self._line.hurry()

    def abort(self) -> None:
        """Cuts the connection: a wait on it, at either end, is over at once."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _configure(self, sql_mode: str, *, writes: bool) -> None:
        limit = self._config.statement_timeout_seconds or 0
        lock = max(1, self._config.lock_timeout_seconds)
        settings = {
            "time_zone": "'+00:00'",
            "sql_mode": f"'{sql_mode}'",
            # Nothing that an operator set may make a result shorter or a comparison strange.
            "sql_select_limit": "18446744073709551615",
            "sql_big_selects": "1",
            "sql_safe_updates": "0",
            "sql_auto_is_null": "0",
            "net_write_timeout": str(_PATIENCE_SECONDS),
            "net_read_timeout": str(_PATIENCE_SECONDS),
            "wait_timeout": str(_IDLE_SECONDS),
            "lock_wait_timeout": str(lock),
            "innodb_lock_wait_timeout": str(lock),
            "autocommit": "1",
        }
        if self.is_mariadb:
            settings["max_statement_time"] = str(limit)
            # At its usual limit of a thousand a recursive query just ends, short of rows, with a warning.
            settings["max_recursive_iterations"] = "4294967295"
        else:
            settings["max_execution_time"] = str(limit * 1000)
        self.rows(
            "SET " + ", ".join(f"SESSION {name} = {value}" for name, value in settings.items())
        )
        self.rows("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if not writes:
            self.rows("START TRANSACTION READ ONLY")


def _sign_in(
    config: SqlConfig, *, writes: bool
) -> tuple[pymysql.connections.Connection[Any], socket.socket]:
    try:
        import pymysql
    except ImportError:
        raise MissingDependencyError(
            "pymysql", extra="mysql", purpose="A MySQL or MariaDB connection"
        ) from None
    context = tls_context(config)
    limit = config.connect_timeout_seconds
    connection = pymysql.connect(
        host=config.host,
        port=config.effective_port,
        user=config.username,
        password=(config.password or "").encode(),
        database=config.database,
        charset="utf8mb4",
        ssl=context,
        ssl_disabled=context is None,
        connect_timeout=limit,
        # Equal, so that pymysql leaves the socket's time limit to us once it has signed in.
        read_timeout=limit,
        write_timeout=limit,
        autocommit=None,
        # The capability alone: with `local_infile` pymysql would open whatever file a server names.
        client_flag=_CLIENT_LOCAL_FILES if writes else 0,
        local_infile=False,
        program_name="waybill",
        auth_plugin_map=dict.fromkeys(_CLEAR_TEXT_LOGINS, _NoClearPassword) if not context else {},
        defer_connect=True,
    )
    line = socket.create_connection((config.host or "", config.effective_port), limit)
    try:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.connect(line)
    except BaseException:
        line.close()
        raise
    made = getattr(context, "made", None)
    return connection, made or line


def literal(text: str) -> str:
    """`text` between single quotes for a session of ours whose mode has no escapes by backslash."""
    if "\0" in text:
        raise ServerError(1064, "a text with a NUL character cannot stand in a statement")
    return quoted_text(text)
