"""URLs of objects, as specifications of collections name them: which of them lead into a connector, and to which key.

| connector | URLs |
|---|---|
| S3 | `s3://bucket/key`; what the service's own address makes of it: `https://bucket.s3.eu-west-3.amazonaws.com/key`, `<endpoint>/bucket/key` |
| Google Cloud | `gs://bucket/key`, `https://storage.googleapis.com/bucket/key`, `<endpoint>/bucket/key` |
| SFTP, FTP | `sftp://host:port/path`, `ftp://...`, `ftps://...`; the path from where the account starts, with the connector's root in front |
| folder | `file:///absolute/path` |

A URL holds no whitespace: what a key has of it, and `%` itself, stands there as `%20` and the like; over HTTP `?` and `#` as well, else they begin a query. Here: nothing is asked of any system.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

USUAL_PORTS = {"sftp": 22, "ftp": 21, "ftps": 990}
"""What a URL of this scheme means when it names no port."""


def escaped(key: str) -> str:
    """A key as it stands in a URL: `%`, whitespace and what cannot be printed are escaped, all else is kept readable."""
    return "".join(
        c if c.isprintable() and not c.isspace() and c != "%" else quote(c, safe="") for c in key
    )


@dataclass(frozen=True)
class BucketAddresses:
    """URLs of what lies in a bucket."""

    homes: Sequence[str]
    """What stands before a key of the bucket, the usual one first: `s3://bucket/`."""
    prefix: str = ""
    """The connector's part of the bucket, without `/` at its end."""

    def key_of(self, url: str) -> str | None:
        """The key, relative to the prefix."""
        for home in self.homes:
            if url[: len(home)].lower() == home.lower() and _same_bucket(url, home):
                if home.startswith("http") and ("?" in url or "#" in url):
                    return None  # a query, perhaps a signature: no part of the key
                return _below(self.prefix, unescaped(url[len(home) :]))
        return None

    def url_of(self, key: str) -> str:
        """By the usual home."""
        return self.homes[0] + escaped(f"{self.prefix}/{key}" if self.prefix else key)


@dataclass(frozen=True)
class ServerAddresses:
    """URLs of what lies on a file server below a root.

    A user in one must be the connector's own. One with a password is never taken: it would be kept with the item.
    """

    schemes: Sequence[str]
    """The usual one first."""
    host: str
    port: int
    username: str
    root: str = ""

    def key_of(self, url: str) -> str | None:
        """The key, relative to the root."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # half an address, or a port that is none
            return None
        if parts.scheme not in self.schemes or (parts.hostname or "") != self.host.lower():
            return None
        if (port or USUAL_PORTS[parts.scheme]) != self.port or parts.password is not None:
            return None
        if parts.username is not None and unquote(parts.username) != self.username:
            return None
        path = url.partition("://")[2].partition("/")[2]  # `?` and `#` may stand in a name
        return _below(self.root.strip("/"), unescaped(path))

    def url_of(self, key: str) -> str:
        """With the port, unless it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == USUAL_PORTS[self.schemes[0]] else f":{self.port}"
        path = "/".join(filter(None, [self.root.strip("/"), key]))
        return f"{self.schemes[0]}://{host}{port}/{escaped(path)}"


@dataclass(frozen=True)
class FolderAddresses:
    """URLs of what lies in a folder, which may be named as it is or as what it leads to."""

    root: Path

    def key_of(self, url: str) -> str | None:
        """The key, relative to the root."""
        path = url[len("file://") :] if url[:8].lower() == "file:///" else ""
        for root in {str(self.root), os.path.realpath(self.root)}:
            beginning = f"{root.rstrip('/')}/"
            whole = unescaped(path)
            key = whole.removeprefix(beginning)
            if key and key != whole and not key.startswith("/"):
                return key
        return None

    def url_of(self, key: str) -> str:
        """By the root as it was given."""
        return f"file://{escaped(str(self.root).rstrip('/'))}/{escaped(key)}"


def unescaped(text: str) -> str:
    """The key behind an escaped one; a text whose escapes make no Unicode is taken as it stands."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def _same_bucket(url: str, home: str) -> bool:
    """Names of buckets differ by case where systems allow it; scheme and host never do."""
    bucket = home.rstrip("/").rpartition("/")[2]
    return url[len(home) - len(bucket) - 1 : len(home) - 1] == bucket


def _below(folder: str, path: str) -> str | None:
    if not folder:
        return path or None
    inside = path.removeprefix(f"{folder}/")
    return inside if inside and inside != path else None
