"""A MariaDB database as tests use it: set up by SQL, looked at from outside."""

from __future__ import annotations

from typing import Any

from resources.connectors.sql import SqlConfig
from tests.contract.table_connector import Database
from tests.servers.mariadb import MariadbServer


class MariadbDatabase(Database):
    def __init__(self, server: MariadbServer, config: SqlConfig) -> None:
        self.server = server
        self.config = config

    def run(self, *statements: str) -> None:
        self.rows(*statements)

    def rows(self, *statements: str) -> list[tuple[Any, ...]]:
        """Standard quotes; no mode that would refuse what a table may hold."""
        mode = "SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'"
        return self.server.execute(mode, *statements, database=self.config.database or "")

    def sessions(self) -> list[tuple[Any, ...]]:
        """Other sessions on this database that are still there."""
        return self.rows(
            "SELECT id, command, state, info FROM information_schema.processlist"
            " WHERE db = database() AND id <> connection_id()"
        )

    def make_large(self, rows: int = 200_000) -> None:
        """A table of some 20 MB."""
        self.run(
            "CREATE TABLE large (id integer PRIMARY KEY, name varchar(200))",
            f"INSERT INTO large SELECT seq, repeat('x', 80) || seq FROM seq_1_to_{rows}",
        )
