"""Ends every process group of a server when its supervisor goes, however it goes: no orphan is left.

Started by the supervisor with a pipe as standard input, in a session of its own, so that Ctrl-C does not reach it.
Lines `+123` and `-123` add and remove process groups; the end of the input says that it is time. Runs are in the
group of their code server. Standard library only: `python -S reaper.py SECONDS FOLDER`.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable

POLL_SECONDS = 0.05


def read_groups(lines: Iterable[str]) -> list[int]:
    """The process groups named when the input ended."""
    groups: list[int] = []
    for line in lines:
        group = int(line[1:])
        if line[0] == "+":
            groups.append(group)
        elif group in groups:
            groups.remove(group)
    return groups


def end_groups(groups: list[int], seconds: float) -> None:
    """SIGTERM to all, SIGKILL to what is left after `seconds`."""
    alive = [group for group in groups if _send(group, signal.SIGTERM)]
    deadline = time.monotonic() + seconds
    while alive and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        alive = [group for group in alive if is_alive(group)]
    for group in alive:
        _send(group, signal.SIGKILL)


def is_alive(group: int) -> bool:
    """Whether any process, if only a zombie, is in the group."""
    return _send(group, 0)


def _send(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    end_groups(read_groups(sys.stdin), float(sys.argv[1]))
    shutil.rmtree(sys.argv[2], ignore_errors=True)
