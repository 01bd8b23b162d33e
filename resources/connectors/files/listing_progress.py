"""How far a listing has come, told while it runs, so that a reader can stop it where nothing matches.

A listing yields what its pattern selects. Where that is one key in a million, its reader would hear nothing for
minutes, and could neither end in time nor know where to go on. So connectors say after each page (or folder, or some
hundred names) up to which key they have looked, and a reader that listens may stop them there (E39).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

BEYOND = "\U0010ffff"
"""Behind a folder's `/`: greater than every key in it."""

_listener: ContextVar[Callable[[str], bool] | None] = ContextVar("listing_listener", default=None)


class ListingStopped(Exception):  # noqa: N818 - a signal, not an error
    """A reader wanted no more: every key up to `key` has been looked at."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def looked_up_to(key: str) -> None:
    """Called by connectors inside of a listing: all keys up to and including `key` were looked at and, if they match, yielded.

    Raises:
        ListingStopped: the reader wants no more.
    """
    listener = _listener.get()
    if listener is not None and listener(key):
        raise ListingStopped(key)


@contextmanager
def stopping_when(should_stop: Callable[[str], bool]) -> Iterator[None]:
    """Listings read inside of this block stop at the first progress for which `should_stop` is true."""
    token = _listener.set(should_stop)
    try:
        yield
    finally:
        _listener.reset(token)
