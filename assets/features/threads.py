"""How many threads scikit-learn may use: one, unless `OMP_NUM_THREADS` says otherwise.

Runs are what goes in parallel here. OpenMP's threads wait for each other by spinning: with more of them than free
cores, training 100,000 rows took 78 s of CPU instead of 10.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limited_threads() -> Iterator[None]:
    """Limits OpenMP and BLAS while the context lives; import scikit-learn before."""
    if os.environ.get("OMP_NUM_THREADS"):
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
