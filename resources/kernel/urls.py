"""What of a URL may stand in messages, logs and metadata."""

from __future__ import annotations


def without_secrets(url: str) -> str:
    """A URL without what could be a password or a signature: user and password, and all behind its path (R10)."""
    plain = url.partition("?")[0].partition("#")[0]
    scheme, mark, rest = plain.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else plain
