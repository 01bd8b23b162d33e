"""Connectors as Dagster resources: configuration in, plain connector out.

Secrets are `dg.EnvVar`s: Dagster shows and stores the variable's name and reads its value when a run starts (T23).
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Literal

import dagster as dg

from resources.connectors.base import Connector, FileConnector, TableConnector
from resources.home import waybill_home
from resources.kernel.errors import ConfigError
from resources.sources import FileSource, Source, SourceSpec, TableSource

Dialect = Literal["sqlite", "duckdb", "postgresql"]


class ConnectorResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # Dagster's own generic default
    """What every connector's resource offers."""

    connector_name: str

    @abstractmethod
    def connect(self) -> Connector:
        """The plain connector. Makes no connection yet."""

    def files(self) -> FileConnector:
        """The connector as a place of files.

        Raises:
            ConfigError: it is a database.
        """
        connector = self.connect()
        if not isinstance(connector, FileConnector):
            raise ConfigError(
                f"connector {self.connector_name!r} is a database, not a place of files",
                hint="Use `table:` or `query:` with it, or name a folder or bucket",
            )
        return connector

    def tables(self) -> TableConnector:
        """The connector as a database.

        Raises:
            ConfigError: it is a place of files.
        """
        connector = self.connect()
        if not isinstance(connector, TableConnector):
            raise ConfigError(
                f"connector {self.connector_name!r} holds files, not tables",
                hint="Use `path:` with it, or name an SQL connector",
            )
        return connector

    def source(self, spec: SourceSpec) -> Source:
        """What a datasource's declaration means on this connector."""
        return FileSource(spec, self.files()) if spec.path else TableSource(spec, self.tables())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.connector_name!r})"

    __str__ = __repr__


class FolderConnectorResource(ConnectorResource):
    """A folder as a bucket."""

    root: str

    def connect(self) -> Connector:
        """The folder; a relative root starts at Waybill's home folder."""
        from resources.connectors.folder import FolderConnector

        return FolderConnector(self.connector_name, from_home(self.root))


class S3ConnectorResource(ConnectorResource):
    """A bucket, or a part of one."""

    bucket: str
    prefix: str = ""
    endpoint_url: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = ""

    def connect(self) -> Connector:
        """The bucket; without keys the standard credential chain of the AWS libraries holds."""
        from resources.connectors.s3 import S3Connector

        return S3Connector(
            self.connector_name,
            bucket=self.bucket,
            prefix=self.prefix,
            endpoint_url=self.endpoint_url or None,
            region=self.region or None,
            access_key=self.access_key or None,
            secret_key=self.secret_key or None,
        )


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


def from_home(path: str) -> Path:
    """`path` itself when absolute, else below Waybill's home folder."""
    given = Path(path).expanduser()
    return given if given.is_absolute() else waybill_home() / given
