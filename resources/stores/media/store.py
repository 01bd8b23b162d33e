"""The media store: objects by their hash, read whole or in parts, kept by writers, removed by collections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Self

from resources.kernel.errors import IntegrityError, NotFoundError
from resources.kernel.keys import Key
from resources.kernel.records import StoredVersion
from resources.stores.collect import DEFAULT_GRACE
from resources.stores.media.claims import claim_of, open_claim
from resources.stores.media.collect import MediaCollectReport, Needed, collect_media
from resources.stores.media.names import MediaObject, checked_sha256, folder_of, parse_name
from resources.stores.media.writer import MediaWriter
from resources.stores.open_storage import open_storage
from resources.stores.publish import check_run_id
from resources.stores.storage import LocalFile, Storage


class MediaStore:
    """All objects under one root. Building it touches nothing."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @classmethod
    def open(cls, url: str, storage_options: Mapping[str, Any] | None = None) -> Self:
        """The objects of the store at a local path, `file://`, `s3://` or `gs://`; see `VersionStore.open`."""
        return cls(open_storage(url, storage_options or {}))

    def writer(self, key: Key, *, run_id: str, attempt: int = 0) -> MediaWriter:
        """A context manager that keeps objects for a version of `key`.

        Raises:
            InputError: the run id cannot be part of a path.
        """
        check_run_id(run_id)
        return MediaWriter(self._storage, key, run_id, attempt)

    def find(self, sha256: str) -> MediaObject | None:
        """The object with this hash; None when there is none."""
        return next(iter(self._found(sha256)), None)

    @contextmanager
    def local_file(self, sha256: str) -> Iterator[Path]:
        """An object as a local file, its size and hash checked; a remote one is copied while the context lives.

        Raises:
            NotFoundError: it is not there.
            IntegrityError: its bytes are others by now (E53).
        """
        damage: IntegrityError | None = None
        for found in self._found(sha256):
            with self._storage.local_file(found.path, sha256) as local:
                if local is None:
                    continue  # removed since it was found: there may be one with a newer name
                if local.sha256 == sha256:
                    yield local.path
                    return
                damage = self._damaged(found, local)
        raise damage or self._missing(sha256)

    @contextmanager
    def read(self, sha256: str) -> Iterator[BinaryIO]:
        """An object for reading from its start, after it was checked; see `local_file`."""
        with self.local_file(sha256) as path, path.open("rb") as stream:
            yield stream

    def read_range(self, sha256: str, start: int, length: int) -> bytes:
        """Bytes of an object from `start`, fewer where it ends. Nothing else is read, so no hash is checked.

        Raises:
            NotFoundError: it is not there.
            IntegrityError: it is shorter than it was when it was looked up.
        """
        for found in self._found(sha256):
            wanted = min(length, found.size_bytes - start)
            if wanted <= 0:
                return b""
            data = self._storage.read_range(found.path, start, wanted)
            if data is None:
                continue
            if len(data) != wanted:
                raise self._damaged(found, None)
            return data
        raise self._missing(sha256)

    @contextmanager
    def objects_of(self, key: Key, version: StoredVersion) -> Iterator[Iterator[str]]:
        """Hashes of all objects that a version refers to, in order.

        Raises:
            IntegrityError: the list is damaged or missing.
        """
        name = claim_of(version)
        if name is None:
            yield iter(())
            return
        with open_claim(self._storage, key, name) as names:
            yield (parsed[0] for parsed in map(parse_name, names) if parsed is not None)

    def holds(self, key: Key, version: StoredVersion, sha256: str) -> bool:
        """Whether a version refers to an object: looked up in its list, not read through.

        Raises:
            InputError: no SHA-256.
            IntegrityError: the list is damaged or missing.
        """
        name = claim_of(version)
        if name is None:
            return False
        with open_claim(self._storage, key, name) as names:
            return bool(names.beginning(checked_sha256(sha256)))

    def collect(
        self, grace: timedelta = DEFAULT_GRACE, *, needed: Needed = frozenset
    ) -> MediaCollectReport:
        """Removes objects that nothing needs; see the docstring of the package.

        It goes over all objects of the store, so a job of its own does it (`orchestration/kept_media.py`), and not the run that
        publishes a version.

        Args:
            grace: how old what is removed has to be.
            needed: hashes that are needed although no version claims them yet.
        """
        return collect_media(self._storage, grace=grace, needed=needed)

    def _found(self, sha256: str) -> list[MediaObject]:
        """Objects of this content, the newest name first: one listing."""
        files = self._storage.listing(folder_of(checked_sha256(sha256)), sha256)
        found = [MediaObject(sha256, f.size_bytes, f.name) for f in files if parse_name(f.name)]
        return sorted(found, key=lambda one: one.name, reverse=True)

    def _damaged(self, found: MediaObject, local: LocalFile | None) -> IntegrityError:
        if local is None:
            reason = f"it is shorter than its {found.size_bytes} bytes"
        elif local.size_bytes != found.size_bytes:
            reason = f"{local.size_bytes} of {found.size_bytes} bytes"
        else:
            reason = "its SHA-256 differs from its name"
        return IntegrityError(
            f"The object {found.sha256[:12]} is damaged: {reason}",
            hint="Import the same file again with a check of what is stored: it is replaced then",
            path=self._storage.locate(found.path),
        )

    def _missing(self, sha256: str) -> NotFoundError:
        return NotFoundError(
            f"The object {sha256[:12]} is not in {self._storage.url}",
            hint="Import the file again; its bytes were never kept here, or no version needed them",
            sha256=sha256,
        )
