"""What this process has read or computed lately and may be asked for again: the newest of it, as much as there is room for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lately(Generic[T]):
    """Values that never change, by what tells them apart; for many threads at once.

    Args:
        most: how much all of them may weigh together.
        weight: of one of them.
    """

    def __init__(self, most: int, weight: Callable[[T], int]) -> None:
        self.most = most
        self._weight = weight
        self._known: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, place: Hashable) -> T | None:
        """What was kept there, the newest again; None if it is not, or not any more."""
        with self._lock:
            known = self._known.get(place)
            if known is not None:
                self._known.move_to_end(place)
            return known

    def keep(self, place: Hashable, value: T) -> None:
        """Keeps a value; those that rest longest make room for it."""
        with self._lock:
            self._known[place] = value
            while sum(map(self._weight, self._known.values())) > self.most:
                self._known.popitem(last=False)

    def forget(self) -> None:
        """Keeps nothing."""
        with self._lock:
            self._known.clear()
