"""A folder as a connector in YAML and in Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from resources.connectors.base import Connector
from resources.connectors.component import ConnectorComponent
from resources.connectors.resource import ConnectorResource, Place, from_home
from resources.kernel.errors import ConfigError


class FolderConnectorResource(ConnectorResource):
    """A folder as a bucket."""

    root: str

    def connect(self) -> Connector:
        """The folder; a relative root starts at Waybill's home folder."""
        from resources.connectors.folder.connector import FolderConnector

        return FolderConnector(self.connector_name, from_home(self.root))

    def place(self, declared: Mapping[str, str]) -> Place:
        """The folder as given."""
        return Place("folder", declared["root"])


class FolderConnectorComponent(ConnectorComponent):
    """A folder on this machine (or a mounted share) as a bucket of files."""

    examples: ClassVar[tuple[str, ...]] = (
        """\
name: landing
root: landing   # below Waybill's home folder; or an absolute path
description: Where the shop leaves its files
""",
    )

    root: str
    """The folder; a relative path starts at Waybill's home folder."""

    @property
    def kind(self) -> str:
        """A folder."""
        return "folder"

    def resource(self, where: str) -> ConnectorResource:  # noqa: ARG002 - it is added to errors by who asks
        """The folder's resource."""
        if not self.root.strip():
            raise ConfigError(
                "`root:` is empty: it would be Waybill's own folder",
                hint="Give the folder that holds the files",
                attribute="root",
            )
        return FolderConnectorResource(connector_name=self.name, root=self.root)
