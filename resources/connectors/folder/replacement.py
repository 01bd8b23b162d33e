"""Replacing a file on this machine, whole or not at all, and cleaning up after writers that were killed (2d, R7).

Here: partial files, their names and their locks. Not here: which files may be written (`connector.py`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
from pathlib import Path

_PREFIX, _SUFFIX = ".waybill-", ".part"
_COPY_BYTES = 1 << 20


def is_partial(name: str) -> bool:
    """Whether a file of this name is one being written: never an object."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def replace_file(path: Path, source: Path) -> os.stat_result:
    """Puts a copy of `source` at `path` by a rename, flushed to the disk; the folder has to exist.

    Readers see the old file or the new one, after a crash too. Partial files that killed
    writers of the same `path` left are removed first.

    Returns:
        What the new file is like.
    """
    _remove_abandoned(path)
    handle, partial = _open_partial(path)
    try:
        with os.fdopen(handle, "wb") as target, source.open("rb") as origin:
            shutil.copyfileobj(origin, target, _COPY_BYTES)
            target.flush()
            os.fsync(handle)
            written = os.fstat(handle)
            partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return written


def _prefix(path: Path) -> str:
    return _PREFIX + hashlib.sha256(path.name.encode()).hexdigest()[:12]


def _remove_abandoned(path: Path) -> None:
    """A killed writer's lock is gone, that of a living one is not: no clock is needed to tell them apart."""
    for left in path.parent.glob(f"{_prefix(path)}-*{_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(left, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if _try_lock(handle):
                    left.unlink()
            finally:
                os.close(handle)


def _open_partial(path: Path) -> tuple[int, Path]:
    """A new locked file beside `path`."""
    while True:
        partial = path.with_name(f"{_prefix(path)}-{secrets.token_hex(6)}{_SUFFIX}")
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        with contextlib.suppress(OSError):  # a file system without locks: nothing is removed there
            fcntl.flock(
                handle, fcntl.LOCK_EX
            )  # waits for a writer that just looks whether it is abandoned
        if partial.exists():
            return handle, partial
        os.close(handle)  # it was taken for abandoned before it was locked


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by its writer, or a file system without locks: not ours to remove
        return False
    return True
