"""Native threads and forks: who may fork, what keeps libraries from starting threads, how a fork ends.

A fork has one thread, whatever its parent had. A library whose threads are gone without its knowledge waits for them:
at the latest when its destructors run at exit. So a process that forks is proven to be single-threaded before each
fork, by the operating system's own list, and a fork leaves without running any destructor of a library.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import sys
import threading
from pathlib import Path

_TASKS = Path("/proc/self/task")

THREADLESS_ENVIRONMENT = {
    # OpenBLAS starts a thread a core when numpy is imported; a run computes in one thread anyway.
    "OPENBLAS_NUM_THREADS": "1",
    # The allocator within pyarrow would return memory in a thread of its own; without, it does so as it allocates.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Variables that keep libraries from starting a thread when they are imported."""


def other_threads() -> list[str]:
    """Names of all threads of this process, native ones included, but for the one that asks."""
    python = {thread.native_id: thread.name for thread in threading.enumerate()}
    own = threading.get_native_id()
    if not _TASKS.is_dir():
        return [name for number, name in python.items() if number != own]
    numbers = sorted(int(task.name) for task in _TASKS.iterdir())
    return [python.get(number) or _native_name(number) for number in numbers if number != own]


def _native_name(number: int) -> str:
    try:
        return (_TASKS / str(number) / "comm").read_text(encoding="utf-8").strip()
    except OSError:  # it has ended meanwhile; the next look will not find it
        return "one that has ended"


def end_idle_threads() -> None:
    """Ends the threads that libraries start when they are imported and can be told to end."""
    if "duckdb" in sys.modules:
        import duckdb

        # `import duckdb` opens a database in memory, with a scheduler of its own.
        duckdb.default_connection().execute("set threads = 1")


def restore_threads() -> None:
    """Undoes `end_idle_threads`, in a fork."""
    if "duckdb" in sys.modules:
        import duckdb

        duckdb.default_connection().execute("reset threads")


def settle_memory() -> None:
    """Gives back what loading no longer needs, and keeps the collector of forks from touching, and so copying, the rest."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


def leave(code: int) -> None:
    """Ends this process at once: what was written is flushed, no destructor and no exit handler runs."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def name_process(name: str) -> None:
    """What the operating system's list of processes calls this one: a fork looks like its parent otherwise."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name, encoding="utf-8")
