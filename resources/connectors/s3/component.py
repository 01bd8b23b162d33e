"""A bucket of S3 as a connector in YAML and in Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from resources.connectors.base import Connector
from resources.connectors.component import ConnectorComponent, Secret, secret_value
from resources.connectors.resource import ConnectorResource, Place


class S3ConnectorResource(ConnectorResource):
    """A bucket, or a part of one."""

    bucket: str
    prefix: str = ""
    endpoint_url: str = ""
    region: str = ""
    profile: str = ""
    requester_pays: bool = False
    access_key: str = ""
    secret_key: str = ""
    session_token: str = ""

    def connect(self) -> Connector:
        """The bucket; without keys the standard credential chain of the AWS libraries holds."""
        from resources.connectors.s3.client import S3Settings
        from resources.connectors.s3.connector import S3Connector, S3Keys

        return S3Connector(
            self.connector_name,
            bucket=self.bucket,
            prefix=self.prefix,
            settings=S3Settings(
                self.endpoint_url.rstrip("/") or None, self.region or None, self.profile or None
            ),
            keys=S3Keys(self.access_key, self.secret_key, self.session_token),
            requester_pays=self.requester_pays,
        )

    def place(self, declared: Mapping[str, str]) -> Place:
        """The bucket and the part of it."""
        return Place("s3", f"s3://{declared['bucket']}/{declared['prefix']}")


class S3ConnectorComponent(ConnectorComponent):
    """An S3 bucket, or a store that speaks S3."""

    examples: ClassVar[tuple[str, ...]] = (
        """\
name: lake
bucket: example-lake
prefix: raw/
region: eu-west-3
access_key: {env: LAKE_ACCESS_KEY}   # names of variables; left out, the standard credential chain holds
secret_key: {env: LAKE_SECRET_KEY}
""",
        """\
name: minio
bucket: shop
endpoint_url: https://minio.example.com:9000
profile: minio
description: The store in our own cellar
""",
        """\
name: partner
bucket: partner-exports
requester_pays: true
access_key: {env: PARTNER_ACCESS_KEY}
secret_key: {env: PARTNER_SECRET_KEY}
session_token: {env: PARTNER_SESSION_TOKEN}
""",
    )

    bucket: str
    """Name of the bucket."""
    prefix: str = ""
    """The part of it that paths start from, such as `raw/`; all of it when left out."""
    endpoint_url: str = ""
    """Address of a store that is not Amazon's."""
    region: str = ""
    """Where the bucket lies; as the AWS libraries find it when left out."""
    profile: str = ""
    """A profile of the AWS configuration files, in place of keys."""
    requester_pays: bool = False
    """Agree to pay for what a requester-pays bucket sends."""
    access_key: Secret = None
    """`{env: NAME}`; left out, the standard credential chain holds."""
    secret_key: Secret = None
    """`{env: NAME}`; the other half of the access key."""
    session_token: Secret = None
    """`{env: NAME}`; the third part of temporary credentials."""

    @property
    def kind(self) -> str:
        """S3."""
        return "s3"

    def resource(self, where: str) -> ConnectorResource:
        """The bucket's resource."""
        return S3ConnectorResource(
            connector_name=self.name,
            bucket=self.bucket,
            prefix=self.prefix,
            endpoint_url=self.endpoint_url,
            region=self.region,
            profile=self.profile,
            requester_pays=self.requester_pays,
            access_key=secret_value(self.access_key, "access_key", where),
            secret_key=secret_value(self.secret_key, "secret_key", where),
            session_token=secret_value(self.session_token, "session_token", where),
        )
