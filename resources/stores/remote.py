"""Versions in a bucket: S3 or GCS through fsspec, with the store's own conditional create.

Nothing is ever streamed through `with fs.open(path, "wb")`: an exception inside it would publish the cut object.
Files are written to local disk, then put, then their size is checked (2a).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from resources.kernel.errors import ConnectorUnavailableError
from resources.scratch import ScratchFolder
from resources.stores.bucket import Bucket, is_empty, modified_at, name_of
from resources.stores.storage import FoundFile, LocalFile, Mark, Storage

_OWNER = "_owner"


class RemoteStorage(Bucket, Storage):
    """A bucket, or a prefix in one."""

    is_local: ClassVar[bool] = False

    def __init__(self, protocol: str, root: str, url: str, options: dict[str, Any]) -> None:
        super().__init__(protocol, root, url, options)
        self._staging: dict[Path, ScratchFolder] = {}
        # s3fs asks for the size of what it may read in pieces: a request more for every small file.
        self._whole = {"max_concurrency": 1} if protocol == "s3" else {}

    def names(self, folder: str) -> list[str]:
        """See `Storage.names`."""
        return [name_of(info) for info in self._list(folder) if info["type"] == "file"]

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
            elif is_empty(data):
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

    def store(self, path: str, local: Path, sha256: str, *, is_read: bool = True) -> None:
        """See `Storage.store`."""
        del sha256, is_read
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
            found[name] = max(found.get(name, modified_at(info)), modified_at(info))
        return found

    def folders(self, folder: str) -> list[str]:
        """See `Storage.folders`."""
        return [name_of(info) for info in self._list(folder) if info["type"] == "directory"]

    def listing(self, folder: str, prefix: str = "") -> list[FoundFile]:
        """A request for each thousand files; with a prefix the service sends nothing else."""
        found = self._find(folder, prefix).values() if prefix else self._list(folder)
        return [
            FoundFile(name_of(info), info["size"], modified_at(info))
            for info in found
            if info["type"] == "file"
        ]

    def place(self, path: str, local: Path, *, replace: bool = False) -> None:
        """One upload: what lies there already is replaced by the same bytes, which no reader can tell."""
        del replace
        self.store(path, local, "")

    def read_range(self, path: str, start: int, length: int) -> bytes | None:
        """See `Storage.read_range`."""
        with self._translated("reading", path):
            try:
                data = self._fs.cat_file(self._full(path), start=start, end=start + length)
            except FileNotFoundError:
                return None
        return bytes(data)

    def remove(self, path: str) -> None:
        """See `Storage.remove`."""
        self._remove([self._full(path)])

    def remove_folder(self, path: str) -> int:
        """See `Storage.remove_folder`."""
        found = self._find(path)
        # The owner's mark goes last: a removal that is cut off leaves a folder that still counts as taken.
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

    def marks(self, items: Sequence[str]) -> dict[str, Mark]:
        """One listing of all that stands below what the items have in common, a thousand files a request."""
        wanted: dict[str, list[str]] = {item: [] for item in items}
        for prefix in sorted({item.partition("/")[0] for item in items}):
            for full in self._find(prefix):
                item, _, name = full.removeprefix(f"{self._root}/").rpartition("/v/")
                if item in wanted and "/" not in name:
                    wanted[item].append(name)
        return {
            item: Mark(f"{max(names)} {len(names)}" if names else "")
            for item, names in wanted.items()
        }

    def items(self, prefix: str) -> list[str]:
        """See `Storage.items`."""
        found = set()
        for full in self._find(prefix):
            item, _, name = full.removeprefix(f"{self._root}/").rpartition("/v/")
            if item and name.endswith(".json") and "/" not in name:
                found.add(item)
        return sorted(found)

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
