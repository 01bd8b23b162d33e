"""The bytes of one file that is received: one writer at a time, none that a killed process leaves behind, under limits."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.services.uploads.hashing import RunningHash
from orchestration.services.uploads.limits import check_room, too_large
from resources.kernel.errors import ConflictError, InputError, NotFoundError
from resources.stores.storage import storage_error

_ROOM_EVERY_BYTES = 64 * 1024**2


class IncomingWriter:
    """Appends to one file.

    Args:
        descriptor: of the file.
        path: of the file.
        name: as its sender calls it.
        size_bytes: how many bytes it is to have; None while nobody knows.
        limit: how many it may have.
        hashed: the hash of what stands there, for whoever writes to go on with.
    """

    def __init__(
        self,
        descriptor: int,
        path: Path,
        name: str,
        size_bytes: int | None,
        limit: int,
        hashed: RunningHash | None = None,
    ) -> None:
        self._descriptor = descriptor
        self._path = path
        self._name = name
        self._size_bytes = size_bytes
        self._limit = limit
        self._start = self.offset = os.fstat(descriptor).st_size
        self._room_at = self._start + _ROOM_EVERY_BYTES
        self.hashed = hashed
        self._hashed_before = hashed.copy() if hashed else None

    def write(self, data: bytes) -> None:
        """Appends.

        Raises:
            InputError: more bytes than were announced, or than the limit.
            StorageError: the disk is full.
        """
        end, said = self.offset + len(data), self._size_bytes
        if said is not None and end > said:
            raise InputError(
                f"{self._name}: more bytes came than the {said:,} that were announced",
                hint="Cancel it and send the file again",
                limit=said,
            )
        if end > self._limit:
            raise too_large(self._name, self._limit)
        if end > self._room_at:
            check_room(self._path.parent, 0)
            self._room_at = end + _ROOM_EVERY_BYTES
        left = memoryview(data)
        try:
            while left:
                done = os.pwrite(self._descriptor, left, self.offset)
                self.offset += done
                left = left[done:]
            if self.hashed is not None:
                self.hashed.behind.reach(self.offset, self._path)
        except OSError as error:
            raise storage_error(error, self._path, "writing") from error

    def take_back(self) -> None:
        """Throws away what this writer wrote."""
        os.ftruncate(self._descriptor, self._start)
        self.offset, self.hashed = self._start, self._hashed_before


@contextmanager
def locked(path: Path, name: str) -> Iterator[int]:
    """The file at `path`, open, for one writer at a time.

    Args:
        path: of the file.
        name: as its sender calls it.

    Raises:
        NotFoundError: it is gone.
        ConflictError: somebody else writes to it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFoundError(f"{name}: it was cancelled or taken meanwhile") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(
                f"{name}: another request writes to it now",
                hint="Wait until it is done, then ask where it stands",
                locked=True,
            ) from None
        yield descriptor
    finally:
        os.close(descriptor)


def settle(hashed: RunningHash, descriptor: int, path: Path) -> None:
    """Waits until the disk has what it was to write of a file meanwhile.

    Raises:
        StorageError: it could not. Nobody knows what is on the disk: the file begins anew.
    """
    try:
        hashed.behind.check()
    except OSError as error:
        os.ftruncate(descriptor, 0)
        raise storage_error(error, path, "writing") from error
