"""A bucket through fsspec, in the words of `remote.py`: paths, listings, a conditional create, errors that are named."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorUnavailableError,
    StorageError,
    WaybillError,
)

_PROBE = "_exclusive_create_probe"
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class Bucket:
    """A bucket or a prefix in one, opened when it is first needed."""

    def __init__(self, protocol: str, root: str, url: str, options: dict[str, Any]) -> None:
        self.url = url
        self._protocol = protocol
        self._root = root
        self._options = options
        self._lock = threading.Lock()
        self._opened: Any = None
        self._proven = False

    @property
    def _fs(self) -> Any:
        """Opened at the first use, so that a store costs nothing until then."""
        with self._lock:
            if self._opened is None:
                self._opened = _open(self._protocol, self._options)
            return self._opened

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def _list(self, folder: str) -> list[dict[str, Any]]:
        with self._translated("listing", folder):
            try:
                return list(self._fs.ls(self._full(folder), detail=True, refresh=True))
            except FileNotFoundError:
                return []

    def _find(self, folder: str, prefix: str = "") -> dict[str, dict[str, Any]]:
        with self._translated("listing", folder):
            try:
                return dict(self._fs.find(self._full(folder), detail=True, prefix=prefix))
            except FileNotFoundError:
                return {}

    def _create(self, path: str, data: bytes) -> bool:
        with self._translated("writing", path):
            try:
                self._fs.pipe_file(self._full(path), data, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if _code(error) not in _TAKEN:
                    raise
                return False
        return True

    def _prove(self) -> None:
        """Writes a probe that must be refused the second time (E52); it stays, so later proofs are one request."""
        if self._proven:
            return
        try:
            refused = not self._create(_PROBE, b"") or not self._create(_PROBE, b"")
        except StorageError as error:
            if error.facts.get("code") != "NotImplemented":
                raise
            refused = False
        if not refused:
            raise StorageError(
                f"{self.url}: this store cannot create a file exclusively;"
                " datasets would be unsafe here",
                hint="It ignores conditional writes: use AWS S3, another S3 store that honours"
                " If-None-Match, GCS, or a local folder",
                url=self.url,
            )
        self._proven = True

    def _remove(self, paths: Iterable[str]) -> None:
        for full in paths:
            with self._translated("removing"):
                try:
                    self._fs.rm_file(full)
                except FileNotFoundError:
                    continue

    @contextmanager
    def _translated(self, doing: str, path: str = "") -> Iterator[None]:
        where = f"{self.url.rstrip('/')}/{path}" if path else self.url
        try:
            yield
        except WaybillError:
            raise
        except Exception as error:
            raise _explain(error, where, doing) from error


def _open(protocol: str, options: dict[str, Any]) -> Any:
    import fsspec

    return fsspec.filesystem(protocol, use_listings_cache=False, **options)


def _explain(error: Exception, where: str, doing: str) -> WaybillError:
    code, kind = _code(error), type(error).__name__
    if isinstance(error, PermissionError) or kind == "NoCredentialsError":
        return ConnectorAuthError(
            f"The store refused the credentials while {doing} {where} ({code or kind})",
            hint="Check the store's key and its rights to list, read, write and delete there",
        )
    if isinstance(error, FileNotFoundError):
        return StorageError(
            f"The bucket or prefix of {where} does not exist ({code or kind})",
            hint="Create the bucket, or correct the store's URL",
        )
    if isinstance(error, TimeoutError | ConnectionError) or "Connect" in kind or "Timeout" in kind:
        return ConnectorUnavailableError(
            f"The store could not be reached while {doing} {where} ({kind})",
            hint="Earlier versions are untouched; run it again when the store answers",
        )
    return StorageError(
        f"The store failed while {doing} {where} ({code or kind})",
        hint="Earlier versions are untouched; see the cause below, then run it again",
        code=code,
    )


def _code(error: BaseException) -> str:
    """The service's own code for an error, as botocore keeps it in the cause."""
    response = getattr(error.__cause__, "response", None) or getattr(error, "response", None)
    return str(response["Error"].get("Code", "")) if isinstance(response, dict) else ""


def is_empty(error: BaseException) -> bool:
    """Whether a range was refused because the object has no byte."""
    status = str(getattr(error, "code", ""))
    return _code(error) in {"InvalidRange", "416"} or status == "416"


def name_of(info: dict[str, Any]) -> str:
    """The last part of a listed name."""
    return str(info["name"]).rpartition("/")[2]


def modified_at(info: dict[str, Any]) -> datetime:
    """When an object was written. S3 calls it LastModified, GCS mtime or updated, as time or text."""
    value = info.get("LastModified") or info.get("mtime") or info.get("updated")
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        return datetime.now(UTC)  # unknown age counts as new: nothing is collected too early
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
