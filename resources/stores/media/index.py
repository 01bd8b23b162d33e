"""What a writer knows: the objects that were there when it first looked, and those that its version needs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from resources.stores.media.names import MediaObject, folder_of, object_name, parse_name
from resources.stores.storage import Storage

_HASH, _EPOCH, _RECORD = 32, 4, 44
_EPOCH_BITS, _EPOCHS = 24, (1 << 24) - 1


class ObjectIndex:
    """Objects that are there, 44 bytes each. Folders are listed once, when something in them is asked for.

    What others add later is not seen. That costs an upload of the same bytes under the same name, nothing else.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._folders: dict[str, bytes] = {}

    def find(self, sha256: str) -> list[MediaObject]:
        """Objects of this content, the newest name last."""
        folder = folder_of(sha256)
        if folder not in self._folders:
            self._folders[folder] = self._load(folder)
        records, digest = self._folders[folder], bytes.fromhex(sha256)
        places = range(0, len(records), _RECORD)
        i = bisect_left(places, digest, key=lambda at: records[at : at + _HASH])
        found = []
        while i < len(places) and records.startswith(digest, places[i]):
            found.append(_object(sha256, records[places[i] : places[i] + _RECORD]))
            i += 1
        return found

    def _load(self, folder: str) -> bytes:
        records = []
        for file in self._storage.listing(folder):
            if (parsed := parse_name(file.name)) is not None:
                sha256, epoch = parsed
                facts = epoch.to_bytes(_EPOCH) + file.size_bytes.to_bytes(8)
                records.append(bytes.fromhex(sha256) + facts)
        return b"".join(sorted(records))


class HeldObjects:
    """Objects that a writer's version needs: a hash and a number for each, for half a million have to fit."""

    def __init__(self) -> None:
        self._facts: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, found: MediaObject) -> None:
        """Counts an object; once is enough."""
        parsed = parse_name(found.name)
        assert parsed is not None  # noqa: S101 - for the type checker: names are made by `object_name`
        self._facts[bytes.fromhex(found.sha256)] = found.size_bytes << _EPOCH_BITS | parsed[1]

    def find(self, sha256: str) -> MediaObject | None:
        """The object of this content, if it was counted."""
        facts = self._facts.get(bytes.fromhex(sha256))
        if facts is None:
            return None
        return MediaObject(sha256, facts >> _EPOCH_BITS, object_name(sha256, facts & _EPOCHS))

    def names(self) -> Iterator[str]:
        """All names, in order."""
        for digest in sorted(self._facts):
            yield object_name(digest.hex(), self._facts[digest] & _EPOCHS)

    @property
    def size_bytes(self) -> int:
        """Bytes of all together."""
        return sum(facts >> _EPOCH_BITS for facts in self._facts.values())


def _object(sha256: str, record: bytes) -> MediaObject:
    epoch = int.from_bytes(record[_HASH : _HASH + _EPOCH])
    return MediaObject(sha256, int.from_bytes(record[_HASH + _EPOCH :]), object_name(sha256, epoch))
