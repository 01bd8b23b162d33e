"""Versions in a bucket: S3 or GCS through fsspec, with the store's own conditional create.

Nothing is ever streamed through `with fs.open(path, "wb")`: an exception inside it would publish the cut object.
Files are written to local disk, then put, then their size is checked (2a).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorUnavailableError,
    StorageError,
    WaybillError,
)
from resources.scratch import ScratchFolder
from resources.stores.storage import LocalFile, Storage

_OWNER = "_owner"
_PROBE = "_exclusive_create_probe"
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class RemoteStorage(Storage):
    """A bucket, or a prefix in one."""

    is_local: ClassVar[bool] = False

    def __init__(self, protocol: str, root: str, url: str, options: dict[str, Any]) -> None:
        self.url = url
        self._protocol = protocol
        self._root = root
        self._staging: dict[Path, ScratchFolder] = {}
        self._options = options
        self._lock = threading.Lock()
        self._opened: Any = None
        self._proven = False
        # s3fs asks for the size of what it may read in pieces: a request more for every small file.
        self._whole = {"max_concurrency": 1} if protocol == "s3" else {}

    def names(self, folder: str) -> list[str]:
        """See `Storage.names`."""
        return [_name(info) for info in self._list(folder) if info["type"] == "file"]

    def read_many(self, paths: Iterable[str], first_bytes: int | None = None) -> dict[str, bytes]:
        """All of them at once: a hundred manifests cost little more than one."""
        wanted = list(paths)
        if not wanted:
            return {}
        full = [self._full(path) for path in wanted]
        with self._translated("reading"):
            start = None if first_bytes is None else 0
            found = self._fs.cat_ranges(full, start, first_bytes, on_error="return", **self._whole)
        content = {}
        for path, data in zip(wanted, found, strict=True):
            if isinstance(data, bytes):
                content[path] = data
            elif _is_empty(data):
                content[path] = b""
            elif not isinstance(data, FileNotFoundError):
                with self._translated("reading", path):
                    raise data
        return content

    def create(self, path: str, data: bytes) -> bool:
        """One PUT with `If-None-Match: *` (S3) or `ifGenerationMatch=0` (GCS), once a probe has proven it."""
        self._prove()
        return self._create(path, data)

    def claim_folder(self, path: str) -> bool:
        """Buckets have no folders: an object says whose it is, and since when."""
        return self.create(f"{path}/{_OWNER}", b"")

    def staging_folder(self, path: str) -> Path:
        """A temporary folder: objects appear whole or not at all."""
        del path
        folder = ScratchFolder("store")
        self._staging[folder.path] = folder
        return folder.path

    def release_staging(self, folder: Path) -> None:
        """See `Storage.release_staging`."""
        self._staging.pop(folder).cleanup()

    def store(self, path: str, local: Path, sha256: str) -> None:
        """See `Storage.store`."""
        del sha256
        size = local.stat().st_size
        with self._translated("writing", path):
            self._fs.put_file(str(local), self._full(path))
            stored = self._fs.info(self._full(path))["size"]
        if stored != size:
            raise ConnectorUnavailableError(
                f"The upload of {self.locate(path)} was cut off after {stored} of {size} bytes",
                hint="Nothing was published; run it again",
            )
        local.unlink()

    def sizes(self, folder: str) -> dict[str, int]:
        """See `Storage.sizes`."""
        return {_name(info): info["size"] for info in self._list(folder) if info["type"] == "file"}

    @contextmanager
    def local_file(self, path: str, sha256: str) -> Iterator[LocalFile | None]:
        """A download, hashed, removed when the context ends."""
        with ScratchFolder("store") as scratch:
            target = scratch.path / path.rpartition("/")[2]
            yield self._download(path, target, sha256)

    def data_folders(self, path: str) -> dict[str, datetime]:
        """See `Storage.data_folders`."""
        found: dict[str, datetime] = {}
        start = self._full(path)
        for full, info in self._find(path).items():
            name = full.removeprefix(start).strip("/").partition("/")[0]
            found[name] = max(found.get(name, _modified(info)), _modified(info))
        return found

    def remove(self, path: str) -> None:
        """See `Storage.remove`."""
        self._remove([self._full(path)])

    def remove_folder(self, path: str) -> int:
        """See `Storage.remove_folder`."""
        found = self._find(path)
        # The owner's mark goes last: a removal that is cut off leaves a folder that nobody takes for free.
        self._remove(sorted(found, key=lambda full: full.endswith(f"/{_OWNER}")))
        return sum(info["size"] for info in found.values())

    def remove_unfinished(self, item: str, before: datetime) -> None:
        """Aborts multipart uploads that killed writers left: invisible, but paid for (S3 only)."""
        if self._protocol != "s3":
            return
        bucket = self._root.partition("/")[0]
        prefix = self._full(item).removeprefix(f"{bucket}/") + "/"
        with self._translated("cleaning", item):
            for upload in self._fs.list_multipart_uploads(bucket):
                if upload["Key"].startswith(prefix) and upload["Initiated"] <= before:
                    self._fs.abort_mpu(bucket, upload["Key"], upload["UploadId"])

    def items(self, prefix: str) -> list[str]:
        """See `Storage.items`."""
        found = set()
        for full in self._find(prefix):
            item, _, name = full.removeprefix(f"{self._root}/").rpartition("/v/")
            if item and name.endswith(".json") and "/" not in name:
                found.add(item)
        return sorted(found)

    @property
    def _fs(self) -> Any:
        """Opened by whoever needs it first, so that a store costs nothing until then."""
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

    def _find(self, folder: str) -> dict[str, dict[str, Any]]:
        with self._translated("listing", folder):
            try:
                return dict(self._fs.find(self._full(folder), detail=True))
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

    def _download(self, path: str, target: Path, sha256: str) -> LocalFile | None:
        with self._translated("reading", path):
            try:
                self._fs.get_file(self._full(path), str(target))
                with target.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                    got = file.seek(0, 2)
                if digest != sha256:  # damaged there, or cut off on the way (E5)?
                    size = self._fs.info(self._full(path), refresh=True)["size"]
            except FileNotFoundError:
                return None
        if digest != sha256 and got != size:
            raise ConnectorUnavailableError(
                f"The download of {self.locate(path)} was cut off after {got} of {size} bytes",
                hint="Run it again",
            )
        return LocalFile(target, got, digest)

    def _remove(self, paths: Iterable[str]) -> None:
        for full in paths:
            with self._translated("removing"):
                try:
                    self._fs.rm_file(full)
                except FileNotFoundError:
                    continue

    @contextmanager
    def _translated(self, doing: str, path: str = "") -> Iterator[None]:
        where = self.locate(path) if path else self.url
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


def _is_empty(error: BaseException) -> bool:
    """Whether a range was refused because the object has no byte."""
    status = str(getattr(error, "code", ""))
    return _code(error) in {"InvalidRange", "416"} or status == "416"


def _name(info: dict[str, Any]) -> str:
    return str(info["name"]).rpartition("/")[2]


def _modified(info: dict[str, Any]) -> datetime:
    """S3 calls it LastModified, GCS mtime or updated, as time or text."""
    value = info.get("LastModified") or info.get("mtime") or info.get("updated")
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        return datetime.now(UTC)  # unknown age counts as new: nothing is collected too early
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
