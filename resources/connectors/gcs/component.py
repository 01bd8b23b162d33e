"""A bucket of Google Cloud Storage as a connector in YAML and in Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from resources.connectors.base import Connector
from resources.connectors.component import ConnectorComponent, Secret, secret_value
from resources.connectors.resource import ConnectorResource, Place, from_home


class GcsConnectorResource(ConnectorResource):
    """A bucket, or a part of one."""

    bucket: str
    prefix: str = ""
    project: str = ""
    endpoint_url: str = ""
    credentials_file: str = ""
    anonymous: bool = False
    credentials_json: str = ""

    def connect(self) -> Connector:
        """The bucket; without credentials given Google's default chain holds."""
        from resources.connectors.gcs.client import GcsSettings
        from resources.connectors.gcs.connector import GcsConnector

        return GcsConnector(
            self.connector_name,
            bucket=self.bucket,
            prefix=self.prefix,
            settings=GcsSettings(
                endpoint_url=self.endpoint_url.rstrip("/") or None,
                project=self.project,
                credentials_file=self.credentials_file and str(from_home(self.credentials_file)),
                anonymous=self.anonymous,
            ),
            credentials_json=self.credentials_json,
        )

    def place(self, declared: Mapping[str, str]) -> Place:
        """The bucket and the part of it."""
        return Place("gcs", f"gs://{declared['bucket']}/{declared['prefix']}")


class GcsConnectorComponent(ConnectorComponent):
    """A bucket of Google Cloud Storage."""

    examples: ClassVar[tuple[str, ...]] = (
        """\
name: lake
bucket: example-lake
prefix: raw/
credentials_json: {env: LAKE_KEY}   # the name of a variable; left out, Google's default credentials hold
""",
        """\
name: public_data
bucket: public-data
anonymous: true
endpoint_url: http://127.0.0.1:4443
description: An emulator with public data
""",
        """\
name: archive
bucket: example-archive
project: example-billing
credentials_file: keys/archive.json
""",
    )

    bucket: str
    """Name of the bucket."""
    prefix: str = ""
    """The part of it that paths start from, such as `raw/`; all of it when left out."""
    project: str = ""
    """The project that pays for requests, for buckets that ask for it."""
    endpoint_url: str = ""
    """Address of an emulator."""
    credentials_file: str = ""
    """Path of a service account's key; left out, Google's default credentials hold."""
    anonymous: bool = False
    """Without credentials: public buckets, emulators."""
    credentials_json: Secret = None
    """`{env: NAME}`: the variable holds the JSON text of a service account's key."""

    @property
    def kind(self) -> str:
        """Google Cloud Storage."""
        return "gcs"

    def resource(self, where: str) -> ConnectorResource:
        """The bucket's resource."""
        return GcsConnectorResource(
            connector_name=self.name,
            bucket=self.bucket,
            prefix=self.prefix,
            project=self.project,
            endpoint_url=self.endpoint_url,
            credentials_file=self.credentials_file,
            anonymous=self.anonymous,
            credentials_json=secret_value(self.credentials_json, "credentials_json", where),
        )
