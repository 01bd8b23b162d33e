"""What every connector is as a Dagster resource: configuration in, plain connector out.

Secrets are `dg.EnvVar`s: Dagster shows and stores the variable's name and reads its value when a run starts (T23).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import dagster as dg

from resources.connectors.base import Connector, FileConnector, TableConnector
from resources.fixed import FixedResource
from resources.home import waybill_home
from resources.kernel.errors import ConfigError

Holds = Literal["files", "tables"]


class Place(NamedTuple):
    """What a connector leads to, for lists."""

    kind: str
    """`folder`, `s3`, `postgresql` ..."""
    target: str
    """Where it leads, without credentials."""


class ConnectorResource(FixedResource):
    """What every connector's resource offers."""

    holds: ClassVar[Holds] = "files"
    """What stands in it: known without its variables being set."""
    connector_name: str

    @abstractmethod
    def connect(self) -> Connector:
        """The plain connector. Makes no connection yet."""

    @abstractmethod
    def place(self, declared: Mapping[str, str]) -> Place:
        """Kind and target, from the fields as declared: one that comes from the environment is named, not read."""

    def declared_place(self) -> Place:
        """Kind and target as declared."""
        return self.place(
            {
                field: f"${value.env_var_name}" if isinstance(value, dg.EnvVar) else str(value)
                for field, value in vars(self).items()
            }
        )

    def title(self) -> str:
        """What errors call it."""
        return f"connector {self.connector_name!r}"

    def summary(self) -> str:
        """Which connector this is, for the UI's list of resources."""
        kind, target = self.declared_place()
        return f"Connector {self.connector_name}: {kind}, {target}"

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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.connector_name!r})"

    __str__ = __repr__


def from_home(path: str) -> Path:
    """`path` itself when absolute, else below Waybill's home folder."""
    given = Path(path).expanduser()
    return given if given.is_absolute() else waybill_home() / given
