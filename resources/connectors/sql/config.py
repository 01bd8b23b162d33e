"""What a database connection needs to know. No connection is made here, and no secret is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import quote, quote_plus

from resources.kernel.errors import ConfigError, UnknownNameError

Dialect = Literal["sqlite", "duckdb", "postgresql", "mysql", "mariadb"]

FILE_DIALECTS: frozenset[Dialect] = frozenset({"sqlite", "duckdb"})
DEFAULT_PORTS: Mapping[Dialect, int] = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}

SERVER_OPTIONS = frozenset(
    {
        "application_name",
        "channel_binding",
        "gssencmode",
        "krbsrvname",
        "require_auth",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslpassword",
        "sslrootcert",
        "target_session_attrs",
    }
)
"""Driver options that may be given; all others would change what this package relies on."""

MYSQL_OPTIONS = frozenset({"ssl_ca", "ssl_cert", "ssl_key", "ssl_mode"})
"""Options of a MySQL or MariaDB connection; see `mysql_session`."""

_OPTIONS: Mapping[Dialect, frozenset[str]] = {"mysql": MYSQL_OPTIONS, "mariadb": MYSQL_OPTIONS}

_SECRET_OPTIONS = frozenset({"sslpassword"})
_REDACTED = "***"


@dataclass(frozen=True)
class SqlConfig:
    """One database: where it is, as whom to sign in, how long to wait.

    Args:
        dialect: `sqlite`, `duckdb`, `postgresql`, `mysql` or `mariadb`.
        path: the database file of SQLite and DuckDB.
        host: name or address of the server.
        port: its port; the dialect's usual one when None.
        database: name of the database on the server.
        username: role to sign in as.
        password: its password. Shown nowhere (R10, T25).
        schema: schema of tables that are named without one, and the only one that is listed.
        options: driver options such as `sslmode` or `sslrootcert`; `SERVER_OPTIONS` and `MYSQL_OPTIONS` list them.
        connect_timeout_seconds: how long a connection may take to open.
        read_timeout_seconds: longest silence of the server in the middle of a read (E4).
        statement_timeout_seconds: longest run of one statement; no limit when None.
        lock_timeout_seconds: how long to wait for a table or a file that somebody else holds (E48).
        read_connections: connections that read one large PostgreSQL table together.

    Raises:
        ConfigError: a field that the dialect needs is missing, or one that it has no use for is given.
        UnknownNameError: an unknown dialect or option; lists the known ones.
    """

    dialect: Dialect
    path: Path | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    options: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    connect_timeout_seconds: int = 10
    read_timeout_seconds: int = 300
    statement_timeout_seconds: int | None = None
    lock_timeout_seconds: int = 30
    read_connections: int = 2

    def __post_init__(self) -> None:
        if self.dialect not in get_args(Dialect):
            raise UnknownNameError("SQL dialect", self.dialect, get_args(Dialect))
        if self.dialect in FILE_DIALECTS:
            self._check_file()
        else:
            self._check_server()
        for name in ("connect_timeout_seconds", "read_timeout_seconds", "read_connections"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{self.dialect} connection: {name} must be at least 1")

    def _check_file(self) -> None:
        if self.path is None or str(self.path) in {"", ".", ":memory:"}:
            raise ConfigError(
                f"{self.dialect} connection: no database file is given", hint="Set `path:`"
            )
        given = [
            name
            for name in ("host", "port", "database", "username", "password")
            if getattr(self, name)
        ]
        if given or self.options:
            raise ConfigError(
                f"{self.dialect} connection: {', '.join(given) or 'options'} given for a database file",
                hint="A database file needs `path:` alone",
            )

    def _check_server(self) -> None:
        missing = [name for name in ("host", "database", "username") if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"{self.dialect} connection: {', '.join(missing)} missing",
                hint="A database server needs `host:`, `database:`, `username:` and `password:`",
            )
        if self.path is not None:
            raise ConfigError(f"{self.dialect} connection: `path` given for a database server")
        for name in self.options:
            known = _OPTIONS.get(self.dialect, SERVER_OPTIONS)
            if name not in known:
                raise UnknownNameError("connection option", name, known)

    @property
    def location(self) -> str:
        """Where the database is, for error texts: a path, or `host:port/database`."""
        if self.path is not None:
            return str(self.path)
        return f"{self.host}:{self.effective_port}/{self.database}"

    @property
    def effective_port(self) -> int:
        """The port given, else the dialect's usual one."""
        return self.port or DEFAULT_PORTS.get(self.dialect, 0)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be shown, in each spelling in which a driver may repeat it."""
        plain = [self.password, *(self.options.get(name) for name in _SECRET_OPTIONS)]
        found: list[str] = []
        for secret in filter(None, plain):
            found += {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}
            found.append(secret.replace("\\", "\\\\").replace("'", "\\'"))
        return tuple(sorted(set(found), key=len, reverse=True))

    def redact(self, text: str) -> str:
        """`text` with every secret of this connection blotted out (T26, T27)."""
        for secret in self.secrets:
            text = text.replace(secret, _REDACTED)
        return text
