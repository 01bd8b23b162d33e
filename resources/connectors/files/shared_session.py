"""One session with a service for all threads of a connector, opened anew once its credentials have expired."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_Session = TypeVar("_Session")
_Result = TypeVar("_Result")


class SharedSession(Generic[_Session]):
    """A session that is opened when it is first used.

    Args:
        open_session: opens one; reads the credentials.
    """

    def __init__(self, open_session: Callable[[], _Session]) -> None:
        self._open_session = open_session
        self._lock = threading.Lock()
        self._made: _Session | None = None

    def current(self) -> _Session:
        """The session that is open, or a new one."""
        with self._lock:
            if self._made is None:
                self._made = self._open_session()
            return self._made

    def use(
        self, ask: Callable[[_Session], _Result], *, is_expired: Callable[[Exception], bool]
    ) -> _Result:
        """What `ask` gets; once more with a new session where newer credentials may help (E47).

        Raises:
            Exception: what opening the session or `ask` raises.
        """
        used = None
        try:
            used = self.current()
            return ask(used)
        except Exception as error:
            if not is_expired(error):
                raise
        self._forget(used)
        return ask(self.current())

    def _forget(self, used: _Session | None) -> None:
        """Lets the next use read the credentials anew, unless another thread has seen to it already."""
        with self._lock:
            if self._made is used:
                self._made = None
