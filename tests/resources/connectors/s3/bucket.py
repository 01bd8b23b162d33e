"""Buckets as the tests of the S3 connector use them: a connector, another program beside it, a first reader."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector, S3Keys
from resources.kernel.records import ObjectInfo
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, S3Server

CONTENT = bytes(range(256)) * 400


class OutsideBucket:
    def __init__(self, server: S3Server, bucket: str, prefix: str) -> None:
        self.client = server.client
        self.bucket = bucket
        self.prefix = prefix

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=content)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key)


def connect(url: str, bucket: str = "bucket", prefix: str = "", **options) -> S3Connector:
    return S3Connector(
        "lake",
        bucket,
        prefix,
        settings=S3Settings(endpoint_url=url, region="us-east-1"),
        keys=S3Keys(ACCESS_KEY, SECRET_KEY),
        **options,
    )


def listed(connector: S3Connector, pattern: str = "**") -> list[str]:
    return [item.key for item in connector.list_objects(pattern)]


def item_of(content: bytes, key: str = "x.bin", etag: str = "e1") -> ObjectInfo:
    return ObjectInfo(key, len(content), etag, datetime(2026, 1, 1, tzinfo=UTC))


def read(connector: S3Connector, item: ObjectInfo, scratch: Path) -> bytes:
    with connector.local_copy(item, scratch) as path:
        return path.read_bytes()
