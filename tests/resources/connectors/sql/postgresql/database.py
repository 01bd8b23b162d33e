"""A PostgreSQL database as tests use it: set up by SQL, looked at from outside."""

from __future__ import annotations

from typing import Any

from resources.connectors.sql import SqlConfig
from tests.contract.table_connector import Database
from tests.servers.postgres import PostgresServer


class PostgresDatabase(Database):
    def __init__(self, server: PostgresServer, config: SqlConfig) -> None:
        self.server = server
        self.config = config

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.server.execute(statement, database=self.config.database or "")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.execute(sql, database=self.config.database or "")

    def sessions(self) -> list[tuple[Any, ...]]:
        """Other sessions on this database that are still there."""
        return self.rows(
            "SELECT pid, state, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )

    def make_large(self, rows: int = 200_000) -> None:
        """A table large enough to be read in parts (more than 16 MB)."""
        self.run(
            "CREATE TABLE large AS SELECT i AS id, repeat('x', 80) || i AS name"
            f" FROM generate_series(1, {rows}) AS s(i)"
        )
