"""Exclusive locks by name, across processes and, with PostgreSQL, across machines. They die with their holder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from resources.kernel.errors import ConflictError

WAIT_SECONDS = 600.0
"""How long to queue for a lock before giving up; a retry then queues again."""

_POLL_SECONDS = 0.02
_NAMESPACE = 0x7761_7962  # keeps our advisory locks apart from other programs' in the same database


@contextmanager
def file_lock(folder: Path, name: str, *, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Holds the lock `name` by a file in `folder`, which is made; the operating system lets go when we die.

    Raises:
        ConflictError: another process has held it for too long.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise _held(name, seconds)
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def advisory_lock(
    connection: sa.Connection, name: str, *, seconds: float = WAIT_SECONDS
) -> Iterator[None]:
    """Holds the lock `name` on the server for as long as the session of `connection` lives.

    Raises:
        ConflictError: another process has held it for too long.
    """
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)
    numbers = {"space": _NAMESPACE, "number": number}
    asked = sa.text("SELECT pg_try_advisory_lock(:space, :number)")
    deadline = time.monotonic() + seconds
    while not connection.execute(asked, numbers).scalar_one():
        connection.commit()
        if time.monotonic() >= deadline:
            raise _held(name, seconds)
        time.sleep(_POLL_SECONDS)
    connection.commit()  # the lock is the session's: no transaction stays open meanwhile
    yield


def _held(name: str, seconds: float) -> ConflictError:
    return ConflictError(
        f"{name}: another run has been at work on it for {seconds:.0f} s",
        hint="Try again when it is done",
        lock=name,
    )
