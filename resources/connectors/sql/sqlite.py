"""The SQLite connector."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.config import Dialect
from resources.connectors.sql.connector import SqlConnector, is_internal
from resources.connectors.sql.engine import sqlite_engine
from resources.connectors.sql.errors import sqlite_error
from resources.kernel.errors import ConnectorError, NotFoundError, WaybillError
from resources.kernel.records import BatchStream, TableName


class SqliteConnector(SqlConnector):
    """A SQLite database file."""

    kind = "sqlite"
    dialect_name: ClassVar[Dialect] = "sqlite"
    max_identifier = (128, "characters")
    max_columns = 2000

    def engine(self) -> sa.Engine:
        """A writing SQLAlchemy engine in autocommit; open transactions with `BEGIN IMMEDIATE`."""
        return sqlite_engine(self.config)

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """SQLAlchemy's and sqlite3's."""
        return (sa.exc.SQLAlchemyError, sqlite3.Error)

    def translate(self, error: Exception, doing: str) -> WaybillError:
        """By SQLite's error name; see `errors.sqlite_error`."""
        return sqlite_error(error, self.config, doing)

    @contextmanager
    def snapshot(self, doing: str) -> Iterator[sqlite3.Connection]:
        """A read-only connection inside one read transaction: all that is read is one state of the file."""
        path = self.config.path
        if path is None or not path.exists():
            raise NotFoundError(f"{doing}: there is no file {path}", hint="Check `path`")
        with self.translated(doing):
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro",
                uri=True,
                timeout=self.config.lock_timeout_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.close()

    def probe(self) -> dict[str, str]:
        """Library version and number of tables."""
        with self.snapshot("connecting") as connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return {"version": f"SQLite {sqlite3.sqlite_version}", "objects": str(tables)}

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views, in order of name."""
        with self.snapshot("listing tables") as connection:
            rows = connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
                " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
            ).fetchall()
        return [TableName(name) for (name,) in rows if not is_internal(name)]

    def describe(self, source: TableName | str) -> pa.Schema:
        raise ConnectorError("not built")

    def fingerprint(self, source: TableName | str) -> str:
        raise ConnectorError("not built")

    def read(
        self, source: TableName | str, *, batch_rows: int = 65_536
    ) -> AbstractContextManager[BatchStream]:
        raise ConnectorError("not built")
