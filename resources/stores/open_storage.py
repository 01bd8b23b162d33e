"""From a URL to a storage: which protocols may hold versions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from resources.kernel.errors import ConfigError, StorageError
from resources.stores.local import LocalStorage
from resources.stores.remote import RemoteStorage
from resources.stores.storage import Storage

_LOCAL = {"file", "local"}
_REMOTE = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


def open_storage(url: str, options: Mapping[str, Any]) -> Storage:
    """The storage behind `url`; nothing is touched yet.

    Raises:
        StorageError: a protocol that cannot create a file exclusively, or was never proven to (E52).
        ConfigError: no bucket, or an empty URL.
    """
    protocol, separator, rest = url.partition("://")
    if not separator:
        return _local(url)
    if "::" in protocol or "::" in rest:
        raise ConfigError(
            f"{url!r}: chained URLs cannot hold versions", hint="Give the store itself"
        )
    if protocol in _LOCAL:
        return _local(unquote(rest))
    if protocol in _REMOTE:
        root = rest.strip("/")
        if not root:
            raise ConfigError(f"{url!r} names no bucket", hint="Write s3://bucket/prefix")
        return RemoteStorage(_REMOTE[protocol], root, url, dict(options))
    raise StorageError(
        f"{protocol}:// cannot hold datasets: this store cannot create a file exclusively;"
        " datasets would be unsafe here",
        hint="Use a local folder, s3:// or gs://",
        protocol=protocol,
    )


def _local(path: str) -> Storage:
    if not path.strip():
        raise ConfigError("The store's URL is empty", hint="Give a folder, s3:// or gs://")
    return LocalStorage(Path(path).expanduser().absolute())
