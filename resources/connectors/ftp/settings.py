"""How an FTP server is reached: its address, its account, its TLS. Refused here: what cannot be right or is not safe."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from resources.connectors.files.key_patterns import check_key
from resources.kernel.errors import ConfigError, InputError

Tls = Literal["explicit", "implicit", "none"]

MAX_CONNECTIONS = 32


@dataclass(frozen=True)
class FtpSettings:
    """Address, account and limits of an FTP server; the password is never part of a repr.

    Attributes:
        name: the connector's name, for error texts.
        port: 0 means the usual one: 21, or 990 for implicit TLS.
        root: the folder that keys start from: absolute, or below the folder that the account starts in.
        tls: `none` only where the user asked for `insecure_plain_ftp`.
        ca_file: an authority of one's own; the system's when empty.
        connections: the most sessions at once.
        timeout_seconds: the longest silence before a connection is given up (E4).
    """

    name: str
    host: str
    port: int = 0
    username: str = "anonymous"
    password: Callable[[], str] = field(default=lambda: "", repr=False)
    root: str = ""
    tls: Tls = "explicit"
    ca_file: str = ""
    connections: int = 4
    timeout_seconds: float = 60

    def __post_init__(self) -> None:
        refuse = f"connector {self.name!r}: "
        if not self.host or (any(c in self.host for c in "/@: \r\n\0") and not _is_ipv6(self.host)):
            raise ConfigError(
                refuse + "`host:` must be the name or address of a server and nothing else",
                hint="Give `host: files.example.com`; port, user and folder have fields of their own",
            )
        if not 0 <= self.port < 65_536:
            raise ConfigError(refuse + f"`port: {self.port}` is not a port", hint="Use 1 to 65535")
        if not 1 <= self.connections <= MAX_CONNECTIONS:
            raise ConfigError(refuse + f"`connections:` must be 1 to {MAX_CONNECTIONS}")
        if self.timeout_seconds <= 0:
            raise ConfigError(refuse + "`timeout_seconds:` must be more than 0")
        if any(c in self.username + self.password() for c in "\r\n\0"):
            raise ConfigError(
                refuse + "user name or password holds a line break or a NUL character",
                hint="A stray line end in the variable behind `password:`?",
            )
        if self.tls == "none" and self.ca_file:
            raise ConfigError(
                refuse + "`ca_file:` means nothing with `insecure_plain_ftp: true`",
                hint="Remove `insecure_plain_ftp:` to have TLS",
            )
        _check_root(refuse, self.root)

    @property
    def real_port(self) -> int:
        """The port to connect to."""
        return self.port or (990 if self.tls == "implicit" else 21)

    @property
    def address(self) -> str:
        """The server as texts name it."""
        return f"{self.host}:{self.real_port}"

    @property
    def facts(self) -> dict[str, str]:
        """What a test of the connection shows first."""
        return {"address": self.address, "user": self.username, "TLS": self.tls}

    def tls_context(self) -> ssl.SSLContext:
        """A context that verifies the server's certificate and name; there is no other kind here (T22).

        Raises:
            ConfigError: a `ca_file` that cannot be read, or holds no certificate.
        """
        if not self.ca_file:
            return ssl.create_default_context()
        try:
            Path(self.ca_file).read_bytes()
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            reason = (
                "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            )
            raise ConfigError(
                f"connector {self.name!r}: `ca_file:` {self.ca_file!r} cannot be used: {reason}",
                hint="Give a PEM file with the certificate of the authority",
            ) from error

    def redact(self, text: str) -> str:
        """Text of the server as it may be shown: one line, short, without the password should it be repeated there."""
        secret = self.password()
        shown = text.replace(secret, "***") if secret else text
        return "".join(c if c.isprintable() else " " for c in shown)[:160]


def _is_ipv6(host: str) -> bool:
    return set(host) <= set("0123456789abcdefABCDEF:.%") and host.count(":") >= 2


def _check_root(refuse: str, root: str) -> None:
    path = root.strip("/")
    if not path:
        return
    try:
        check_key(path)
    except InputError as error:
        raise ConfigError(f"{refuse}`root:` {error.message}", hint=error.hint) from error
    if "\r" in path or "\n" in path:
        raise ConfigError(f"{refuse}`root:` holds a line break")
