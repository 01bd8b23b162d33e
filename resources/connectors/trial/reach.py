"""The way to a server, step by step: name, port, TLS. What a connection test shows before the system itself is asked (F036).

Here: what every network connector shares. Not here: signing in and rights, which each system does in its own way.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from resources.kernel.records import CheckStep

TIMEOUT_SECONDS = 10.0
_SHOWN_ADDRESSES = 3


def try_to_reach(
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Iterator[CheckStep]:
    """Name resolution, port and, with a context, TLS; the first step that fails is the last.

    Sends nothing but a TLS greeting, and no credentials.
    """
    resolved = _resolve(host, port)
    yield resolved
    if not resolved.ok:
        return
    try:
        connection = socket.create_connection((host, port), timeout_seconds)
    except OSError as error:
        yield CheckStep("port", False, f"{host}:{port}: {_plain(error)}")
        return
    with connection:
        yield CheckStep("port", True, f"{connection.getpeername()[0]}:{port} answers")
        if tls is not None:
            yield _greet(connection, host, tls)


def try_url(
    url: str, *, tls: ssl.SSLContext | None = None, timeout_seconds: float = TIMEOUT_SECONDS
) -> Iterator[CheckStep]:
    """The same for an address of http or https; where the process has a proxy for it, the way to the proxy."""
    parts = urlsplit(url)
    host, scheme = parts.hostname or "", parts.scheme
    proxy = "" if proxy_bypass(host) else getproxies().get(scheme, "")
    if proxy:
        way = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, port = way.hostname or "", way.port or 80
        for step in try_to_reach(host, port, timeout_seconds=timeout_seconds):
            yield CheckStep(f"proxy {step.name}", step.ok, step.detail)
        return
    port = parts.port or (443 if scheme == "https" else 80)
    context = (tls or ssl.create_default_context()) if scheme == "https" else None
    yield from try_to_reach(host, port, tls=context, timeout_seconds=timeout_seconds)


def _resolve(host: str, port: int) -> CheckStep:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return CheckStep("name resolution", False, f"{host!r} is not known here: {_plain(error)}")
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    more = f" and {len(addresses) - _SHOWN_ADDRESSES} more" * (len(addresses) > _SHOWN_ADDRESSES)
    return CheckStep(
        "name resolution", True, f"{host} is {', '.join(addresses[:_SHOWN_ADDRESSES])}{more}"
    )


def _greet(connection: socket.socket, host: str, context: ssl.SSLContext) -> CheckStep:
    try:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            return CheckStep("TLS", True, f"{secured.version()}, the certificate holds for {host}")
    except ssl.SSLCertVerificationError as error:
        return CheckStep("TLS", False, f"the certificate is refused: {error.verify_message}")
    except OSError as error:
        return CheckStep("TLS", False, f"no TLS there: {_plain(error)}")


def _plain(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer within the time limit"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text)[:160]
