"""The SHA-256 of files on their way in, made while they come: a file that is whole need not be read again to be kept. The disk writes them meanwhile, so that nobody waits for all of it at the end.

In the memory of this process alone. After a restart, or where something else wrote to the file, nobody knows it, and whoever
needs it reads the file.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path

_BEHIND_BYTES = 64 * 1024**2
"""Small files are on the disk soon enough when they are kept."""
_MOST = 1_000
"""Files on their way; what is known of the one that rests longest is forgotten first."""


class WriteBehind:
    """Has the disk write what came of a file while more of it comes."""

    def __init__(self) -> None:
        self._next = _BEHIND_BYTES
        self._under_way: Future[None] | None = None

    def reach(self, offset: int, path: Path) -> None:
        """Goes on with it once there is enough more, unless it failed; does not wait. The file may be closed meanwhile."""
        if offset < self._next or not self._may_go_on:
            return
        self._next = offset + _BEHIND_BYTES
        self._under_way = Future()
        # A descriptor of its own: a copy of the writer's would keep the writer's lock until the disk is done.
        given = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), self._under_way
        threading.Thread(target=_write_out, args=given, name="write-behind", daemon=True).start()

    @property
    def _may_go_on(self) -> bool:
        before = self._under_way
        return before is None or (before.done() and before.exception() is None)

    def check(self) -> None:
        """Waits until it rests.

        Raises:
            OSError: the disk could not write. The system tells that once: nobody who opens the file later hears of it.
        """
        if self._under_way is not None:
            self._under_way.result()


def _write_out(descriptor: int, done: Future[None]) -> None:
    try:
        os.fdatasync(descriptor)
    except OSError as error:
        done.set_exception(error)
    else:
        done.set_result(None)
    finally:
        os.close(descriptor)


class RunningHash:
    """The SHA-256 of a file as far as it was taken."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.offset = 0
        self.behind = WriteBehind()

    def take(self, pieces: Iterable[bytes]) -> None:
        """Goes on with the bytes that come next."""
        for piece in pieces:
            self._hash.update(piece)
            self.offset += len(piece)

    def copy(self) -> RunningHash:
        """One that goes on by itself."""
        found = RunningHash()
        found._hash, found.offset, found.behind = self._hash.copy(), self.offset, self.behind
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
