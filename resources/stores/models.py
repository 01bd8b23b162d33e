"""Models as versioned files: the model's own bytes and the card that describes it.

What the bytes mean is not known here: `assets/models/persist.py` makes and reads them. Damage on the way or on
disk is found here, by size and SHA-256 (E53, E55).
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from resources.kernel.errors import IntegrityError
from resources.kernel.keys import Key
from resources.kernel.records import StoredVersion
from resources.stores.storage import storage_error
from resources.stores.versions import VersionedItem, VersionStore

MODEL_FILE = "model.skops"
CARD_FILE = "card.json"


@dataclass(frozen=True)
class StoredModel:
    """One version of a model, as it was kept."""

    version: StoredVersion
    model: bytes
    card: bytes


class ModelStore:
    """Models in a version store."""

    def __init__(self, versions: VersionStore) -> None:
        self._versions = versions

    def item(self, key: Key) -> VersionedItem:
        """The model's versions."""
        return self._versions.item(key)

    def publish(
        self,
        key: Key,
        *,
        model: bytes,
        card: bytes,
        run_id: str,
        attempt: int = 0,
        properties: dict[str, object] | None = None,
    ) -> StoredVersion:
        """Keeps a model as the newest version; once a run, however often it is retried (R3).

        Raises:
            StorageError: the store is full or read-only; the previous version stays the newest.
        """
        with self._versions.item(key).publisher(run_id, attempt) as publisher:
            for name, content in ((MODEL_FILE, model), (CARD_FILE, card)):
                path = publisher.new_file(name)
                try:
                    path.write_bytes(content)
                except OSError as error:
                    raise storage_error(error, path, "writing") from error
                publisher.seal(path)
            return publisher.publish(properties=properties or {})

    def load(self, key: Key, version: int | None = None) -> StoredModel:
        """The newest version, or a given one.

        Raises:
            NotFoundError: the model has no such version.
            GoneError: the version existed and was collected (E51).
            IntegrityError: a file is damaged or missing (E53).
        """
        item = self._versions.item(key)
        if version is not None:
            return _read(item, item.version(version))
        return item.read_latest(lambda newest: _read(item, newest))


def _read(item: VersionedItem, version: StoredVersion) -> StoredModel:
    by_name = {file.path.rpartition("/")[2]: file for file in version.files}
    if set(by_name) != {MODEL_FILE, CARD_FILE}:
        raise IntegrityError(
            f"Version {version.number} of {item.name} does not hold a model and its card",
            hint="Train the model again",
            files=sorted(by_name),
        )
    with ExitStack() as stack:
        paths = {
            name: stack.enter_context(item.local_file(version, file))
            for name, file in by_name.items()
        }
        return StoredModel(version, paths[MODEL_FILE].read_bytes(), paths[CARD_FILE].read_bytes())
