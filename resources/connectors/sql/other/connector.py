"""Any other database that SQLAlchemy has a driver for, given by the parts of a URL.

What is known about the system decides what is promised: PostgreSQL's, SQLite's and MySQL's relatives read in one
read-only transaction of one snapshot; of others nothing is known, so that the user's rights have to keep it from writing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.connector import DatabaseConnector
from resources.connectors.sql.engine import server_options
from resources.connectors.sql.other.delivery import relative_deliverer
from resources.connectors.sql.query_text import MYSQL, POSTGRESQL, SQLITE
from resources.connectors.sql.sqlalchemy.column_types import ValueColumn, text_column
from resources.connectors.sql.sqlalchemy.connector import SqlalchemyConnector
from resources.connectors.sql.writing.run import Deliverer
from resources.kernel.errors import ConfigError, MissingDependencyError, NotFoundError


def open_other(name: str, config: SqlConfig) -> DatabaseConnector:
    """The connector for the family of databases that `config.driver` belongs to."""
    family = (config.driver or "").partition("+")[0]
    return _FAMILIES.get(family, OtherConnector)(name, config)


class OtherConnector(SqlalchemyConnector):
    """A database about which nothing is known but its driver."""

    kind = "other"
    dialect_name = "other"
    is_watched = True

    @property
    def family(self) -> str:
        """SQLAlchemy's name of the dialect."""
        return (self.config.driver or "").partition("+")[0]

    def url(self) -> sa.URL:
        """The parts as one URL; `options` are its query."""
        config = self.config
        return sa.URL.create(
            config.driver or "",
            username=config.username,
            password=config.password,
            host=config.host,
            port=config.port,
            database=config.database,
            query=dict(config.options),
        )

    def deliverer(self) -> Deliverer:
        """See `delivery`."""
        return relative_deliverer(self, self.label)

    def engine(self, *, read_only: bool = False) -> sa.Engine:
        """See the base; a driver that is not there is named, with the package that SQLAlchemy looks for.

        Raises:
            ConfigError: SQLAlchemy knows no such dialect, or its package is not installed.
        """
        try:
            self.url().get_dialect().import_dbapi()
            return super().engine(read_only=read_only)
        except sa.exc.NoSuchModuleError:
            raise ConfigError(
                f"{self.label}: SQLAlchemy has no dialect {self.config.driver!r} here",
                hint="Install the package that brings it, or correct `driver:`",
            ) from None
        except (ImportError, MissingDependencyError) as error:
            package = getattr(error, "name", "") or self.config.driver
            raise ConfigError(
                f"{self.label}: the driver {self.config.driver!r} needs the package {package!r},"
                " which is not installed",
                hint=f"Install it beside Waybill: pip install {package}",
            ) from None


