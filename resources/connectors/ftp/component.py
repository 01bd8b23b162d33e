"""An FTP server as a connector in YAML and in Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from resources.connectors.base import Connector
from resources.connectors.component import ConnectorComponent, Secret, secret_value
from resources.connectors.resource import ConnectorResource, Place, from_home
from resources.kernel.errors import ConfigError


class FtpConnectorResource(ConnectorResource):
    """A folder of an FTP server."""

    host: str
    port: int = 0
    username: str = "anonymous"
    password: str = ""
    root: str = ""
    tls: str = "explicit"
    ca_file: str = ""
    insecure_plain_ftp: bool = False
    connections: int = 4
    timeout_seconds: float = 60

    def connect(self) -> Connector:
        """The server; a relative `ca_file` starts at Waybill's home folder."""
        from resources.connectors.ftp.connector import FtpConnector
        from resources.connectors.ftp.settings import FtpSettings

        return FtpConnector(
            FtpSettings(
                name=self.connector_name,
                host=self.host,
                port=self.port,
                username=self.username,
                password=lambda: self.password,
                root=self.root,
                tls=_tls(self.tls, plain=self.insecure_plain_ftp),
                ca_file=str(from_home(self.ca_file)) if self.ca_file else "",
                connections=self.connections,
                timeout_seconds=self.timeout_seconds,
            )
        )

    def place(self, declared: Mapping[str, str]) -> Place:
        """Host and root."""
        scheme = "ftp" if self.insecure_plain_ftp else "ftps"
        port = f":{self.port}" if self.port else ""
        return Place("ftp", f"{scheme}://{declared['host']}{port}/{declared['root'].lstrip('/')}")


class FtpConnectorComponent(ConnectorComponent):
    """A folder of an FTP server; with TLS unless plain FTP is asked for by name."""

    examples: ClassVar[tuple[str, ...]] = (
        """\
name: supplier
host: ftp.example.com
username: shop
password: {env: SUPPLIER_PASSWORD}   # the name of a variable
root: /outgoing
""",
        """\
name: old_supplier
host: 192.0.2.7
port: 2121
insecure_plain_ftp: true
connections: 1
timeout_seconds: 120
description: Speaks no TLS; in our own network
""",
        """\
name: partner
host: ftp.example.org
tls: implicit
ca_file: certificates/partner.pem
""",
    )

    host: str
    """Name or address of the server."""
    port: int = 0
    """21, or 990 with implicit TLS, when left out."""
    username: str = "anonymous"
    """The account on the server."""
    password: Secret = None
    """Its password: `{env: NAME}`, the name of an environment variable."""
    root: str = ""
    """The folder that paths start from: absolute, or below the folder that the account starts in."""
    tls: Literal["explicit", "implicit"] = "explicit"
    """`explicit` begins in clear and turns to TLS before the password is sent (AUTH TLS); `implicit` begins with TLS."""
    ca_file: str = ""
    """The certificate of a private authority, PEM."""
    insecure_plain_ftp: bool = False
    """FTP without TLS: password and files go in clear. A warning in each run says so (T21)."""
    connections: int = 4
    """The most connections at once."""
    timeout_seconds: float = 60
    """The longest silence of the server."""

    @property
    def kind(self) -> str:
        """FTP."""
        return "ftp"

    def resource(self, where: str) -> ConnectorResource:
        """The server's resource."""
        if self.insecure_plain_ftp and self.tls == "implicit":
            raise ConfigError(
                "`insecure_plain_ftp: true` and `tls: implicit` exclude each other",
                hint="Remove `insecure_plain_ftp:` to have TLS",
                attribute="insecure_plain_ftp",
            )
        return FtpConnectorResource(
            connector_name=self.name,
            host=self.host,
            port=self.port,
            username=self.username,
            password=secret_value(self.password, "password", where),
            root=self.root,
            tls=self.tls,
            ca_file=self.ca_file,
            insecure_plain_ftp=self.insecure_plain_ftp,
            connections=self.connections,
            timeout_seconds=self.timeout_seconds,
        )


def _tls(given: str, *, plain: bool) -> Literal["explicit", "implicit", "none"]:
    if plain:
        return "none"
    return "implicit" if given == "implicit" else "explicit"
