"""Meters of a job: wall clock, processor time, peak memory, and what else the machine did meanwhile.

Reads `/proc` (Linux). Standard library only: it runs in the peers' environment too.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True)
class Reading:
    """All clocks at one moment, in seconds."""

    wall: float
    own: float
    """Processor time of this process and of its children that have ended."""
    server: float
    """Processor time of the database server's process tree."""
    machine: float
    """Processor time of everything on the machine, stolen time included."""

    @classmethod
    def take(cls, server_pid: int | None) -> Reading:
        """Reads all clocks now."""
        times = os.times()
        own = time.process_time() + times.children_user + times.children_system
        server = tree_cpu_seconds(server_pid) if server_pid else 0.0
        return cls(time.perf_counter(), own, server, _machine_cpu_seconds())


@dataclass(frozen=True)
class Usage:
    """What one job took."""

    seconds: float
    cpu_seconds: float
    server_cpu_seconds: float
    other_cores: float
    """Cores that others kept busy on average: above 0.3, distrust the wall clock."""

    @classmethod
    def between(cls, before: Reading, after: Reading) -> Usage:
        """What happened between two readings."""
        wall = after.wall - before.wall
        own = after.own - before.own
        server = after.server - before.server
        others = after.machine - before.machine - own - server
        return cls(wall, own, server, max(0.0, others / wall) if wall else 0.0)


def tree_cpu_seconds(pid: int) -> float:
    """Processor time of a process and all its descendants, those that ended included."""
    total = 0.0
    for one in [pid, *descendants(pid)]:
        fields = _stat_fields(one)
        if fields:
            total += sum(int(value) for value in fields[11:15]) / _TICKS
    return total


def children(pid: int) -> list[int]:
    """The living processes right below `pid`, cheaply enough to ask ten times a second; empty when it is gone."""
    found: list[int] = []
    for path in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            found += [int(word) for word in path.read_text(encoding="ascii").split()]
        except OSError:
            continue  # the thread ended between the listing and the look
    return found


def descendants(pid: int) -> list[int]:
    """All living processes below `pid`, from a listing of the whole machine."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat_fields(int(entry.name))
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def peak_memory_bytes(pid: int) -> int:
    """Most memory a process ever held resident; 0 when it is gone.

    From VmHWM, not from `getrusage`: that one inherits the peak of the process that started this one.
    """
    try:
        status = (_PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _stat_fields(pid: int) -> list[str]:
    """Fields of `/proc/<pid>/stat` from the state on; empty when the process is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _machine_cpu_seconds() -> float:
    first = (_PROC / "stat").read_text(encoding="ascii").split("\n", 1)[0]
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(v) for v in first.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS
