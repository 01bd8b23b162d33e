"""Landlock: the kernel refuses this process every file outside of some folders, and every change of any (Linux 5.13)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""System calls; their numbers are those of every architecture."""
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_ALL = (1 << 13) - 1
"""What the first release of Landlock can refuse: reading, writing, making, removing, running."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("handled_access_fs", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [
        ("allowed_access", ctypes.c_uint64),
        ("parent_fd", ctypes.c_int32),
    ]


def restrict_reading(libc: ctypes.CDLL, readable: Sequence[Path]) -> bool:
    """Nothing but these folders can be opened from now on, for reading only; whether the kernel knows how.

    The process must have given up new privileges.
    """
    rules = _Ruleset(_ALL)
    size = ctypes.c_size_t(ctypes.sizeof(rules))
    ruleset = int(libc.syscall(_CREATE, ctypes.byref(rules), size, 0))
    if ruleset < 0:
        return False
    try:
        for folder in readable:
            _allow(libc, ruleset, folder)
        return int(libc.syscall(_RESTRICT, ruleset, 0)) == 0
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, folder: Path) -> None:
    try:
        opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be read
    try:
        allowed = _READ_FILE | (_READ_DIR if folder.is_dir() else 0)
        rule = _PathBeneath(allowed, opened)
        libc.syscall(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(opened)
