"""Reading until the types hold: a stream that meets a value of a wider type asks to be read anew (`Retype`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from resources.kernel.errors import InputError
from resources.kernel.records import Retype

STREAMS = 10
"""One retype finds all columns; more than a few mean a source that never settles."""

Result = TypeVar("Result")


def read_settled(read: Callable[[], Result], *, what: str) -> Result:
    """What `read` returns, which opens a new stream with each call, once it passes without a `Retype`.

    Args:
        read: reads one stream to the end it needs; called anew after each `Retype`.
        what: the source, for the error.

    Raises:
        InputError: the types changed again and again.
    """
    changes = ""
    for _ in range(STREAMS):
        try:
            return read()
        except Retype as retype:
            changes = str(retype)
    raise InputError(
        f"{what} changed its types {STREAMS} times, last {changes[:200]}",
        hint="Its data changes while it is read: give the types with `types:`",
    )
