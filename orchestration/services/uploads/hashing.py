"""The SHA-256 of files on their way in, made while they come: a file that is whole need not be read again to be kept.

In the memory of this process alone. After a restart, or where something else wrote to the file, nobody knows it, and whoever
needs it reads the file.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

_MOST = 1_000
"""Files on their way; what is known of the one that rests longest is forgotten first."""


class RunningHash:
    """The SHA-256 of a file as far as it was taken."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.offset = 0

    def take(self, pieces: Iterable[bytes]) -> None:
        """Goes on with the bytes that come next."""
        for piece in pieces:
            self._hash.update(piece)
            self.offset += len(piece)

    def copy(self) -> RunningHash:
        """One that goes on by itself."""
        found = RunningHash()
        found._hash, found.offset = self._hash.copy(), self.offset
        return found

    @property
    def sha256(self) -> str:
        """Of the bytes so far."""
        return self._hash.hexdigest()


class RunningHashes:
    """Those of all files on their way."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, tuple[tuple[int, ...], RunningHash]] = OrderedDict()
        self._lock = threading.Lock()

    def take_out(self, path: Path, descriptor: int) -> RunningHash | None:
        """That of a file; None where it is not known of all of its bytes. Nobody else has it then."""
        state = _state(descriptor)
        with self._lock:
            known = self._known.pop(path, None)
        if known is not None and known[0] == state:
            return known[1]
        return RunningHash() if state[0] == 0 else None

    def put_back(self, path: Path, descriptor: int, found: RunningHash) -> None:
        """Remembers it, if it is that of all bytes of the file."""
        state = _state(descriptor)
        if found.offset != state[0]:
            return  # something failed between the hash and the disk
        with self._lock:
            self._known[path] = state, found
            while len(self._known) > _MOST:
                self._known.popitem(last=False)


def _state(descriptor: int) -> tuple[int, ...]:
    stat = os.fstat(descriptor)
    return stat.st_size, stat.st_mtime_ns, stat.st_ino
