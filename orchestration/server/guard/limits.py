"""How much one user may ask for: requests to the API in time, uploads side by side."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

BURST_SECONDS = 20.0
"""How many seconds' worth of requests may come at once."""

_REMEMBERED = 10_000


class Rates:
    """Counts requests by user: a bucket that fills with time.

    Args:
        per_second: how many are allowed on average.
        clock: seconds that only grow.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, user: str) -> float:
        """How long to wait before the next request; 0 when this one may pass, and is counted."""
        now = self._clock()
        full_at = max(self._full_at.pop(user, 0.0), now) + 1 / self._per_second
        wait = full_at - now - BURST_SECONDS
        self._full_at[user] = full_at if wait <= 0 else full_at - 1 / self._per_second
        if len(self._full_at) > _REMEMBERED:
            self._full_at.popitem(last=False)
        return max(0.0, wait)


class UploadSlots:
    """Counts uploads that are under way, by user."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._counts: Counter[str] = Counter()

    @contextmanager
    def one(self, user: str) -> Iterator[bool]:
        """Whether one more may begin; it counts until the context ends."""
        if self._counts[user] >= self._at_once:
            yield False
            return
        self._counts[user] += 1
        try:
            yield True
        finally:
            self._counts[user] -= 1
            if not self._counts[user]:
                del self._counts[user]
