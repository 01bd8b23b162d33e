"""seccomp: system calls that the kernel refuses this process from now on, by a filter in its own small language (BPF).

Refused with EPERM: sockets, programs and processes, signals to others, other processes' memory, names of files that would
be made, changed or removed, and opening a file for anything but reading. A parser needs none of them; a thread of
its own it may start. A filter can see numbers only, so a call that hides its arguments in memory (`openat2`,
`clone3`, `io_uring`) is refused as unknown, and callers take the older one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Iterator

from msgspec import Struct

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_SET_FILTER, _ALL_THREADS = 1, 1
"""Of the call `seccomp`: a filter, for the threads that are there already too; some libraries start one when they are loaded."""
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16
"""Where the call's number, the architecture and the low half of the first argument are in what a filter sees."""
_X32 = 0x40000000
"""x86-64 has a second set of numbers, from here on; nothing uses it."""
_CLONE_THREAD = 0x00010000
_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class _Numbers(Struct, frozen=True):
    """The numbers of an architecture."""

    architecture: int
    refused: tuple[int, ...]
    opening: dict[int, int]
    """Calls that open a file -> which argument holds the flags."""
    clone: int
    signal_thread: int
    seccomp: int


_NEWER = (424, 425, 426, 427, 434, 435, 437, 438)
"""pidfd_send_signal, io_uring_setup, io_uring_enter, io_uring_register, pidfd_open, clone3, openat2, pidfd_getfd."""
_OF = {
    "x86_64": _Numbers(
        architecture=0xC000003E,
        refused=(
            *(29, 41, 42, 43, 49, 50, 53, 57, 58, 59),  # shmget socket connect accept bind listen socketpair fork vfork execve
            *(62, 64, 68, 76, 82, 83, 84, 85, 86, 87),  # kill semget msgget truncate rename mkdir rmdir creat link unlink
            *(88, 90, 91, 92, 93, 94, 101, 129, 132, 133),  # symlink chmod fchmod chown fchown lchown ptrace rt_sigqueueinfo utime mknod
            *(155, 161, 165, 166, 188, 189, 190, 200),  # pivot_root chroot mount umount2 setxattr lsetxattr fsetxattr tkill
            *(235, 240, 248, 249, 250, 258, 259, 260),  # utimes mq_open add_key request_key keyctl mkdirat mknodat fchownat
            *(263, 264, 265, 266, 268, 272, 280, 288),  # unlinkat renameat linkat symlinkat fchmodat unshare utimensat accept4
            *(297, 298, 308, 310, 311, 316, 321, 322, 323),  # rt_tgsigqueueinfo perf_event_open setns process_vm_readv and _writev renameat2 bpf execveat userfaultfd
        ),
        opening={2: 1, 257: 2},
        clone=56,
        signal_thread=234,
        seccomp=317,
    ),
    "aarch64": _Numbers(
        architecture=0xC00000B7,
        refused=(
            *(5, 6, 7, 33, 34, 35, 36, 37, 38, 39),  # setxattr lsetxattr fsetxattr mknodat mkdirat unlinkat symlinkat linkat renameat umount2
            *(40, 41, 45, 51, 52, 53, 54, 55, 88, 97),  # mount pivot_root truncate chroot fchmod fchmodat fchownat fchown utimensat unshare
            *(117, 129, 130, 138, 180, 186, 190, 194),  # ptrace kill tkill rt_sigqueueinfo mq_open msgget semget shmget
            *(198, 199, 200, 201, 202, 203, 217, 218, 219, 221),  # socket socketpair bind listen accept connect add_key request_key keyctl execve
            *(240, 241, 242, 268, 270, 271, 276, 280, 281, 282),  # rt_tgsigqueueinfo perf_event_open accept4 setns process_vm_readv and _writev renameat2 bpf execveat userfaultfd
        ),
        opening={56: 2},
        clone=220,
        signal_thread=131,
        seccomp=277,
    ),
}  # fmt: skip


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_ushort),
        ("instructions", ctypes.POINTER(_Instruction)),
    ]


def refuse_calls(libc: ctypes.CDLL) -> bool:
    """Whether the kernel refuses these calls from now on: it may be too old, or of another architecture.

    The process must have given up new privileges.
    """
    numbers = _OF.get(platform.machine())
    if numbers is None:
        return False
    lines = [_Instruction(*line) for line in _filter(numbers)]
    array = (_Instruction * len(lines))(*lines)
    program = _Program(len(lines), array)
    filters = ctypes.byref(program)
    if libc.syscall(numbers.seccomp, _SET_FILTER, _ALL_THREADS, filters) == 0:
        return True
    return int(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, filters, 0, 0)) == 0


def _filter(numbers: _Numbers) -> Iterator[tuple[int, int, int, int]]:
    """The filter, an instruction each: code, lines to skip if it holds, and if not, value."""
    refuse, unknown = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _EQUAL, 1, 0, numbers.architecture
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER
    yield _AT_LEAST, 0, 1, _X32
    yield _RETURN, 0, 0, unknown
    for number in _NEWER:
        yield from ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, unknown))
    for number in numbers.refused:
        yield from ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse))
    for number, argument in numbers.opening.items():
        yield from _on_argument(number, argument, _ANY_BIT, _CHANGING, refuse, _ALLOW)
    yield from _on_argument(numbers.clone, 0, _ANY_BIT, _CLONE_THREAD, _ALLOW, refuse)
    yield from _on_argument(numbers.signal_thread, 0, _EQUAL, os.getpid(), _ALLOW, refuse)
    yield _RETURN, 0, 0, _ALLOW


def _on_argument(
    number: int, argument: int, test: int, value: int, if_true: int, if_false: int
) -> Iterator[tuple[int, int, int, int]]:
    """One call is judged by an argument; any other goes on behind these lines, its number loaded still."""
    yield _EQUAL, 0, 4, number
    yield _LOAD, 0, 0, _ARGUMENT + 8 * argument
    yield test, 0, 1, value
    yield _RETURN, 0, 0, if_true
    yield _RETURN, 0, 0, if_false
