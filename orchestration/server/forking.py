"""Starts processes by the zygote where it can, as fresh ones where it cannot."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from orchestration.server import zygote
from orchestration.server.settings import PASSWORD_VARIABLE
from orchestration.server.threads import THREADLESS_ENVIRONMENT

START_SECONDS = 60.0
ANSWER_SECONDS = 10.0
POLL_SECONDS = 0.02


class Process(Protocol):
    """What the supervisor needs of a process: `subprocess.Popen` has it too."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code once it has ended."""

    def send_signal(self, sig: int) -> None:
        """Sends a signal unless it has ended."""

    def terminate(self) -> None:
        """SIGTERM."""


@dataclass(frozen=True)
class Program:
    """What to start.

    Args:
        name: what the operating system's list calls the process; 15 letters.
        command: its command line; one that the zygote is to fork begins with `PYTHON -m MODULE`.
        log: where its output goes.
        environment: all of its variables.
        descriptors: what it inherits, under the same numbers.
    """

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    descriptors: tuple[int, ...] = ()

    def spawn(self) -> subprocess.Popen[bytes]:
        """Starts it as a fresh process, in a process group and session of its own."""
        with self.log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own command line, no shell
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
                pass_fds=self.descriptors,
                start_new_session=True,
            )


class Zygote:
    """The zygote as its owner sees it. Without it, or where it declines, fresh processes are started."""

    def __init__(self) -> None:
        self._dead: dict[int, int] = {}
        self._pids: list[int | None] = []
        self._is_ready = False
        self._ended = False

    @classmethod
    def start(cls, log: Path, environment: dict[str, str]) -> Self:
        """Starts it; it is ready a moment later."""
        own = cls()
        own._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = os.environ | environment | THREADLESS_ENVIRONMENT
        environment.pop(PASSWORD_VARIABLE, None)
        with other:
            command = [sys.executable, "-m", zygote.__name__, str(other.fileno())]
            program = Program("waybill-zygote", command, log, environment, (other.fileno(),))
            own.process = program.spawn()
        own._channel.setblocking(False)
        return own

    process: subprocess.Popen[bytes]
    _channel: socket.socket

    @property
    def is_settled(self) -> bool:
        """Whether a launch need not wait: it is ready, or has ended."""
        self._hear()
        return self._is_ready or self._ended

    def launch(self, program: Program) -> Process:
        """Starts a program."""
        if not self._wait(lambda: self._is_ready, START_SECONDS):
            return program.spawn()
        _python, _m, module, *arguments = program.command
        request = {
            "name": program.name,
            "module": module,
            "arguments": arguments,
            "log": str(program.log),
            "environment": program.environment,
            "descriptors": program.descriptors,
        }
        self._pids.clear()
        try:
            socket.send_fds(self._channel, [json.dumps(request).encode()], program.descriptors)
        except OSError:
            return program.spawn()
        answered = self._wait(lambda: bool(self._pids), ANSWER_SECONDS)
        pid = self._pids.pop() if answered else None
        return program.spawn() if pid is None else Forked(pid, self)

    def code_of(self, pid: int) -> int | None:
        """The exit code of what it has forked, once that has ended."""
        self._hear()
        if pid not in self._dead and self._ended and not _is_alive(pid):
            return -signal.SIGKILL  # the exit code is lost
        return self._dead.get(pid)

    def close(self) -> None:
        """Lets it end; what it has forked goes on."""
        self._channel.close()
        self.process.wait()

    def _wait(self, condition: Any, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not condition() and not self._ended and time.monotonic() < end:
            self._hear()
            time.sleep(POLL_SECONDS)
        return bool(condition())

    def _hear(self) -> None:
        while not self._ended:
            try:
                line = self._channel.recv(zygote.MESSAGE_LIMIT_BYTES)
            except BlockingIOError:
                return
            except OSError:
                line = b""
            if not line:
                self._ended = True
                return
            message = json.loads(line)
            self._is_ready = self._is_ready or message == zygote.READY
            if "dead" in message:
                self._dead[message["dead"]] = message["code"]
            if "pid" in message:
                self._pids.append(message["pid"])


class Forked:
    """A process that the zygote has forked."""

    def __init__(self, pid: int, parent: Zygote) -> None:
        self.pid = pid
        self._parent = parent
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code once it has ended."""
        if self._code is None:
            self._code = self._parent.code_of(self.pid)
        return self._code

    def send_signal(self, sig: int) -> None:
        """Sends a signal unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
