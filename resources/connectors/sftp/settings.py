"""How an SFTP server is reached: its address, its account, its host key. Refused here: what cannot be right."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from resources.connectors.files.key_patterns import check_key
from resources.kernel.errors import ConfigError, InputError

_FINGERPRINT = re.compile(r"SHA256:([A-Za-z0-9+/]{43})=?")


@dataclass(frozen=True)
class SftpSettings:
    """Address, account and limits of an SFTP server; secrets are never part of a repr.

    Attributes:
        name: the connector's name, for error texts.
        root: the folder that keys start from: absolute, or below the folder that the account starts in.
        private_key: the text of a private key; `private_key_file` names a file with one.
        passphrase: of the private key.
        known_hosts: a file as OpenSSH keeps it.
        host_key: the server's key itself, as `SHA256:...` or as `ssh-ed25519 AAAA...` (T20).
        timeout_seconds: the longest silence before a connection is given up (E4).
    """

    name: str
    host: str
    port: int = 22
    username: str = ""
    password: Callable[[], str] = field(default=lambda: "", repr=False)
    private_key: Callable[[], str] = field(default=lambda: "", repr=False)
    private_key_file: str = ""
    passphrase: Callable[[], str] = field(default=lambda: "", repr=False)
    root: str = ""
    known_hosts: str = ""
    host_key: str = ""
    timeout_seconds: float = 60

    def __post_init__(self) -> None:
        refuse = f"connector {self.name!r}: "
        if not self.host or any(c in self.host for c in "/@ \r\n\0"):
            raise ConfigError(
                refuse + "`host:` must be the name or address of a server and nothing else",
                hint="Give `host: files.example.com`; port, user and folder have fields of their own",
            )
        if not 0 < self.port < 65_536:
            raise ConfigError(refuse + f"`port: {self.port}` is not a port", hint="Use 1 to 65535")
        if not self.username:
            raise ConfigError(refuse + "`username:` is missing")
        if self.timeout_seconds <= 0:
            raise ConfigError(refuse + "`timeout_seconds:` must be more than 0")
        if self.known_hosts and self.host_key:
            raise ConfigError(
                refuse + "`known_hosts:` and `host_key:` exclude each other",
                hint="Keep one of them",
            )
        if self.private_key_file and self.private_key():
            raise ConfigError(
                refuse + "`private_key:` and `private_key_file:` exclude each other",
                hint="Keep one of them",
            )
        if self.host_key and not self.pinned:
            raise ConfigError(
                refuse + "`host_key:` is neither a fingerprint nor a public key",
                hint="Write `host_key: SHA256:...` with 43 characters, or the line `ssh-ed25519 AAAA...`",
            )
        path = self.root.strip("/")
        if path:
            try:
                check_key(path)
            except InputError as error:
                raise ConfigError(f"{refuse}`root:` {error.message}", hint=error.hint) from error

    @property
    def real_port(self) -> int:
        """The port to connect to."""
        return self.port

    @property
    def address(self) -> str:
        """The server as texts name it."""
        return f"{self.host}:{self.port}"

    @property
    def facts(self) -> dict[str, str]:
        """What a test of the connection shows first."""
        return {"address": self.address, "user": self.username}

    @property
    def pinned(self) -> str:
        """The fingerprint of `host_key`; empty when there is none, or what is given is no key."""
        found = _FINGERPRINT.fullmatch(self.host_key.strip())
        if found:
            return f"SHA256:{found[1]}"
        words = self.host_key.split()
        if len(words) < 2:
            return ""
        try:
            blob = base64.b64decode(words[1], validate=True)
        except binascii.Error:
            return ""
        digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
        return f"SHA256:{digest.rstrip('=')}"

    @property
    def host_key_algorithms(self) -> tuple[str, ...]:
        """What a key given as a line must be offered as; empty when any will do."""
        words = self.host_key.split()
        if len(words) < 2:
            return ()
        return ("rsa-sha2-512", "rsa-sha2-256") if words[0] == "ssh-rsa" else (words[0],)
