"""The address to answer at: loopback only, bound before anything is started."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from orchestration.server.settings import PUBLIC_URL_VARIABLE, PublicAddress
from resources.kernel.errors import ConfigError, ConflictError

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to a loopback address.

    Raises:
        ConfigError: the address is reachable from other machines (T29), or is none.
        ConflictError: something listens there.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ConfigError(
            f"waybill up answers on this machine only and does not bind to {host!r}",
            hint="Use 127.0.0.1 and put a reverse proxy with a login and TLS before it",
        )
    listener = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(address), port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConflictError(
            f"port {port} of {host} cannot be used: {error.strerror}",
            hint="Stop the program that listens there, or choose another: waybill up --port 3001",
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """What to type into a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def read_public_address(text: str) -> PublicAddress | None:
    """The address at which a reverse proxy offers the server; None where none is given.

    Raises:
        ConfigError: it is no https address of a whole host.
    """
    if not text:
        return None
    try:
        parts = urlsplit(text)
        host = parts.netloc.lower().removesuffix(":443")
    except ValueError:
        parts, host = urlsplit(""), ""
    extras = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme != "https" or extras or not _HOST.fullmatch(host):
        raise ConfigError(
            f"{PUBLIC_URL_VARIABLE} is {text!r}, which is no https address of a whole host",
            hint="Write it as https://waybill.example.com: a proxy ends TLS, and nothing else is under that name",
        )
    return PublicAddress(host, f"https://{host}")
