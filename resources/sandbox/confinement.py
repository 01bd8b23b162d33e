"""A process gives up, for good, what a parser has no need of. Called within the worker, before it reads any file."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from resources.sandbox.landlock import restrict_reading
from resources.sandbox.system_calls import refuse_calls

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_DESCRIPTORS = 64
_LIBRARY_BYTES = 256 * 1024**2
"""Room for the code of parsers that are loaded later, beside what a file may take."""


def end_with_parent(parent: int) -> None:
    """Has the system kill this process when the thread that started it ends; elsewhere than on Linux nothing.

    Args:
        parent: the process that started it, which may have ended already.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # to the whole group: the parent
        signal.signal(number, signal.SIG_IGN)  # knows what to do, and a file is not to blame
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)


def confine(memory_bytes: int, readable: Sequence[Path]) -> list[str]:
    """Gives up what a parser has no need of; the names of what holds from now on.

    Args:
        memory_bytes: how much more memory the process may take.
        readable: folders that stay readable, where the system can be told so.
    """
    held = ["limits"]
    _limit(resource.RLIMIT_AS, _address_space() + memory_bytes + _LIBRARY_BYTES)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    if sys.platform == "linux":
        libc = _libc()
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            held += ["landlock"] if restrict_reading(libc, readable) else []
            held += ["seccomp"] if refuse_calls(libc) else []
    return held


def allow_processor_time(seconds: int) -> None:
    """The system kills this process when it has computed for so long from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + seconds
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard != resource.RLIM_INFINITY:
        until = min(until, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (until, hard))


def _limit(kind: int, most: int) -> None:
    """Lowers a limit for good; one that is lower stays, and what a system does not know is left out."""
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(ValueError, OSError):  # macOS refuses some
        resource.setrlimit(kind, (most, most))


def _address_space() -> int:
    """Bytes of addresses in use; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
