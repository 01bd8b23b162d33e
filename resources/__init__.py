"""The outside world, and the words that everybody shares.

Exports the component types of this layer; they load Dagster, so they are looked up when asked for.
"""

from importlib import import_module
from typing import Any

_COMPONENTS = {
    "FolderConnector": ("resources.connectors.folder.component", "FolderConnectorComponent"),
    "FtpConnector": ("resources.connectors.ftp.component", "FtpConnectorComponent"),
    "GcsConnector": ("resources.connectors.gcs.component", "GcsConnectorComponent"),
    "S3Connector": ("resources.connectors.s3.component", "S3ConnectorComponent"),
    "SftpConnector": ("resources.connectors.sftp.component", "SftpConnectorComponent"),
    "SqlConnector": ("resources.connectors.sql.component", "SqlConnectorComponent"),
}


def __getattr__(name: str) -> Any:
    if name in _COMPONENTS:
        module, attribute = _COMPONENTS[name]
        return getattr(import_module(module), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_COMPONENTS])
