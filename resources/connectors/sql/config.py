"""What a database connection needs to know. No connection is made here, and no secret is ever shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

from resources.connectors.sql.dialects import (
    DIALECTS,
    FIELDS,
    FILE_DIALECTS,
    LIMITS,
    Dialect,
    DialectSpec,
)
from resources.kernel.errors import ConfigError, UnknownNameError

__all__ = ["FILE_DIALECTS", "Dialect", "SqlConfig", "is_secret_option"]

_SECRET_OPTION = re.compile(
    r"pass|pwd|secret|token|credential|api_?key|access_?key|private_?key(?!_file)|jwt|bearer|^(auth|sas|pat)$",
    re.IGNORECASE,
)
DRIVER_NAME = re.compile(r"[a-z][a-z0-9_]*(\+[a-z][a-z0-9_]*)?")
"""SQLAlchemy's name of a dialect and its driver."""
_REDACTED = "***"


def is_secret_option(name: str) -> bool:
    """Whether a driver option's name says that its value is a secret, which no YAML may hold (T23)."""
    return _SECRET_OPTION.search(name) is not None


@dataclass(frozen=True)
class SqlConfig:
    """One database: where it is, as whom to sign in, how long to wait.

    Which fields a dialect needs and takes is in `dialects.DIALECTS`.

    Args:
        dialect: `postgresql`, `sqlite`, `mssql` ...; `other` for any that SQLAlchemy has a driver for.
        path: the database file of SQLite and DuckDB.
        host: name or address of the server.
        port: its port; the dialect's usual one when None.
        database: name of the database on the server.
        username: role to sign in as.
        password: its password. Shown nowhere (R10, T25).
        db_schema: schema of tables that are named without one, and the only one that is listed.
        service_name: Oracle's name of the database.
        account: Snowflake's account identifier.
        warehouse: Snowflake's virtual warehouse.
        role: Snowflake's role.
        project: Google Cloud project that BigQuery runs in.
        dataset: BigQuery's dataset, for tables that are named without one.
        credentials_json: a service account's key as JSON; Google's default chain when None.
        key_password: opens an encrypted private key or wallet.
        driver: SQLAlchemy's name of dialect and driver, for `other`: `cockroachdb+psycopg`.
        options: driver options such as `sslmode` or `sslrootcert`.
        connect_timeout_seconds: how long a connection may take to open.
        read_timeout_seconds: longest silence of the server in the middle of a read (E4).
        statement_timeout_seconds: longest run of one statement; no limit when None.
        lock_timeout_seconds: how long to wait for a table or file that another session holds (E48).
        read_connections: connections that read one large table together.

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
    db_schema: str | None = None
    options: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    connect_timeout_seconds: int = 10
    read_timeout_seconds: int = 300
    statement_timeout_seconds: int | None = None
    lock_timeout_seconds: int = 30
    read_connections: int = 2
    service_name: str | None = None
    account: str | None = None
    warehouse: str | None = None
    role: str | None = None
    project: str | None = None
    dataset: str | None = None
    credentials_json: str | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)
    driver: str | None = None

    def __post_init__(self) -> None:
        if self.dialect not in DIALECTS:
            raise UnknownNameError("SQL dialect", self.dialect, DIALECTS)
        self._check_fields()
        self._check_options()
        for name in LIMITS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{self.dialect} connection: {name} must be at least 1")

    @property
    def spec(self) -> DialectSpec:
        """The dialect's fields, options and code."""
        return DIALECTS[self.dialect]

    def _check_fields(self) -> None:
        if self.dialect in FILE_DIALECTS and str(self.path or "") in {"", ".", ":memory:"}:
            raise ConfigError(
                f"{self.dialect} connection: no database file is given", hint="Set `path:`"
            )
        given = [name for name in FIELDS if getattr(self, name)]
        missing = [name for name in self.spec.needs if name not in given]
        useless = [name for name in given if name not in (*self.spec.needs, *self.spec.takes)]
        if missing or useless:
            lacks = f" {', '.join(missing)} missing" if missing else ""
            more = f" takes no {', '.join(useless)}" if useless else ""
            raise ConfigError(
                f"{self.dialect} connection:{lacks}{';' if missing and useless else ''}{more}",
                hint=f"{self.spec.title} needs {', '.join(self.spec.needs)}"
                + (f", and takes {', '.join(self.spec.takes)}" if self.spec.takes else ""),
            )
        if self.driver and not DRIVER_NAME.fullmatch(self.driver):
            raise ConfigError(
                f"{self.dialect} connection: {self.driver.split(':')[0][:40]!r} is not the name of a driver",
                hint="Write SQLAlchemy's name as `cockroachdb+psycopg` or `trino`; host, user and password have"
                " fields of their own",
            )

    def _check_options(self) -> None:
        known = self.spec.options
        for name in self.options:
            if known is not None and name not in known:
                raise UnknownNameError(f"option of {self.spec.title}", name, known)

    @property
    def location(self) -> str:
        """Where the database is, for error texts: a path, or `host:port/database`."""
        if self.path is not None:
            return str(self.path)
        if self.account:
            return f"{self.account}/{self.database}"
        if self.project:
            return f"{self.project}/{self.dataset}" if self.dataset else self.project
        port = f":{self.effective_port}" if self.effective_port else ""
        server = f"{self.host}{port}" if self.host else (self.driver or "")
        name = self.database or self.service_name
        return f"{server}/{name}" if name else server

    @property
    def effective_port(self) -> int:
        """The port given, else the dialect's usual one; 0 when there is none."""
        return self.port or self.spec.port

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be shown, in each spelling in which a driver may repeat it."""
        hidden = [value for name, value in self.options.items() if is_secret_option(name)]
        plain = [self.password, self.key_password, self.credentials_json, *hidden]
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
