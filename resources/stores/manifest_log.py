"""The numbered manifests of one item: list, read, append. Who may append when is `publish.py`'s business."""

from __future__ import annotations

from collections.abc import Iterable

from resources.kernel.errors import IntegrityError
from resources.kernel.keys import Key
from resources.stores.manifest import (
    Manifest,
    decode_manifest,
    encode_manifest,
    manifest_name,
    manifest_number,
)
from resources.stores.storage import Storage


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
    def data_path(self) -> str:
        """Folder of the data folders."""
        return f"{self.path}/data"

    def numbers(self) -> list[int]:
        """Numbers of the versions there are, ascending: one listing, no manifest is read."""
        found = (manifest_number(name) for name in self.storage.names(f"{self.path}/v"))
        return sorted(number for number in found if number is not None)

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
        manifests, damage = [], []
        for path, data in self.storage.read_many(paths).items():
            try:
                manifest = decode_manifest(
                    data, number=paths[path], where=self.storage.locate(path)
                )
            except IntegrityError as error:
                damage.append(error)
            else:
                manifests.append(manifest)
        return sorted(manifests, key=lambda manifest: manifest.number), damage

    def create(self, manifest: Manifest) -> bool:
        """Appends a version: the commit point. False when its number was taken."""
        return self.storage.create(self._path(manifest.number), encode_manifest(manifest))

    def remove(self, number: int) -> None:
        """Takes a version back."""
        self.storage.remove(self._path(number))

    def item_path(self, path: str) -> str:
        """A path of a manifest, which is relative to the item, as a path of the storage."""
        return f"{self.path}/{path}"

    def _path(self, number: int) -> str:
        return f"{self.path}/v/{manifest_name(number)}"
