"""The catalog as a database: transactions that are whole or not at all, locks by name, tables of the right revision.

SQLite: write-ahead log, `BEGIN IMMEDIATE`, a busy timeout, full synchronisation. PostgreSQL: one transaction, waits
for locks limited, sessions kept (`pool.py`). Both: every error in our words, no parameter or password in any of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.engine import postgres_engine, sqlite_engine
from resources.connectors.sql.errors import postgres_error, sqlite_error
from resources.kernel.errors import (
    ConnectorUnavailableError,
    InputError,
    StorageError,
    WaybillError,
)
from resources.stores.catalog.locks import advisory_lock, file_lock
from resources.stores.catalog.migrate import is_current, upgrade
from resources.stores.catalog.pool import MOST, WAIT_SECONDS, shared_sessions
from resources.stores.catalog.settings import catalog_config

_DOING = "using the catalog"
_TOO_LARGE = "too large to convert to SQLite INTEGER"
"""What SQLite's driver says of a number that cannot be one of its own, as an error of Python; PostgreSQL's has one of its own."""
_CACHE_KIB = 16_000  # of SQLite's pages: a sorted bulk load of 50 MiB then hardly touches the disk before it commits
_READING_KIB = 2_000  # pages are mostly read once: to find memory for more of them costs a sixth of a look at a large table


class CatalogDatabase:
    """A catalog. Making the object touches nothing; the first transaction brings the tables up to date.

    Args:
        config: how to connect.
    """

    def __init__(self, config: SqlConfig) -> None:
        self.config = config
        self._sessions = shared_sessions(config) if config.dialect == "postgresql" else None
        self._engine = self._sessions.engine if self._sessions else _sqlite_engine(config)
        self._is_prepared = False

    @classmethod
    def open(cls) -> CatalogDatabase:
        """The catalog that the environment names; see `settings`."""
        return cls(catalog_config())

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.config.dialect == "sqlite"

    def exists(self) -> bool:
        """Whether there may be something in it: a file that is not there yet is not made by asking."""
        return self.config.path is None or self.config.path.exists()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction, committed at the end of the context, rolled back by an error or a kill.

        Raises:
            ConflictError: another writer holds the database for too long.
            WaybillError: whatever else the database refuses.
        """
        with self._prepared() as connection, self._transaction(connection, "BEGIN IMMEDIATE"):
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent look."""
        with self._prepared() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql(f"PRAGMA cache_size = -{_READING_KIB}")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with self._transaction(connection, "BEGIN"):
                yield connection

    @contextmanager
    def session(self) -> Iterator[sa.Connection]:
        """A connection outside of any transaction: for what is put aside before `transaction` commits it."""
        with self._prepared() as connection:
            yield connection

    @contextmanager
    def transaction(self, connection: sa.Connection) -> Iterator[None]:
        """A writing transaction on a connection of `session`; see `write`."""
        with self._transaction(connection, "BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Holds the lock `name`; others wait for it in line, wherever they run.

        It serialises long work. That work stays right without it: what is committed is checked once more in the
        transaction that commits.
        """
        if self.config.path is not None:
            with file_lock(_lock_folder(self.config.path), name):
                yield
            return
        with (
            self._connection(postgres_engine(self.config)) as session,
            advisory_lock(session, name),
        ):
            yield

    def prepare(self) -> None:
        """Makes the database and brings its tables up to date, unless they are; concurrent starts queue.

        Raises:
            ConfigError: it was written by a newer Waybill.
        """
        if self._is_prepared:
            return
        with self._connection() as connection:
            current = is_current(connection)
        if not current:
            self._upgrade()
        self._is_prepared = True

    def _upgrade(self) -> None:
        with self.lock("catalog-migrations"), self._connection() as connection:
            if self.is_sqlite:
                # Done here, before any other connection starts: changing the mode then never waits for a busy file.
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            with self._transaction(connection, "BEGIN IMMEDIATE"):
                upgrade(connection)

    @contextmanager
    def _prepared(self) -> Iterator[sa.Connection]:
        self.prepare()
        with self._connection() as connection:
            yield connection

    @contextmanager
    def _connection(self, engine: sa.Engine | None = None) -> Iterator[sa.Connection]:
        try:
            if self.config.path is not None:
                self.config.path.parent.mkdir(parents=True, exist_ok=True)
            with (engine or self._engine).connect() as connection:
                yield connection
        except OSError as error:
            raise StorageError(
                f"the catalog {self.config.location} cannot be used: {error.strerror}",
                hint="Set WAYBILL_HOME to a folder that you may write to",
            ) from error
        except sa.exc.TimeoutError:
            raise ConnectorUnavailableError(
                f"{_DOING} {self.config.location}: all {MOST} sessions of this process have been busy for {WAIT_SECONDS:g} s",
                hint="Try again when fewer do the same",
            ) from None
        except OverflowError as error:
            if _TOO_LARGE not in str(error):
                raise
            raise InputError(
                "a number is larger than any that the catalog gives out",
                hint="Take a number from a list of what there is",
            ) from None
        except Exception as error:
            if not isinstance(error, _driver_errors(self.is_sqlite)):
                raise
            raise self._translated(error) from None

    @contextmanager
    def _transaction(self, connection: sa.Connection, begin: str) -> Iterator[None]:
        """SQLite's driver would commit around DDL: its engine is in autocommit, transactions are said aloud."""
        if not self.is_sqlite:
            with connection.begin():
                yield
            return
        connection.exec_driver_sql(begin)
        try:
            yield
        except BaseException:
            driver = connection.connection.driver_connection
            if driver is not None and driver.in_transaction:
                connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")

    def _translated(self, error: Exception) -> WaybillError:
        if "cannot contain NUL" in str(error):  # PostgreSQL's driver, before anything is sent
            return InputError(
                "a text holds a NUL character, which the catalog cannot hold", hint="Take it out"
            )
        translate = sqlite_error if self.is_sqlite else postgres_error
        return translate(error, self.config, _DOING)


def _sqlite_engine(config: SqlConfig) -> sa.Engine:
    engine = sqlite_engine(config)

    def configure(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")

    sa.event.listen(engine, "connect", configure)
    return engine


def _lock_folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.locks")


def _driver_errors(is_sqlite: bool) -> tuple[type[Exception], ...]:
    """Errors of SQLAlchemy and of the driver itself: bulk statements go past SQLAlchemy."""
    if is_sqlite:
        return (sa.exc.SQLAlchemyError, sqlite3.Error)
    import psycopg

    return (sa.exc.SQLAlchemyError, psycopg.Error)
