"""Work on the pieces of a stream in a few threads, results in order. Arrow and NumPy let go of the interpreter meanwhile."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

WORKERS = max(2, min(4, os.cpu_count() or 2))


def in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`map` over a few threads: results in order, at most one item more than there are threads under way."""
    executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="convert")
    pending: deque[Future[R]] = deque()
    try:
        for item in items:
            pending.append(executor.submit(work, item))
            if len(pending) > WORKERS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
