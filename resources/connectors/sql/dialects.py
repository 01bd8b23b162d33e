"""The databases there are and what each needs to be told: the one table that configuration, YAML and errors read.

Adding a system starts here. What belongs here: names of fields and options, ports, where the code is. What does not:
how a system is spoken to, which is in the module that `connector` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Dialect = Literal[
    "postgresql",
    "mysql",
    "mariadb",
    "sqlite",
    "duckdb",
    "mssql",
    "oracle",
    "snowflake",
    "bigquery",
    "other",
]

FIELDS = (
    "path",
    "host",
    "port",
    "database",
    "username",
    "password",
    "db_schema",
    "service_name",
    "account",
    "warehouse",
    "role",
    "project",
    "dataset",
    "credentials_json",
    "key_password",
    "driver",
)
"""Everything that some system is told; `options` beside them."""

LIMITS = (
    "connect_timeout_seconds",
    "read_timeout_seconds",
    "lock_timeout_seconds",
    "statement_timeout_seconds",
    "read_connections",
)
"""How long a system is waited for, and over how many connections it is read."""

_SERVER_LIMITS = ("connect_timeout_seconds", "read_timeout_seconds", "statement_timeout_seconds")
_ALL_LIMITS = (*_SERVER_LIMITS, "lock_timeout_seconds")


@dataclass(frozen=True)
class DialectSpec:
    """One kind of database.

    Args:
        title: its name for people.
        connector: `room:Class`, in the module `connector` of a room below `resources.connectors.sql`.
        needs: fields without which there is no connection.
        takes: fields that may be given as well.
        options: driver options that may be given; others would change what this package relies on. All when None.
        port: its usual one; 0 when it has none.
        icon: its name in Dagster's UI.
        refusal: why nothing can be written to it; empty where exports go.
        limits: which of `LIMITS` mean something there.
        choices: options that take one of a few words, with those words.
        name_limit: longest name of a table that an exporter writes, and its unit (E38).
    """

    title: str
    connector: str
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()
    options: frozenset[str] | None = frozenset()
    port: int = 0
    icon: str = ""
    refusal: str = ""
    limits: tuple[str, ...] = _SERVER_LIMITS
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name_limit: tuple[int, str] = (128, "characters")


_SIGN_IN = ("port", "password", "db_schema")

POSTGRESQL_OPTIONS = frozenset(
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

_POSTGRESQL_CHOICES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
}

MYSQL_OPTIONS = frozenset({"ssl_ca", "ssl_cert", "ssl_key", "ssl_mode"})
SSL_MODES = ("disabled", "required", "verify_ca", "verify_identity")

DIALECTS: Mapping[Dialect, DialectSpec] = {
    "postgresql": DialectSpec(
        "PostgreSQL",
        "postgresql:PostgresqlConnector",
        needs=("host", "database", "username"),
        takes=(*_SIGN_IN, "key_password"),
        options=POSTGRESQL_OPTIONS,
        port=5432,
        icon="postgres",
        limits=LIMITS,
        choices=_POSTGRESQL_CHOICES,
        name_limit=(63, "bytes"),
    ),
    "sqlite": DialectSpec(
        "SQLite",
        "sqlite:SqliteConnector",
        needs=("path",),
        takes=("db_schema",),
        icon="sqlite",
        limits=("lock_timeout_seconds", "statement_timeout_seconds"),
    ),
    "duckdb": DialectSpec(
        "DuckDB",
        "duckdb:DuckdbConnector",
        needs=("path",),
        takes=("db_schema",),
        options=frozenset({"external_access"}),
        icon="duckdb",
        choices={"external_access": ("refused", "allowed")},
        limits=("statement_timeout_seconds",),
    ),
    "mysql": DialectSpec(
        "MySQL",
        "mysql:MysqlConnector",
        needs=("host", "database", "username"),
        takes=_SIGN_IN,
        options=MYSQL_OPTIONS,
        port=3306,
        icon="mysql",
        limits=_ALL_LIMITS,
        choices={"ssl_mode": SSL_MODES},
        name_limit=(64, "characters"),
    ),
    "mariadb": DialectSpec(
        "MariaDB",
        "mysql:MariadbConnector",
        needs=("host", "database", "username"),
        takes=_SIGN_IN,
        options=MYSQL_OPTIONS,
        port=3306,
        icon="mariadb",
        limits=_ALL_LIMITS,
        choices={"ssl_mode": SSL_MODES},
        name_limit=(64, "characters"),
    ),
    "mssql": DialectSpec(
        "SQL Server",
        "mssql:MssqlConnector",
        needs=("host", "database", "username"),
        takes=_SIGN_IN,
        options=frozenset({"appname", "encryption", "tds_version"}),
        port=1433,
        icon="sqlserver",
    ),
    "oracle": DialectSpec(
        "Oracle Database",
        "oracle:OracleConnector",
        needs=("host", "service_name", "username"),
        takes=(*_SIGN_IN, "key_password"),
        options=frozenset(
            {
                "config_dir",
                "https_proxy",
                "https_proxy_port",
                "protocol",
                "ssl_server_cert_dn",
                "ssl_server_dn_match",
                "wallet_location",
            }
        ),
        port=1521,
        icon="oracle",
        name_limit=(128, "bytes"),
    ),
    "snowflake": DialectSpec(
        "Snowflake",
        "snowflake:SnowflakeConnector",
        needs=("account", "database", "username"),
        takes=("host", "port", "password", "db_schema", "warehouse", "role", "key_password"),
        options=frozenset({"authenticator", "private_key_file", "protocol"}),
        icon="snowflake",
        name_limit=(255, "characters"),
    ),
    "bigquery": DialectSpec(
        "BigQuery",
        "bigquery:BigqueryConnector",
        needs=("project",),
        takes=("host", "dataset", "credentials_json"),
        options=frozenset({"location", "maximum_bytes_billed"}),
        icon="bigquery",
        limits=("statement_timeout_seconds",),
        refusal="a load and the record of its run cannot be committed together there in a way that was proven",
    ),
    "other": DialectSpec(
        "another SQL database",
        "other:open_other",
        needs=("driver",),
        takes=("host", "port", "database", "username", "password", "db_schema"),
        options=None,
        icon="sql",
        limits=_ALL_LIMITS,
    ),
}

FILE_DIALECTS: frozenset[Dialect] = frozenset({"sqlite", "duckdb"})
