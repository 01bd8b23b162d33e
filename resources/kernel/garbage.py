"""Python's collector of cycles while objects are made by the million: definitions of a project, items of a specification.

Python goes over all that it has each time that a quarter came to it: a fifth of the CPU of a large project or of an import,
for nothing. So cycles are looked for among what is new only.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG, _MIDDLE = 10_000, 10
_NEVER = 1_000_000_000


@contextmanager
def no_full_collections() -> Iterator[None]:
    """Leaves the old generation alone inside, and the collector as it was after it, whatever was raised."""
    before = gc.get_threshold()
    if before[0]:  # who has switched it off by its thresholds knows why
        gc.set_threshold(max(before[0], _YOUNG), max(before[1], _MIDDLE), _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
