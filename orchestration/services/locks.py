"""Locks that die with their process, however it dies: `flock` on a file in the home folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CODE_LOCK = "code.lock"
"""Held by a running server; its note, as JSON, names for each location the link to the socket of its newest process."""


@contextmanager
def hold(path: Path, note: str = "", *, wait: bool = False) -> Iterator[bool]:
    """Holds the lock `path` for as long as the context lives; yields False when another process has it.

    Args:
        path: the lock file; made when it is not there.
        note: what `read_note` tells others meanwhile.
        wait: for a lock that no other process keeps: one that asks whether it is held has it for a moment.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, note.encode(), 0)
        yield True
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock `path`.

    Looks and no more: the path may come from a tag, which the user who launched the run may have written. A file that is
    no lock is left as it is, a link is not followed, a device or a pipe is not waited for.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):  # none there, or nothing that could be one
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_note(path: Path) -> str:
    """What the holder of the lock `path` left for others; empty when there is nothing."""
    return path.read_text(encoding="utf-8") if path.exists() else ""
