"""Numbered immutable versions of anything that is kept as files: tables, models, embeddings (2a).

```
<root>/<key parts>/v/00000000000000000012.json            manifest: the only thing that makes files a version
<root>/<key parts>/data/<run id>-<attempt>/part-00000.parquet
```
A version in partitions names files of earlier runs, too: `partitions.py`.
Plain files: without Waybill, read the manifest or just the folder. Tables are `tables.py`; the writer's
protocol is `publish.py`; removal is `collect.py`; where the files lie is `local.py` and `remote.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from resources.kernel.errors import (
    ConfigError,
    GoneError,
    NotFoundError,
)
from resources.kernel.keys import Key
from resources.kernel.records import StoredFile, StoredVersion
from resources.stores.collect import DEFAULT_GRACE, DEFAULT_KEEP, CollectReport, collect
from resources.stores.looking import LookedAtFiles, absent_file, damaged_file, missing_version
from resources.stores.manifest import Manifest
from resources.stores.manifest_log import RESTARTS, ManifestLog
from resources.stores.open_storage import open_storage
from resources.stores.publish import Publisher
from resources.stores.removal import Removal, read_removal, remove_versions
from resources.stores.restoring import restore_version
from resources.stores.storage import LocalFile, Mark, Storage, sizes_in
from resources.stores.tagging import Tagging

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
T = TypeVar("T")


class VersionStore:
    """All versioned items under one root. Building it touches nothing."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @classmethod
    def open(cls, url: str, storage_options: Mapping[str, Any] | None = None) -> Self:
        """The store at a local path, `file://`, `s3://` or `gs://`.

        Args:
            url: the root.
            storage_options: for the fsspec file system of a remote store: endpoint, credentials.

        Raises:
            StorageError: a protocol without an exclusive create (E52).
        """
        return cls(open_storage(url, storage_options or {}))

    @property
    def url(self) -> str:
        """The root, for messages."""
        return self._storage.url

    def item(self, key: Key) -> VersionedItem:
        """The item of a key, whether it has versions or not."""
        for part in key:
            if not _PART.fullmatch(part):
                raise ConfigError(
                    f"{part!r} cannot be part of a key in the store",
                    hint="Use letters, digits, '_', '.' and '-', a letter, digit or '_' first",
                )
        if not key:
            raise ConfigError("An item of the store needs a key of at least one part")
        return VersionedItem(ManifestLog(self._storage, tuple(key)))

    def marks(self, keys: Collection[Key]) -> dict[Key, Mark]:
        """For each key a text that changes whenever a version is made or removed: cheap, no manifest is read.

        Raises:
            ConnectorError: the store does not answer.
        """
        items = {"/".join(key): key for key in keys}
        return {items[path]: mark for path, mark in self._storage.marks(list(items)).items()}

    def remove(self, key: Key, *, by: str = "", with_tags: bool = False) -> CollectReport:
        """Removes every version of an item and its data at once; see `resources.stores.removal`."""
        log = ManifestLog(self._storage, self.item(key).key)
        return remove_versions(log, by=by, with_tags=with_tags)

    def removal(self, key: Key) -> Removal | None:
        """When and by whom all versions were removed, where that is the last that happened; None elsewhere."""
        return read_removal(ManifestLog(self._storage, self.item(key).key))

    def keys(self, prefix: Key = ()) -> list[Key]:
        """Keys under `prefix` that have at least one version, in order."""
        return [tuple(path.split("/")) for path in self._storage.items("/".join(prefix))]


