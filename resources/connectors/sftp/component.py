"""An SFTP server as a connector in YAML and in Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from resources.connectors.base import Connector
from resources.connectors.component import ConnectorComponent, Secret, secret_value
from resources.connectors.resource import ConnectorResource, Place, from_home


class SftpConnectorResource(ConnectorResource):
    """A folder of an SFTP server."""

    host: str
    port: int = 22
    username: str
    password: str = ""
    private_key: str = ""
    private_key_file: str = ""
    passphrase: str = ""
    root: str = ""
    known_hosts: str = ""
    host_key: str = ""
    timeout_seconds: float = 60

    def connect(self) -> Connector:
        """The server; relative names of files start at Waybill's home folder."""
        from resources.connectors.sftp.connector import SftpConnector
        from resources.connectors.sftp.settings import SftpSettings

        return SftpConnector(
            SftpSettings(
                name=self.connector_name,
                host=self.host,
                port=self.port,
                username=self.username,
                password=lambda: self.password,
                private_key=lambda: self.private_key,
                private_key_file=_file(self.private_key_file),
                passphrase=lambda: self.passphrase,
                root=self.root,
                known_hosts=_file(self.known_hosts),
                host_key=self.host_key,
                timeout_seconds=self.timeout_seconds,
            )
        )

    def place(self, declared: Mapping[str, str]) -> Place:
        """Host and root."""
        port = f":{self.port}" if self.port != 22 else ""
        return Place("sftp", f"sftp://{declared['host']}{port}/{declared['root'].lstrip('/')}")


class SftpConnectorComponent(ConnectorComponent):
    """A folder of an SFTP server whose key is known."""

    examples: ClassVar[tuple[str, ...]] = (
        """\
name: supplier
host: sftp.example.com
username: shop
password: {env: SUPPLIER_PASSWORD}   # the name of a variable
host_key: SHA256:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG
root: outgoing
""",
        """\
name: partner
host: files.example.org
port: 2222
username: waybill
private_key_file: keys/partner
passphrase: {env: PARTNER_PASSPHRASE}
known_hosts: keys/known_hosts
timeout_seconds: 120
description: Monthly statements
""",
        """\
name: bank
host: sftp.bank.example
username: waybill
private_key: {env: BANK_PRIVATE_KEY}
known_hosts: keys/known_hosts
""",
    )

    host: str
    """Name or address of the server."""
    port: int = 22
    """Its port."""
    username: str
    """The account on the server."""
    password: Secret = None
    """Its password: `{env: NAME}`, the name of an environment variable."""
    private_key: Secret = None
    """`{env: NAME}` of a variable that holds the text of a private key."""
    private_key_file: str = ""
    """A file with the private key, instead."""
    passphrase: Secret = None
    """`{env: NAME}`: of the private key."""
    root: str = ""
    """The folder that paths start from: absolute, or below the folder that the account starts in."""
    known_hosts: str = ""
    """A file as OpenSSH keeps it, with the server's key."""
    host_key: str = ""
    """The server's key itself: `SHA256:...`, or the line `ssh-ed25519 AAAA...`."""
    timeout_seconds: float = 60
    """The longest silence of the server."""

    @property
    def kind(self) -> str:
        """SFTP."""
        return "sftp"

    def resource(self, where: str) -> ConnectorResource:
        """The server's resource."""
        return SftpConnectorResource(
            connector_name=self.name,
            host=self.host,
            port=self.port,
            username=self.username,
            password=secret_value(self.password, "password", where),
            private_key=secret_value(self.private_key, "private_key", where),
            private_key_file=self.private_key_file,
            passphrase=secret_value(self.passphrase, "passphrase", where),
            root=self.root,
            known_hosts=self.known_hosts,
            host_key=self.host_key,
            timeout_seconds=self.timeout_seconds,
        )


def _file(path: str) -> str:
    return str(from_home(path)) if path else ""
