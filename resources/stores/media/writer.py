"""The writer's half: receive, hash, place, claim. The order is argued in the docstring of the package."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
import uuid
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from resources.kernel.errors import GoneError, WaybillError
from resources.kernel.keys import Key
from resources.stores.media.claims import PROPERTY, claim_folder, claim_name
from resources.stores.media.condemned import WRITERS, Condemned, read_condemned
from resources.stores.media.index import HeldObjects, ObjectIndex
from resources.stores.media.names import (
    MediaObject,
    checked_sha256,
    encode_names,
    folder_of,
    object_name,
)
from resources.stores.storage import Storage, storage_error
from resources.stores.uploads import open_regular

_logger = logging.getLogger(__name__)
_CHUNK_BYTES = 1 << 20
SIGN_SECONDS = 3600.0
"""Between two signs of life of a writer; far less than the grace period of a collection."""


class MediaWriter:
    """Keeps objects for one version of an item; a context manager, for many threads at once.

    Publish inside the context, with what `claim` returns among the properties.
    """

    def __init__(self, storage: Storage, key: Key, run_id: str, attempt: int) -> None:
        self._storage = storage
        self._key = key
        self._name = f"{run_id}-{attempt}-{secrets.token_hex(6)}"
        self._index = ObjectIndex(storage)
        self._lock = threading.Lock()
        self._held = HeldObjects()
        self._staging: Path | None = None
        self._condemned = Condemned(0, {})
        self._showed_life = time.monotonic()

    def __enter__(self) -> Self:
        try:
            self._storage.claim_folder(self._mark)
            self._staging = self._storage.staging_folder(self._mark)
            # The mark first: a collection that condemns names from now on waits for this writer.
            self._condemned = read_condemned(self._storage)
        except BaseException:
            with suppress(WaybillError):  # the first error is the one to tell
                self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def keep(self, source: Path | BinaryIO, *, verify: bool = False) -> MediaObject:
        """Keeps bytes; those that are there already are only counted.

        A stored object of another size is damaged, and is replaced.

        Args:
            source: a file, or a stream from where it stands to its end.
            verify: read and hash an object that is there, and replace it if its bytes are others by now.

        Raises:
            InputError: the file is not there or may not be read.
            StorageError: the store is full or forbidden; nothing of the object stays (E7, E8, E58).
        """
        if not isinstance(source, Path):
            return self._receive(source, verify=verify)
        with open_regular(source) as stream:
            sha256, size = _hash(stream)
            found = self._find(sha256)
            if found is not None and self._is_whole(found, size, verify=verify):
                return self._hold(found)
            stream.seek(0)
            return self._receive(stream, verify=verify)

    def keep_known(self, sha256: str) -> MediaObject | None:
        """Counts an object that is there by its hash; None when its bytes have to be handed in."""
        found = self._find(checked_sha256(sha256))
        return self._hold(found) if found is not None else None

    def claim(self) -> dict[str, object]:
        """Makes a durable list of all objects kept so far: properties for the version that refers to them.

        Raises:
            GoneError: this writer has worked for longer than the grace period of a collection.
            StorageError: the list cannot be written.
        """
        with self._lock:
            lines = encode_names(self._held.names())
            facts = {"objects": len(self._held), "size_bytes": self._held.size_bytes}
        name = claim_name(self._name, lines)
        self._storage.create(f"{claim_folder(self._key)}/{name}", lines)
        # The claim first: who took the mark away before this look may not have seen the claim.
        if self._name not in self._storage.data_folders(WRITERS):
            raise self._taken_for_dead()
        return {PROPERTY: {"claim": name, **facts}}

    def _leave(self) -> None:
        if self._staging is not None:
            self._storage.release_staging(self._staging)
        self._storage.remove_folder(self._mark)

    @property
    def _mark(self) -> str:
        return f"{WRITERS}/{self._name}"

    def _find(self, sha256: str) -> MediaObject | None:
        with self._lock:
            if (held := self._held.find(sha256)) is not None:
                return held
            found = self._index.find(sha256)
        return next((one for one in reversed(found) if one.name not in self._condemned), None)

    def _hold(self, found: MediaObject) -> MediaObject:
        with self._lock:
            self._held.add(found)
            is_due = time.monotonic() - self._showed_life >= SIGN_SECONDS
            if is_due:
                self._showed_life = time.monotonic()
        if is_due:
            self._show_life()
        return found

    def _show_life(self) -> None:
        """Makes the mark young again: an import of days is not taken for dead."""
        if self._name not in self._storage.data_folders(WRITERS):
            raise self._taken_for_dead()
        self._storage.create(f"{self._mark}/alive-{secrets.token_hex(6)}", b"")

    def _receive(self, stream: BinaryIO, *, verify: bool) -> MediaObject:
        assert self._staging is not None, "used outside of its context"  # noqa: S101 - for the type checker
        incoming = self._staging / uuid.uuid4().hex
        try:
            sha256, size = self._copy(stream, incoming)
            return self._hold(self._place(incoming, sha256, size, verify=verify))
        finally:
            incoming.unlink(missing_ok=True)

    def _copy(self, stream: BinaryIO, incoming: Path) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        try:
            target = incoming.open(
                "xb", buffering=0
            )  # nothing is left to be written when it closes
        except FileNotFoundError as error:
            raise self._taken_for_dead() from error
        except OSError as error:
            raise storage_error(error, incoming, "writing") from error
        with target:
            while chunk := stream.read(_CHUNK_BYTES):  # what this raises is the source's own
                size += len(chunk)
                digest.update(chunk)
                _write(target, chunk, incoming)
        return digest.hexdigest(), size

    def _place(self, incoming: Path, sha256: str, size: int, *, verify: bool) -> MediaObject:
        found = self._find(sha256)
        if found is not None and self._is_whole(found, size, verify=verify):
            return found
        if found is not None:
            _logger.warning("%s was damaged and is replaced", self._storage.locate(found.path))
        name = found.name if found is not None else object_name(sha256, self._condemned.newest)
        path = f"{folder_of(sha256)}/{name}"
        self._storage.place(path, incoming, replace=found is not None)
        return MediaObject(sha256, size, name)

    def _is_whole(self, found: MediaObject, size: int, *, verify: bool) -> bool:
        if found.size_bytes != size:
            return False
        if not verify:
            return True
        with self._storage.local_file(found.path, found.sha256) as local:
            return local is not None and local.sha256 == found.sha256

    def _taken_for_dead(self) -> GoneError:
        return GoneError(
            f"{'/'.join(self._key)}: a collection took the writer {self._name} for dead",
            hint="Nothing was published; run it again. The grace period of the collection must be"
            " at least twice the longest run",
        )


def _hash(stream: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _write(target: FileIO, chunk: bytes, path: Path) -> None:
    left = memoryview(chunk)
    try:
        while left:
            left = left[target.write(left) :]
    except OSError as error:
        raise storage_error(error, path, "writing") from error
