"""Addresses that a connector's YAML may give."""

from __future__ import annotations

import contextlib
from urllib.parse import SplitResult, urlsplit

from resources.kernel.errors import ConfigError


def check_endpoint(name: str, url: str | None) -> str | None:
    """`url` if it is an address and nothing else: it stands in errors, so it may hold no password."""
    if not url:
        return None
    parts = _split(url)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
    ):
        raise ConfigError(
            f"connector {name!r}: `endpoint_url:` is not a plain http or https address",
            hint="Give scheme, host and port, as in 'https://minio.example.com:9000'; keys have fields of their own",
        )
    return url.rstrip("/")


def _split(url: str) -> SplitResult | None:
    with contextlib.suppress(ValueError):  # half an address, or a port that is none
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    return None