class VersionedItem:
    """One thing and its versions."""

    def __init__(self, log: ManifestLog) -> None:
        self._log = log

    @property
    def key(self) -> Key:
        """Its key in the store."""
        return self._log.key

    @property
    def name(self) -> str:
        """What messages call it."""
        return self._log.name

    @property
    def keeps_local_files(self) -> bool:
        """Whether local files stay after `local_files` ends, because they are the store's own."""
        return self._log.storage.is_local

    def numbers(self) -> list[int]:
        """Numbers of its versions, ascending: one listing whatever the length of the history."""
        return self._log.numbers()

    def versions(self, newest: int | None = None) -> list[Manifest]:
        """Its versions, ascending: all of them, or only the `newest` so many (cheap on a long history).

        One whose manifest is damaged is left out; `version` says what is wrong with it.
        """
        numbers = self._log.numbers()
        manifests, _ = self._log.read_undamaged(
            numbers if newest is None else numbers[max(len(numbers) - newest, 0) :]
        )
        return manifests

    def latest(self) -> Manifest | None:
        """The newest version; None when there is none: one listing and one read.

        Raises:
            IntegrityError: its manifest is damaged: an older version is never passed off as the newest.
        """
        return self._log.latest()

    def version(self, number: int) -> Manifest:
        """A version by its number.

        Raises:
            GoneError: it existed and has been collected (E51).
            NotFoundError: it never was.
            IntegrityError: its manifest is damaged.
        """
        manifest = self._log.read(number) if number > 0 else None
        if manifest is None:
            raise self._missing(number)
        return manifest

    def read_latest(self, use: Callable[[Manifest], T]) -> T:
        """`use` of the newest version; again with a newer one when that is collected meanwhile (2a, E51).

        Raises:
            NotFoundError: there is no version.
            GoneError: each of five versions was collected while it was used.
        """
        for left in reversed(range(RESTARTS)):
            manifest = self.latest()
            if manifest is None:
                raise self._missing(None)
            try:
                return use(manifest)
            except GoneError:
                if not left:
                    raise
        raise AssertionError("unreachable: the last turn returns or raises")

    def publisher(self, run_id: str, attempt: int = 0, *, sealers: int = 1) -> Publisher:
        """A context manager that writes a new version, of which `sealers` files are sealed at once."""
        return Publisher(self._log, run_id, attempt, sealers=sealers)

    @contextmanager
    def local_files(self, version: StoredVersion) -> Iterator[list[Path]]:
        """All files of a version as local ones, size and SHA-256 checked, in order.

        Raises:
            IntegrityError: a file is damaged or missing (E53).
            GoneError: the version was collected meanwhile (E51).
        """
        with ExitStack() as stack:
            yield [stack.enter_context(self.local_file(version, file)) for file in version.files]

    @contextmanager
    def local_file(self, version: StoredVersion, file: StoredFile) -> Iterator[Path]:
        """One file of a version as a local one; see `local_files`."""
        with self._log.storage.local_file(self._log.item_path(file.path), file.sha256) as found:
            self._verify(version, file, found)
            assert found is not None  # noqa: S101 - for the type checker: `_verify` raises
            yield found.path

    def has_files(self, version: StoredVersion) -> bool:
        """Whether all files of a version are there; none is read."""
        sizes: dict[str, dict[str, int]] = {}
        for file in version.files:
            folder, _, name = self._log.item_path(file.path).rpartition("/")
            if folder not in sizes:
                sizes[folder] = sizes_in(self._log.storage, folder)
            if name not in sizes[folder]:
                return False
        return True

    def drop_files(self, versions: Iterable[StoredVersion]) -> None:
        """Removes the data of versions whose record stays; for items whose versions share no files."""
        there = self._log.storage.data_folders(self._log.data_path)
        for name in {file.path.split("/")[1] for version in versions for file in version.files}:
            if name in there:
                self._log.storage.remove_folder(f"{self._log.data_path}/{name}")

    def collect(
        self,
        keep: int = DEFAULT_KEEP,
        grace: timedelta = DEFAULT_GRACE,
        *,
        keep_days: float = 0,
        wanted: Collection[int] = (),
    ) -> CollectReport:
        """Removes old versions and leftovers; see `resources.stores.collect`."""
        kept = timedelta(days=keep_days)
        return collect(self._log, keep=keep, grace=grace, keep_for=kept, wanted=wanted)

    @property
    def tagging(self) -> Tagging:
        """Its tags and pins."""
        return Tagging(self._log)

    def restore(self, number: int, *, run_id: str, by: str = "") -> Manifest:
        """A new version with what an earlier one holds; see `resources.stores.restoring`."""
        return restore_version(self._log, number, run_id=run_id, by=by)

    @property
    def looking(self) -> LookedAtFiles:
        """Its files as they lie there, for a look at a few rows: not hashed."""
        return LookedAtFiles(self._log)

    def _verify(self, version: StoredVersion, file: StoredFile, found: LocalFile | None) -> None:
        if found is None:
            raise absent_file(self._log, version, file)
        if found.size_bytes != file.size_bytes:
            reason = f"{found.size_bytes} of {file.size_bytes} bytes"
        elif found.sha256 != file.sha256:
            reason = "its SHA-256 differs from the manifest's"
        else:
            return
        raise damaged_file(self._log, version, file, reason)

    def _missing(self, number: int | None) -> NotFoundError:
        return missing_version(self._log, number)
