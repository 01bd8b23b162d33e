"""Whose turn it is to ask a site: pauses between requests to one host, shared by all threads of a run.

Here: when a request may leave. Not here: how long a pause a site wants (`robots.py`), or a server that is busy (`failures.py`).
"""

from __future__ import annotations

import threading
import time

from resources.kernel.errors import ConnectorUnavailableError


class StoppedError(ConnectorUnavailableError):
    """Who waited for a turn was told to stop."""


class Turns:
    """Requests to one host, one after the other; those to different hosts know nothing of each other.

    Args:
        stopped: ends all waiting once it is set.
    """

    def __init__(self, stopped: threading.Event | None = None) -> None:
        self._stopped = stopped or threading.Event()
        self._free_at: dict[str, float] = {}
        self._held_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, host: str, pause: float) -> None:
        """Returns when the host may be asked; the next one waits `pause` seconds longer.

        Raises:
            StoppedError: nobody may be asked any more.
        """
        at = self._take(host, pause)
        while True:
            self._sleep_until(at)
            with self._lock:
                held = self._held_until.get(host, 0.0)
            if held <= at:
                return
            at = self._take(host, pause)  # it was told to be left alone meanwhile

    def hold(self, host: str, seconds: float) -> None:
        """Leaves a host alone for a while, whoever waits for it."""
        with self._lock:
            until = time.monotonic() + seconds
            self._held_until[host] = max(self._held_until.get(host, 0.0), until)
            self._free_at[host] = max(self._free_at.get(host, 0.0), until)

    def _take(self, host: str, pause: float) -> float:
        with self._lock:
            at = max(time.monotonic(), self._free_at.get(host, 0.0))
            self._free_at[host] = at + pause
        return at

    def _sleep_until(self, at: float) -> None:
        if self._stopped.wait(max(at - time.monotonic(), 0.0)):
            raise StoppedError("Reading from the web was stopped", rule="stopped")
