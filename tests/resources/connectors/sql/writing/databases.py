"""The databases that exports are tested on, behind one face: run SQL, export a table, look at what is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from resources.connectors.sql import DatabaseConnector, SqlConfig, open_table_connector
from resources.connectors.sql.writing.run import run_export
from resources.connectors.sql.writing.settings import ExportSettings
from resources.kernel.records import BatchStream, ExportReceipt, ExportRequest, TableName
from tests.servers.mariadb import ONLOOKER

START = datetime(2026, 3, 29, 1, 30, 0, tzinfo=UTC)
PATIENT = ExportSettings()
QUICK = ExportSettings(lock_timeout_seconds=0.2, lock_attempts=2, exporter_wait_seconds=20)


def request(rows: int, **changes: Any) -> ExportRequest:
    """An overwrite of `sales` by run `run-1`, with changes."""
    fields: dict[str, Any] = {
        "exporter": "to_warehouse",
        "table": TableName("sales"),
        "mode": "overwrite",
        "run_id": "run-1",
        "started_at": START,
        "expected_rows": rows,
        "source": "dataset sales, version 3",
    }
    return ExportRequest(**{**fields, **changes})


def stream(table: pa.Table) -> BatchStream:
    """A stream of four batches."""
    return BatchStream(table.schema, iter(table.to_batches(max_chunksize=table.num_rows // 4 + 1)))


def broken_stream(table: pa.Table, error: BaseException) -> BatchStream:
    """All batches of a table, and then an error."""

    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches(max_chunksize=3)
        raise error

    return BatchStream(table.schema, batches())


def sales(version: int, rows: int = 10) -> pa.Table:
    """`rows` rows that all carry `version`: a mixture of two versions shows."""
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "version": pa.array([version] * rows, pa.int64()),
            "name": [f"name {number}" for number in range(rows)],
        }
    )


@dataclass
class ExportDatabase:
    """A database that a test exports to."""

    config: SqlConfig
    settings: ExportSettings = field(default=QUICK)

    @property
    def dialect(self) -> str:
        """The system, by whatever driver it is reached."""
        return (self.config.driver or self.config.dialect).partition("+")[0]

    @property
    def is_generic(self) -> bool:
        """Whether it is reached by the path that knows no system."""
        return self.config.dialect == "other"

    @property
    def connector(self) -> DatabaseConnector:
        return open_table_connector("warehouse", self.config)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Runs statements on a new connection; the rows of the last one."""
        return _RUNNERS[self.dialect](self.config, statements)

    def export(self, data: pa.Table, **changes: Any) -> ExportReceipt:
        """Exports a table."""
        wanted = request(data.num_rows, **changes)
        return run_export(self.connector, stream(data), wanted, self.settings)

    def table(self, name: str = "sales", order: str = "id") -> list[tuple[Any, ...]]:
        """All rows of a table."""
        return self.run(f'SELECT * FROM "{name}" ORDER BY "{order}"')

    def versions(self, name: str = "sales") -> list[tuple[Any, ...]]:
        """How many rows of each version a table holds."""
        return self.run(versions_query(name))

    def connect(self) -> AbstractContextManager[Any]:
        """A connection that stays open."""
        if self.dialect == "postgresql":
            return connect_postgresql(self.config)
        if self.dialect == "mariadb":
            return connect_mariadb(self.config, username=ONLOOKER)
        return closing(sqlite3.connect(_file(self.config), timeout=20, isolation_level=None))

    def ledger(self) -> list[tuple[Any, ...]]:
        """Target, run, mode and rows of all deliveries."""
        return self.run('SELECT target, run_id, mode, "rows" FROM _exports ORDER BY 1, 2, 3')

    def names(self) -> set[str]:
        """All tables and views but the ledger."""
        rows = self.run(_NAMES[self.dialect])
        return {str(name) for (name,) in rows} - {"_exports"}


def versions_query(name: str) -> str:
    """How many rows of each version a table holds."""
    return f'SELECT version, count(*) FROM "{name}" GROUP BY version ORDER BY version'


_NAMES = {
    "postgresql": "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
    " WHERE nspname = 'public' AND relkind IN ('r', 'v', 'p')",
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'",
    "duckdb": "SELECT table_name FROM information_schema.tables",
    "mariadb": "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
}


def _run_postgresql(config: SqlConfig, statements: Iterable[str]) -> list[tuple[Any, ...]]:
    with connect_postgresql(config) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def connect_postgresql(config: SqlConfig, **options: Any) -> Any:
    """A plain connection in autocommit."""
    import psycopg

    return psycopg.connect(
        host=config.host,
        port=config.port,
        user=config.username,
        password=config.password,
        dbname=config.database,
        autocommit=True,
        **options,
    )


@contextmanager
def connect_mariadb(config: SqlConfig, username: str | None = None) -> Iterator[Any]:
    """A plain connection in autocommit that reads standard quotes; cursors come from its `execute`."""
    import pymysql

    class Connection(pymysql.connections.Connection):
        def execute(self, statement: str) -> Any:
            cursor = self.cursor()
            cursor.execute(statement)
            return cursor

    connection = Connection(
        host=config.host,
        port=config.port,
        user=username or config.username,
        password=config.password,
        database=config.database,
        sql_mode="ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT",
        autocommit=True,
        ssl_disabled=True,  # reading the system's authorities takes 40 ms
    )
    try:
        yield connection
    finally:
        connection.close()


def _run_mariadb(config: SqlConfig, statements: Iterable[str]) -> list[tuple[Any, ...]]:
    with connect_mariadb(config) as connection:
        connection.execute("SET time_zone = '+00:00'")
        for statement in statements:
            cursor = connection.execute(statement)
        return list(cursor.fetchall())


def _file(config: SqlConfig) -> str:
    return str(config.path or config.database)


def _run_sqlite(config: SqlConfig, statements: Iterable[str]) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(_file(config), timeout=20, isolation_level=None)
    try:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        return rows
    finally:
        connection.close()


def _run_duckdb(config: SqlConfig, statements: Iterable[str]) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(config.path)) as connection:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        return rows


_RUNNERS = {
    "postgresql": _run_postgresql,
    "sqlite": _run_sqlite,
    "duckdb": _run_duckdb,
    "mariadb": _run_mariadb,
}
