"""The program of a worker whose parsers do what a file that took them over might try."""

# The system's own calls, as an attacker makes them.
# ruff: noqa: PTH102, PTH104, PTH109, PTH123

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from resources.sandbox.worker import serve

DESCRIPTOR = []


def tried(action):
    """The error that an action got; empty: none."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return f"{type(error).__name__}: {error}"
    return ""


def fork():
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)


def overwrite(path):
    with open(os.open(path, os.O_WRONLY), "wb") as out:
        out.write(b"x")


def thread():
    started = threading.Thread(target=time.sleep, args=(0,))
    started.start()
    started.join()


WAITING = threading.Event()
EARLY = []


def early():
    """A thread that some library started before the process was confined, and that a file took over."""
    WAITING.wait()
    EARLY.append(tried(socket.socket))


def from_early_thread(path):
    WAITING.set()
    STARTED.join()
    raise PermissionError(EARLY[0]) if EARLY[0] else RuntimeError("a socket")


STARTED = threading.Thread(target=early, daemon=True)

ACTIONS = {
    "early thread": from_early_thread,
    "make a file": lambda path: Path(path + ".new").write_text("x"),
    "overwrite": overwrite,
    "remove": os.unlink,
    "rename": lambda path: os.rename(path, path + ".old"),
    "make a folder": lambda path: os.mkdir(path + ".d"),
    "read": lambda path: Path(path).read_text(),
    "list": os.listdir,
    "internet": lambda path: socket.socket(),
    "unix socket": lambda path: socket.socket(socket.AF_UNIX),
    "program": lambda path: subprocess.run(["/bin/true"], check=True),
    "fork": lambda path: fork(),
    "kill": lambda path: os.kill(os.getppid(), signal.SIGTERM),
    "parent's memory": lambda path: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "raise the limit": lambda path: __import__("resource").setrlimit(
        __import__("resource").RLIMIT_FSIZE, (1 << 20, 1 << 20)
    ),
    "thread": lambda path: thread(),
    "python module": lambda path: __import__("colorsys"),
}


def act(files, options):
    name, _, path = options.decode().partition("|")
    yield tried(lambda: ACTIONS[name](path)).encode()


def surroundings(files, options):
    descriptors = [n for n in range(64) if not tried(lambda n=n: os.fstat(n))]
    yield repr((dict(os.environ), descriptors, os.getcwd())).encode()


def spin(files, options):
    while True:
        pass


def crash(files, options):
    yield b"before"
    ctypes.string_at(0)


def garbage(files, options):
    os.write(DESCRIPTOR[0], bytes(4) + b"\xff\xff\xff\xff")
    yield b""


def wrong_message(files, options):
    os.write(DESCRIPTOR[0], b"\0\0\0\x01\xc0")
    yield b""


def deep(files, options):
    return deep(files, options)


def echo(files, options):
    yield files[0].read()


def swallow(files, options):
    """As some libraries do: an error of reading is taken for the end of the file."""
    yield tried(files[0].read).encode() or b"all"


def nibble(files, options):
    for place in range(200):
        files[0]._fetch(place, 1)
    yield b"all"


def gulp(files, options):
    yield files[0]._fetch(0, 2 << 20)


HANDLERS = {
    "nibble": nibble,
    "gulp": gulp,
    "act": act,
    "surroundings": surroundings,
    "spin": spin,
    "sleep": lambda files, options: time.sleep(600),
    "crash": crash,
    "exit": lambda files, options: os._exit(3),
    "hunger": lambda files, options: [bytes(1 << 20) for _ in range(4096)],
    "deep": deep,
    "garbage": garbage,
    "wrong message": wrong_message,
    "flood": lambda files, options: [bytes(1 << 24)],
    "pid": lambda files, options: [str(os.getpid()).encode()],
    "echo": echo,
    "swallow": swallow,
    "several": lambda files, options: (str(n).encode() for n in range(1000)),
    "mistake": lambda files, options: list(options)[100:][0],
}


def main(descriptor, parent, first, memory_bytes, cpu_seconds, readable):
    DESCRIPTOR.append(descriptor)
    STARTED.start()
    serve(
        descriptor,
        parent,
        HANDLERS,
        memory_bytes=memory_bytes,
        cpu_seconds=cpu_seconds,
        readable=[Path(folder) for folder in readable],
    )
