"""Names of files that are being written on a server, and whether their writer still lives.

A file server has no locks that a killed writer would lose. The name itself says who writes: a machine (one boot, one
container) and a process. What a dead process of this machine left can be removed at once, the rest when it is old.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

_PREFIX, _SUFFIX, _ASIDE = ".waybill-", ".part", ".old"
_NAME = re.compile(r"\.waybill-[0-9a-f]{12}-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}\.part")

FOREIGN_AGE = timedelta(days=2)
"""What another machine left is removed when it is older: no upload takes as long, and no clock is as wrong."""


def is_partial(name: str) -> bool:
    """Whether a file of this name is one being written, or one that steps aside: never an object."""
    return name.startswith(_PREFIX) and name.endswith((_SUFFIX, _ASIDE))


def aside_name(name: str) -> str:
    """Where an old file waits while a new one takes its name; never taken for abandoned."""
    return f"{_PREFIX}{_target(name)}{_ASIDE}"


def new_partial_name(name: str) -> str:
    """A name to write `name` under, never used before."""
    pid = os.getpid()
    writer = f"{_machine()}-{pid}-{_started(pid)}"
    return f"{_PREFIX}{_target(name)}-{writer}-{secrets.token_hex(4)}{_SUFFIX}"


def is_abandoned(name: str, modified_at: datetime) -> bool:
    """Whether the partial file `name`, last modified then, is abandoned (R7)."""
    found = _NAME.fullmatch(name)
    if found and found[1] == _machine():
        return _started(int(found[2])) != found[3]
    return (
        name.startswith(_PREFIX)
        and name.endswith(_SUFFIX)
        and modified_at < datetime.now(UTC) - FOREIGN_AGE
    )


def _target(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]


@cache
def _machine() -> str:
    """Eight digits that are the same for processes that see each other's process ids."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot, space = os.uname().nodename, ""
    return hashlib.sha256(f"{boot}\0{space}".encode()).hexdigest()[:8]


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot: with its id it names one process; empty when there is none."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "0" if pid == os.getpid() else ""
    return state.rpartition(")")[2].split()[19]
