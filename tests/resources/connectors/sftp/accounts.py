"""Servers as the tests of the SFTP connector use them: a connector, a first reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from resources.connectors.sftp.connector import SftpConnector
from resources.connectors.sftp.settings import SftpSettings
from resources.kernel.records import ObjectInfo
from tests.servers.sftp import PASSWORD, USERNAME, SftpApart, SftpServer


def settings_for(server: SftpServer | SftpApart, **changes: object) -> SftpSettings:
    """What leads to the server, its key pinned."""
    settings = SftpSettings(
        name="partner",
        host="127.0.0.1",
        port=server.port,
        username=USERNAME,
        password=lambda: PASSWORD,
        host_key=server.fingerprint,
        timeout_seconds=5,
    )
    return replace(settings, **changes)


def connect(server: SftpServer | SftpApart, **changes: object) -> SftpConnector:
    return SftpConnector(settings_for(server, **changes))


def listed(connector: SftpConnector, pattern: str = "**", **options: str) -> list[str]:
    return [item.key for item in connector.list_objects(pattern, **options)]


def read(connector: SftpConnector, item: ObjectInfo, scratch: Path) -> bytes:
    with connector.local_copy(item, scratch) as path:
        return path.read_bytes()
