"""Sessions that threads share: at most so many at once, fewer when the server says so."""

from __future__ import annotations

import ftplib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from resources.connectors.ftp.errors import is_crowded
from resources.connectors.ftp.session import FtpSession

ASK_AFTER_SECONDS = 15.0
"""A session that was idle for longer is asked whether it still lives: servers end idle ones."""

_log = logging.getLogger(__name__)


class Pool:
    """Hands out sessions, each to one thread at a time.

    Args:
        name: the connector's, for the log.
        open_session: opens one.
        limit: the most sessions at once.
    """

    def __init__(self, name: str, open_session: Callable[[], FtpSession], limit: int) -> None:
        self._name = name
        self._open_session = open_session
        self._limit = limit
        self._changed = threading.Condition()
        self._forget()

    @contextmanager
    def session(self) -> Iterator[FtpSession]:
        """A session for as long as the context lives.

        One that a whole refusal of the server ended is used again; after any other error it is in an unknown state.

        Raises:
            Exception: what `open_session` raises; a server that is full while we hold no session at all included.
        """
        session = self._take()
        try:
            yield session
        except ftplib.error_perm:
            self._give_back(session)
            raise
        except BaseException:
            session.close()
            self._let_go()
            raise
        self._give_back(session)

    def close(self) -> None:
        """Closes all idle sessions."""
        with self._changed:
            for session in self._idle:
                session.close()
            self._open -= len(self._idle)
            self._idle.clear()

    def _forget(self) -> None:
        self._idle: list[FtpSession] = []
        self._open = 0
        self._process = os.getpid()

    def _take(self) -> FtpSession:
        while True:
            session = self._wait()
            if session is not None:
                is_fresh = time.monotonic() - session.used_at < ASK_AFTER_SECONDS
                if is_fresh or session.answers():
                    return session
                session.close()
            try:
                return self._open_session()
            except BaseException as error:
                if not self._may_wait(error):
                    raise

    def _wait(self) -> FtpSession | None:
        """An idle session, or None: then the place of a new one is ours."""
        with self._changed:
            if self._process != os.getpid():
                self._forget()  # a fork: the sessions belong to the parent
            while not self._idle and self._open >= self._limit:
                self._changed.wait()
            if self._idle:
                return self._idle.pop()
            self._open += 1
            return None

    def _may_wait(self, error: BaseException) -> bool:
        """Gives up the place of a session that did not open; true when others of ours are open to wait for."""
        with self._changed:
            self._open -= 1
            self._changed.notify()
            if not is_crowded(error) or self._open == 0:
                return False
            self._limit = min(self._limit, self._open)
        _log.warning(
            "connector %r: the server takes no more than %d connections; `connections:` is higher",
            self._name,
            self._limit,
        )
        return True

    def _give_back(self, session: FtpSession) -> None:
        session.used_at = time.monotonic()
        with self._changed:
            self._idle.append(session)
            self._changed.notify()

    def _let_go(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify()
