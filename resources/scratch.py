"""Scratch folders that do not outlive their process for long, however it ends.

A folder is locked by the process that made it (`flock` on the folder itself). The operating system lets go of the
lock when the process dies, also by `kill -9`; the next process that makes a scratch folder, or starts the server, removes
those that are not locked. Folders of other users and of other programs are left alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

Purpose = Literal[
    "checks",
    "classification",
    "compare",
    "demo",
    "drift",
    "fingerprint",
    "import",
    "media",
    "profile",
    "query",
    "rows",
    "server",
    "store",
    "transform",
    "unpack",
]
"""What scratch folders are for; each has a prefix that nothing else uses."""

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class ScratchFolder:
    """A new folder for temporary files, used as `tempfile.TemporaryDirectory` is.

    Args:
        purpose: part of its name.
    """

    def __init__(self, purpose: Purpose) -> None:
        remove_abandoned()
        self._lock: int | None = None
        while (
            self._lock is None
        ):  # another process took it for abandoned before it was locked: make another one
            self.name = tempfile.mkdtemp(prefix=prefix_of(purpose))
            try:
                self._lock = _lock(Path(self.name))
            except OSError:  # no locks on this file system: no other process can lock it, and so remove it, either
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cleanup()

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.name)

    def cleanup(self) -> None:
        """Removes it; once is enough."""
        shutil.rmtree(self.name, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_abandoned() -> int:
    """Removes scratch folders of ours whose process has gone; how many."""
    prefixes = tuple(map(prefix_of, PURPOSES))
    removed = 0
    with os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(prefixes) and _is_ours(entry):
                removed += _remove_if_free(Path(entry.path))
    return removed


def prefix_of(purpose: Purpose) -> str:
    """How names of such folders begin: unlike those of earlier releases, which were not locked."""
    return f"waybill.{purpose}."


def _is_ours(entry: os.DirEntry[str]) -> bool:
    with suppress(FileNotFoundError):
        found = entry.stat(follow_symlinks=False)
        return entry.is_dir(follow_symlinks=False) and found.st_uid == os.geteuid()
    return False


def _remove_if_free(path: Path) -> bool:
    lock = None
    with suppress(OSError):
        lock = _lock(path)
    if lock is None:
        return False
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)
    return True


def _lock(path: Path) -> int | None:
    """The locked folder; None when another process holds it, or removed it between its creation and its locking.

    Raises:
        OSError: the file system has no locks.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.lstat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
