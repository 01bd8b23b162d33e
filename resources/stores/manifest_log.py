"""The numbered manifests of one item: list, read, append. Who may append when is `publish.py`'s business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from resources.kernel.errors import ConflictError, IntegrityError
from resources.kernel.keys import Key
from resources.stores.manifest import (
    Manifest,
    decode_manifest,
    decode_run_id,
    encode_manifest,
    manifest_name,
    manifest_number,
    removed_name,
    removed_number,
)
from resources.stores.retention_log import RetentionLog
from resources.stores.storage import Storage

RESTARTS = 5
"""How often a reader of the newest version starts again when it is collected under its hands (2a)."""
_HEAD_BYTES = 16_384


class ManifestLog:
    """`<item>/v/<20 digits>.json`. Order is by number alone; no clock has a say in it (E18)."""

    def __init__(self, storage: Storage, key: Key) -> None:
        self.storage = storage
        self.key = key
        self.path = "/".join(key)

    @property
    def name(self) -> str:
        """The item as messages call it: `datasets/flights`."""
        return self.path

    @property
    def retention(self) -> RetentionLog:
        """What is said of its versions: tags, pins, how far the collection has come."""
        return RetentionLog(self.storage, self.path)

    @property
    def data_path(self) -> str:
        """Folder of the data folders."""
        return f"{self.path}/data"

    def numbers(self) -> list[int]:
        """Numbers of the versions there are, ascending: one listing, no manifest is read."""
        found = (manifest_number(name) for name in self.storage.names(f"{self.path}/v"))
        return sorted(number for number in found if number is not None)

    def listed(self) -> tuple[list[int], int]:
        """Numbers of the versions, ascending, and up to which number all were removed once: one listing."""
        names = self.storage.names(f"{self.path}/v")
        numbers = sorted(n for n in map(manifest_number, names) if n is not None)
        return numbers, max((n for n in map(removed_number, names) if n is not None), default=0)

    def latest(self) -> Manifest | None:
        """The newest version; None when there is none: one listing and one read.

        Raises:
            IntegrityError: its manifest is damaged: an older version is never passed off as the newest.
            ConflictError: it was replaced and collected again and again.
        """
        for _ in range(RESTARTS):
            numbers = self.numbers()
            if not numbers:
                return None
            manifest = self.read(numbers[-1])
            if manifest is not None:
                return manifest
        raise ConflictError(
            f"{self.name}: the newest version was replaced {RESTARTS} times while it was looked up",
            hint="Read it again when fewer runs write it",
        )

    def read(self, number: int) -> Manifest | None:
        """The manifest of a version; None when it is not, or no longer, there."""
        return next(iter(self.read_many([number])), None)

    def read_many(self, numbers: Iterable[int]) -> list[Manifest]:
        """Manifests of those versions that are still there, ascending.

        Raises:
            IntegrityError: one is damaged.
            StorageError: one was written by a newer Waybill.
        """
        manifests, damage = self.read_undamaged(numbers)
        if damage:
            raise damage[0]
        return manifests

    def read_undamaged(self, numbers: Iterable[int]) -> tuple[list[Manifest], list[IntegrityError]]:
        """Manifests of those versions that are still there and whole, ascending, and what is wrong with the others.

        One damaged version must not stand in the way of the others (E53).

        Raises:
            StorageError: one was written by a newer Waybill: whatever it says counts, so nothing may go on.
        """
        paths = {self._path(number): number for number in numbers}
        return self._decode(self.storage.read_many(paths), paths)

    def run_ids(self, numbers: Iterable[int]) -> tuple[dict[int, str], list[IntegrityError]]:
        """Which run made which of those versions, and what is wrong with the manifests that do not tell.

        Of long manifests only the beginning is read: a version in a thousand partitions names a thousand files.

        Raises:
            StorageError: one was written by a newer Waybill.
        """
        paths = {self._path(number): number for number in numbers}
        found = self.storage.read_many(paths, _HEAD_BYTES)
        long = [path for path, data in found.items() if len(data) == _HEAD_BYTES]
        told = {path: decode_run_id(found[path], number=paths[path]) for path in long}
        runs = {paths[path]: run_id for path, run_id in told.items() if run_id is not None}
        whole = {path: data for path, data in found.items() if path not in told}
        whole |= self.storage.read_many(path for path in long if told[path] is None)
        manifests, damage = self._decode(whole, paths)
        return runs | {manifest.number: manifest.run_id for manifest in manifests}, damage

    def create(self, manifest: Manifest) -> bool:
        """Appends a version: the commit point. False when its number was taken."""
        return self.storage.create(self._path(manifest.number), encode_manifest(manifest))

    def remove(self, number: int) -> None:
        """Takes a version back."""
        self.storage.remove(self._path(number))

    def mark_removed(self, number: int, facts: bytes) -> bool:
        """Says that versions up to `number` are removed; False when that was said before."""
        return self.storage.create(self._mark(number), facts)

    def removal(self, number: int) -> bytes | None:
        """What the mark of a removal says."""
        return self.storage.read_many([self._mark(number)]).get(self._mark(number))

    def unmark(self, number: int) -> None:
        """Takes back the mark of a removal that a later one says as well."""
        self.storage.remove(self._mark(number))

    def _mark(self, number: int) -> str:
        return f"{self.path}/v/{removed_name(number)}"

    def item_path(self, path: str) -> str:
        """A path of a manifest, which is relative to the item, as a path of the storage."""
        return f"{self.path}/{path}"

    def _path(self, number: int) -> str:
        return f"{self.path}/v/{manifest_name(number)}"

    def _decode(
        self, found: Mapping[str, bytes], paths: Mapping[str, int]
    ) -> tuple[list[Manifest], list[IntegrityError]]:
        manifests, damage = [], []
        for path, data in found.items():
            try:
                manifest = decode_manifest(
                    data, number=paths[path], where=self.storage.locate(path)
                )
            except IntegrityError as error:
                damage.append(error)
            else:
                manifests.append(manifest)
        return sorted(manifests, key=lambda manifest: manifest.number), damage
