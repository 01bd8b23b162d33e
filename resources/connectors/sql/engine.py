"""SQLAlchemy engines: the path that always works, and the one place that hands a password to a driver.

What a dialect's bulk protocol needs beside it (ADBC, a native DuckDB connection) is made by the dialect's own module.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from resources.connectors.sql.config import SqlConfig
from resources.kernel.errors import MissingDependencyError

POSTGRES_SESSION: dict[str, str] = {
    # Texts that the server makes of values must not depend on its configuration.
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "iso_8601",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
}


def server_options(config: SqlConfig) -> dict[str, str]:
    """What libpq is told beside host and credentials: time limits, keep-alives (E4) and the user's options."""
    return {
        "connect_timeout": str(config.connect_timeout_seconds),
        "keepalives": "1",
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "tcp_user_timeout": str(config.read_timeout_seconds * 1000),
        "application_name": "waybill",
        **config.options,
    }


def session_settings(config: SqlConfig, *, read_only: bool) -> dict[str, str]:
    """PostgreSQL settings of every session, sent as `SET` so that connection poolers let them pass."""
    statement = (config.statement_timeout_seconds or 0) * 1000
    return {
        **POSTGRES_SESSION,
        "statement_timeout": str(statement),
        "lock_timeout": str(config.lock_timeout_seconds * 1000),
        "idle_in_transaction_session_timeout": "0",
        "default_transaction_read_only": "on" if read_only else "off",
    }


def set_statements(settings: dict[str, str]) -> list[str]:
    """One `SET` a setting; the values are ours, never a user's."""
    return [f"SET {name} = '{value}'" for name, value in settings.items()]


def postgres_engine(config: SqlConfig, *, read_only: bool = False, **pool: Any) -> sa.Engine:
    """An engine whose sessions have the settings of this package; every `connect()` is a new one.

    Args:
        config: how to connect.
        read_only: whether its sessions may only look.
        pool: `poolclass` and its settings, to have sessions kept.

    Raises:
        MissingDependencyError: the driver is not installed.
    """
    try:
        import psycopg  # noqa: F401 - SQLAlchemy imports it by name; this gives the clear error
    except ImportError:
        raise MissingDependencyError(
            "psycopg", extra="postgres", purpose="A PostgreSQL connection"
        ) from None
    url = sa.URL.create(
        "postgresql+psycopg",
        username=config.username,
        password=config.password,
        host=config.host,
        port=config.effective_port,
        database=config.database,
    )
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        connect_args={**server_options(config), "prepare_threshold": None},
        **{"poolclass": NullPool, **pool},
    )
    statements = "; ".join(set_statements(session_settings(config, read_only=read_only)))

    def configure(connection: Any, _record: object) -> None:
        autocommit, connection.autocommit = connection.autocommit, True
        with connection.cursor() as cursor:
            cursor.execute(statements)
        connection.autocommit = autocommit

    sa.event.listen(engine, "connect", configure)
    return engine


def sqlite_engine(config: SqlConfig) -> sa.Engine:
    """A writing engine in autocommit: transactions are opened by an explicit `BEGIN IMMEDIATE` (2b).

    The driver's own transactions would commit around DDL and make an export visible halfway.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            str(config.path),
            timeout=config.lock_timeout_seconds,
            isolation_level=None,
            check_same_thread=False,
        )

    return sa.create_engine(
        "sqlite+pysqlite://",
        creator=connect,
        poolclass=NullPool,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
    )
