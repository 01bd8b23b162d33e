"""Buckets as the tests of the connector for Google Cloud Storage use them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from resources.connectors.gcs.client import GcsSettings
from resources.connectors.gcs.connector import GcsConnector
from resources.kernel.records import ObjectInfo
from tests.servers.gcs import GcsServer
from tests.servers.gcs_emulator import GcsEmulator

CONTENT = bytes(range(256)) * 400


@dataclass
class OutsideBucket:
    """Another program that writes to a bucket."""

    server: GcsServer | GcsEmulator
    bucket: str
    prefix: str = ""

    def put(self, key: str, content: bytes) -> None:
        self.server.put(self.bucket, self.prefix + key, content)

    def delete(self, key: str) -> None:
        self.server.delete(self.bucket, self.prefix + key)


def connect(url: str, bucket: str, prefix: str = "", **options) -> GcsConnector:
    given = {"anonymous": True, **options}
    return GcsConnector("lake", bucket, prefix, settings=GcsSettings(endpoint_url=url, **given))


def listed(connector: GcsConnector, pattern: str = "**") -> list[str]:
    return [item.key for item in connector.list_objects(pattern)]


def read(connector: GcsConnector, item: ObjectInfo, scratch: Path) -> bytes:
    with connector.local_copy(item, scratch) as path:
        return path.read_bytes()
