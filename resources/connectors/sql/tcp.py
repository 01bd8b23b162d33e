"""The socket under a driver's connection, which no driver shows: found among the process's own, so that its silence can be seen."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_Opened = TypeVar("_Opened")

_OPENING = threading.Lock()  # sockets are told apart by what is new: one connection opens at a time
_DESCRIPTORS = Path("/dev/fd")
_LAST_DATA_RECEIVED = struct.Struct("=52xI")  # tcp_info.tcpi_last_data_recv, milliseconds


def opened_with_socket(
    open_connection: Callable[[], _Opened], port: int
) -> tuple[_Opened, socket.socket | None]:
    """What `open_connection` returns, and a duplicate of the one TCP socket that it opened to `port`.

    The duplicate is None where the connection has not exactly one, or the system does not tell.

    Args:
        open_connection: opens the connection before it returns.
        port: where it leads; any port when 0.
    """
    with _OPENING:
        before = _sockets()
        opened = open_connection()
        return opened, _new_socket(before, port)


def silence_seconds(line: socket.socket) -> float | None:
    """How long the other side has sent nothing; None where the system cannot tell.

    No silence while something that it sent waits to be read: with a full buffer it may not send more.
    """
    if not hasattr(socket, "TCP_INFO"):
        return None
    if _has_unread(line):
        return 0.0
    info = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECEIVED.size)
    return float(_LAST_DATA_RECEIVED.unpack(info)[0]) / 1000


def _has_unread(line: socket.socket) -> bool:
    try:
        return bool(line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:  # nothing there, or no connection any more
        return False


def _sockets() -> dict[int, int]:
    """The process's sockets: inode to descriptor."""
    found: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for entry in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - Path.iterdir would stat the closing descriptor
            with contextlib.suppress(OSError, ValueError):
                status = os.fstat(int(entry))
                if stat.S_ISSOCK(status.st_mode):
                    found[status.st_ino] = int(entry)
    return found


def _new_socket(before: dict[int, int], port: int) -> socket.socket | None:
    """A duplicate of the one socket that is new and leads to `port` (any when 0); None if that is not one."""
    candidates = []
    for inode, descriptor in _sockets().items():
        if inode in before:
            continue
        with contextlib.suppress(OSError):
            duplicate = socket.socket(fileno=os.dup(descriptor))
            if _leads_to(duplicate, port):
                candidates.append(duplicate)
            else:
                duplicate.close()
    if len(candidates) == 1:
        return candidates[0]
    for duplicate in candidates:
        duplicate.close()
    return None


def _leads_to(candidate: socket.socket, port: int) -> bool:
    if candidate.family not in {socket.AF_INET, socket.AF_INET6}:
        return False
    try:
        return port in {0, int(candidate.getpeername()[1])}
    except OSError:
        return False
