"""Servers as the tests of the FTP connector use them: a connector, a first reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from resources.connectors.ftp.connector import FtpConnector
from resources.connectors.ftp.settings import FtpSettings
from resources.kernel.records import ObjectInfo
from tests.servers.ftp import PASSWORD, USERNAME, FtpServer


def settings_for(server: FtpServer, **changes: object) -> FtpSettings:
    """What leads to the server with its own authority."""
    settings = FtpSettings(
        name="partner",
        host="localhost",
        port=server.port,
        username=USERNAME,
        password=lambda: PASSWORD,
        tls=server.tls,
        timeout_seconds=5,
        ca_file=str(server.certificates.ca) if server.certificates else "",
    )
    return replace(settings, **changes)


def connect(server: FtpServer, **changes: object) -> FtpConnector:
    return FtpConnector(settings_for(server, **changes))


def listed(connector: FtpConnector, pattern: str = "**", **options: str) -> list[str]:
    return [item.key for item in connector.list_objects(pattern, **options)]


def read(connector: FtpConnector, item: ObjectInfo, scratch: Path) -> bytes:
    with connector.local_copy(item, scratch) as path:
        return path.read_bytes()
