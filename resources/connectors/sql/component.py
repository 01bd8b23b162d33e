"""A database as a connector in YAML and in Dagster."""

from __future__ import annotations

from collections.abc import Mapping

from resources.connectors.base import Connector
from resources.connectors.component import ConnectorComponent, Holds, Secret, secret_value
from resources.connectors.resource import ConnectorResource, Place, from_home
from resources.connectors.sql.config import Dialect
from resources.kernel.errors import ConfigError


class SqlConnectorResource(ConnectorResource):
    """A database."""

    dialect: Dialect
    path: str = ""
    host: str = ""
    port: int = 0
    database: str = ""
    username: str = ""
    password: str = ""
    db_schema: str = ""

    def connect(self) -> Connector:
        """The database; a relative path starts at Waybill's home folder."""
        from resources.connectors.sql import SqlConfig, open_table_connector

        return open_table_connector(
            self.connector_name,
            SqlConfig(
                dialect=self.dialect,
                path=from_home(self.path) if self.path else None,
                host=self.host or None,
                port=self.port or None,
                database=self.database or None,
                username=self.username or None,
                password=self.password or None,
                schema=self.db_schema or None,
            ),
        )

    def place(self, declared: Mapping[str, str]) -> Place:
        """The file, or `host:port/database`."""
        server = f"{declared['host']}:{declared['port']}/{declared['database']}"
        return Place(declared["dialect"], declared["path"] or server)


class SqlConnectorComponent(ConnectorComponent):
    """An SQL database: SQLite or DuckDB in a file, PostgreSQL, MySQL or MariaDB on a server."""

    dialect: Dialect
    path: str = ""
    """File of an SQLite or DuckDB database; a relative path starts at Waybill's home folder."""
    host: str = ""
    port: int | str = 0
    database: str = ""
    username: str = ""
    password: Secret = None
    """`{env: NAME}`: the name of an environment variable. A literal is refused."""
    db_schema: str = ""
    """Schema where tables without one are looked for; the user's default when empty."""

    @property
    def holds(self) -> Holds:
        """Tables."""
        return "tables"

    @property
    def kind(self) -> str:
        """The database's own icon."""
        return "postgres" if self.dialect == "postgresql" else self.dialect

    def resource(self, where: str) -> ConnectorResource:
        """The database's resource, after the fields were checked against the dialect."""
        self._check_fields(where)
        return SqlConnectorResource(
            connector_name=self.name,
            dialect=self.dialect,
            path=self.path,
            host=self.host,
            port=int(self.port or 0),
            database=self.database,
            username=self.username,
            password=secret_value(self.password, "password", where),
            db_schema=self.db_schema,
        )

    def _check_fields(self, where: str) -> None:
        in_file = self.dialect in ("sqlite", "duckdb")
        needed = ["path"] if in_file else ["host", "database"]
        useless = ["path"]
        if in_file:
            useless = ["host", "port", "database", "username", "password", "db_schema"]
        missing = [field for field in needed if not getattr(self, field)]
        given = [field for field in useless if getattr(self, field)]
        if missing or given:
            raise ConfigError(
                f"{where}: connector {self.name!r} ({self.dialect})"
                + (f" lacks {', '.join(missing)}" if missing else "")
                + (f" takes no {', '.join(given)}" if given else ""),
                hint=f"A {self.dialect} connector needs {', '.join(needed)}",
            )
        if not str(self.port or 0).isdecimal() or int(self.port or 0) > 65_535:
            raise ConfigError(
                f"{where}: connector {self.name!r}: port {str(self.port)[:20]!r} is not one",
                hint="A number up to 65535; leave it out for the database's usual one",
            )
