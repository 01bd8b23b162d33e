"""Sessions of a catalog that is a server: a few stay open, shared by all of this process that use the same catalog.

- bounded: `KEPT` stay open, `MOST` are the most at once; who finds all taken waits, `WAIT_SECONDS` at most.
- proven: a session is asked before it is given out, so one that the server or a firewall has ended is replaced unnoticed;
  none grows older than `OLD_SECONDS`.
- forked: a child begins with none, and leaves those of its parent as they are.
- closed: with the last catalog that uses them, and at the end of the process.

A lock of the catalog lives as long as a session of its own, which is never one of these.
"""

from __future__ import annotations

import os
import threading
import weakref

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.engine import postgres_engine

KEPT, MOST = 5, 20
WAIT_SECONDS = 30.0
OLD_SECONDS = 1_800


class SharedSessions:
    """The sessions of one catalog in this process.

    Args:
        config: how to connect.
    """

    def __init__(self, config: SqlConfig) -> None:
        self.config = config
        self.engine = _engine(config)
        weakref.finalize(self, self.engine.dispose)

    def begin_anew(self) -> None:
        """Forgets the sessions that a fork has inherited, without a word to the server."""
        _INHERITED.append(self.engine.pool)  # let go of, Python would warn that they are open
        self.engine.dispose(close=False)


def shared_sessions(config: SqlConfig) -> SharedSessions:
    """The sessions of a catalog, those that this process has already where it has some."""
    with _LOCK:
        for known in _KNOWN:
            if known.config == config:
                return known
        made = SharedSessions(config)
        _KNOWN.add(made)
        return made


def _engine(config: SqlConfig) -> sa.Engine:
    return postgres_engine(
        config,
        poolclass=QueuePool,
        pool_size=KEPT,
        max_overflow=MOST - KEPT,
        pool_timeout=WAIT_SECONDS,
        pool_recycle=OLD_SECONDS,
        pool_pre_ping=True,
        pool_use_lifo=True,
    )


def _after_fork() -> None:
    global _LOCK  # noqa: PLW0603 - another thread may have held it when this process was forked
    _LOCK = threading.Lock()
    for known in list(_KNOWN):
        known.begin_anew()


_KNOWN: weakref.WeakSet[SharedSessions] = weakref.WeakSet()
_INHERITED: list[sa.Pool] = []
_LOCK = threading.Lock()
os.register_at_fork(after_in_child=_after_fork)