_EXACT_OIDS: dict[int, pa.DataType] = {
    16: pa.bool_(),
    17: pa.binary(),
    18: pa.string(),
    19: pa.string(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    25: pa.string(),
    26: pa.int64(),
    700: pa.float32(),
    701: pa.float64(),
    1042: pa.string(),
    1043: pa.string(),
    1082: pa.date32(),
    1083: pa.time64("us"),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", tz="UTC"),
}
_NUMERIC = 1700
_LIBPQ = frozenset(
    {"postgresql", "postgresql+psycopg", "postgresql+psycopg2", "cockroachdb+psycopg"}
)


class PostgresqlRelative(OtherConnector):
    """PostgreSQL and what speaks its protocol: types by their numbers, everything else as the server writes it."""

    syntax = POSTGRESQL
    max_identifier = (63, "bytes")
    max_columns = 1600

    def connect_args(self, *, read_only: bool) -> dict[str, Any]:  # noqa: ARG002 - as the base has it
        """Time limits and keep-alives (E4), for the drivers that take what libpq takes."""
        if self.config.driver not in _LIBPQ:
            return {}
        return {
            k: v for k, v in server_options(self.config).items() if k not in self.config.options
        }

    def begin(self, connection: sa.Connection) -> None:
        """One snapshot, read-only; texts that do not depend on who configured the server."""
        run = connection.exec_driver_sql
        isolation = (
            "REPEATABLE READ READ ONLY" if self.family == "postgresql" else "SERIALIZABLE READ ONLY"
        )
        run(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        run("SET intervalstyle = 'iso_8601'")
        run("SET timezone = 'UTC'")
        run(f"SET statement_timeout = {(self.config.statement_timeout_seconds or 0) * 1000}")
        run(f"SET lock_timeout = {self.config.lock_timeout_seconds * 1000}")

    def plan_column(self, described: Any) -> ValueColumn:
        """By the type's number."""
        name, number = str(described[0]), described[1]
        exact = _EXACT_OIDS.get(number)
        if exact is not None:
            return ValueColumn(name, exact)
        precision, scale = described[4], described[5]
        if number == _NUMERIC and precision and scale is not None and 0 <= scale <= precision <= 38:
            return ValueColumn(name, pa.decimal128(precision, scale))
        expression = f"CAST({self.result_name(name)} AS text)"
        return text_column(name, expression, "as the server writes it")


class SqliteRelative(OtherConnector):
    """SQLite and its relatives: one connection, one read transaction, types by the values."""

    syntax = SQLITE
    max_columns = 2000
    is_watched = False  # a file has no line
    # A name that comes twice would be changed between parentheses; the driver takes one statement and no more.
    encloses = False
    binds = False  # the driver takes no decimals, and dates in a form of its own

    def engine(self, *, read_only: bool = False) -> sa.Engine:
        """See the base; a file that is read is not made.

        Raises:
            NotFoundError: there is no such file.
        """
        file = self.config.database or ""
        if read_only and not Path(file).is_file():
            raise NotFoundError(
                f"{self.label}: there is no database file {file!r}", hint="Check `database`"
            )
        return super().engine(read_only=read_only)

    def connect_args(self, *, read_only: bool) -> dict[str, Any]:
        """How long to wait for a file that another process writes; rows may be read in another thread."""
        waiting = {"timeout": self.config.lock_timeout_seconds, "check_same_thread": False}
        # Writing, transactions are begun by hand: the driver's own commit around DDL (2b).
        return waiting if read_only else {**waiting, "isolation_level": None}

    def alarm(self, connection: sa.Connection) -> tuple[int | None, Callable[[], None]]:
        """SQLite keeps no time itself."""
        driver: Any = connection.connection.driver_connection
        return self.config.statement_timeout_seconds, driver.interrupt

    def begin(self, connection: sa.Connection) -> None:
        """Nothing can be written on this connection."""
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")


class MysqlRelative(OtherConnector):
    """MySQL's relatives."""

    syntax = MYSQL
    max_identifier = (64, "characters")
    max_columns = 1017

    def connect_args(self, *, read_only: bool) -> dict[str, Any]:  # noqa: ARG002 - as the base has it
        """How long to wait for a connection, and for the server's greeting on it."""
        if not (self.config.driver or "").endswith("+pymysql"):
            return {}
        limits = {"connect_timeout": self.config.connect_timeout_seconds}
        limits |= dict.fromkeys(("read_timeout", "write_timeout"), self.silence_limit)
        return {name: value for name, value in limits.items() if name not in self.config.options}

    def begin(self, connection: sa.Connection) -> None:
        """One snapshot, read-only."""
        run = connection.exec_driver_sql
        run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        run("SET time_zone = '+00:00'")
        if seconds := self.config.statement_timeout_seconds:
            is_mariadb = getattr(connection.dialect, "is_mariadb", False)
            limit = (
                f"max_statement_time = {seconds}"
                if is_mariadb
                else f"max_execution_time = {seconds * 1000}"
            )
            run(f"SET SESSION {limit}")
        run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


_FAMILIES: dict[str, type[OtherConnector]] = {
    "postgresql": PostgresqlRelative,
    "cockroachdb": PostgresqlRelative,
    "sqlite": SqliteRelative,
    "mysql": MysqlRelative,
    "mariadb": MysqlRelative,
}
