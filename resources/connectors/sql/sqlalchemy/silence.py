"""A watch over a connection whose driver waits for ever: cuts the line when nothing comes for too long (E4).

Only waiting counts: while a caller is inside the driver. The consumer of the rows may be as slow as it likes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from resources.connectors.sql.tcp import silence_seconds

_LOOK_SECONDS = 1.0


class SilenceWatch:
    """Watches one connection, over a duplicate of its socket.

    Args:
        line: the duplicate; closed by `close`. Nothing is watched when None.
        limit: seconds without a byte, while a caller waits, after which the connection is cut.

    Attributes:
        has_cut: whether it did.
    """

    def __init__(self, line: socket.socket | None, limit: float) -> None:
        self._line = line
        self._limit = limit
        self._waiting_since: float | None = None
        self._over = threading.Event()
        self.has_cut = False
        self._thread = threading.Thread(target=self._watch, name="silence-watch", daemon=True)
        if line is not None:
            self._thread.start()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A caller waits for the server while the block runs."""
        outer, self._waiting_since = self._waiting_since, time.monotonic()
        try:
            yield
        finally:
            self._waiting_since = outer

    def close(self) -> None:
        """Ends the watch."""
        self._over.set()
        if self._line is not None:
            self._thread.join()
            self._line.close()

    def _watch(self) -> None:
        assert self._line is not None  # noqa: S101 - the thread is started for a line alone
        while not self._over.wait(min(_LOOK_SECONDS, self._limit / 4)):
            since = self._waiting_since
            if since is None or time.monotonic() - since < self._limit:
                continue
            silence = silence_seconds(self._line)
            if silence is None or silence >= self._limit:
                self.has_cut = True
                with contextlib.suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)
                return
