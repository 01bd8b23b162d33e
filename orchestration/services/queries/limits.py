"""What a query may take, and how the operating system is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATEMENT_LIMIT = 100_000
"""Characters."""
ROWS_LIMIT = 1_000
CELLS_LIMIT = 100_000
_SPARE_BYTES = 768 << 20
"""Beside DuckDB's own limit: what it allocates without counting, threads, Arrow."""


@dataclass(frozen=True)
class QueryLimits:
    """What one query may take.

    Args:
        seconds: until it is stopped.
        memory_mb: what DuckDB holds in memory before it spills.
        spill_mb: what it may spill, and how large a file may become that is made for a download.
        threads: that work on it.
    """

    seconds: float = 30
    memory_mb: int = 1_000
    spill_mb: int = 10_000
    threads: int = 4


SHOWN = QueryLimits()
"""For a result that is looked at."""
DOWNLOADED = QueryLimits(seconds=600, spill_mb=50_000)


@contextmanager
def bounded(limits: QueryLimits) -> Iterator[None]:
    """Memory and files of this process, as long as the context lives: an allocation beyond fails, nothing is killed.

    DuckDB's own limit does not count everything: `repeat('x', 4000000000)` is one allocation.
    """
    import resource

    held = _held_bytes()
    if held is None:  # not Linux: there the limits would say something else
        yield
        return
    wanted = {
        resource.RLIMIT_DATA: held + limits.memory_mb * 1_000_000 + _SPARE_BYTES,
        resource.RLIMIT_FSIZE: limits.spill_mb * 1_000_000,
    }
    before = {kind: resource.getrlimit(kind) for kind in wanted}
    for kind, most in wanted.items():
        soft, hard = before[kind]
        resource.setrlimit(
            kind, (most if soft == resource.RLIM_INFINITY else min(most, soft), hard)
        )
    try:
        yield
    finally:
        for kind, pair in before.items():
            resource.setrlimit(kind, pair)


def _held_bytes() -> int | None:
    """Data of this process so far."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("VmData:")), None)
    return int(found.split()[1]) * 1024 if found else None
