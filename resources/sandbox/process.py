"""A worker, from outside: started as a program of its own, asked one job at a time, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import resources
from resources.kernel.errors import StorageError
from resources.sandbox.limits import SandboxLimits
from resources.sandbox.messages import (
    AnswerPart,
    Channel,
    Confined,
    FromWorker,
    Job,
    JobDone,
    JobRefused,
    RangeRead,
    RangeWanted,
)
from resources.sandbox.program import SandboxProgram
from resources.sandbox.ranges import RangeSource
from resources.sandbox.refusals import EndRule

_START_SECONDS = 120
_END_SECONDS = 10
_LEAST_COUNTED = 16 * 1024
"""Bytes that a request counts for at least: it takes its time however little it asks for."""
_LOOK_SECONDS = 0.01
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_DYING_SECONDS = 5
"""Between the end of its socket and of the process itself."""
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""How libraries are found, and which of their code a processor can run: nothing that is a secret."""
_SET_VARIABLES = {
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",  # each arena is 64 MB of addresses, which count
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_SYSTEM_FOLDERS = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/fonts", "/dev/urandom")


class WorkerEndedError(Exception):
    """The worker is of no use any more.

    Args:
        reason: by what it ended, as the end of "the parser ...".
        rule: the same in one word.
    """

    def __init__(self, reason: str, rule: EndRule = "died") -> None:
        super().__init__(reason)
        self.reason = reason
        self.rule = rule


class JobRefusedError(Exception):
    """The worker refuses a file.

    Args:
        refused: its words, which are a stranger's.
    """

    def __init__(self, refused: JobRefused) -> None:
        super().__init__(refused.message)
        self.refused = refused


class ReadTooMuchError(Exception):
    """More bytes of the file were asked for than may be read."""


class WorkerProcess:
    """One worker.

    Its methods are called from one thread at a time. The thread that makes it must live as long as it is needed:
    the system ends the worker with that thread.

    Args:
        program: what it runs.
        first: what it is started for, which it loads while it still may.
        limits: of each answer.
    """

    def __init__(self, program: SandboxProgram, first: str, limits: SandboxLimits) -> None:
        self._limits = limits
        self._program = program
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _start(program, first, theirs, limits)
        self._channel = Channel(ours, FromWorker, limits.answer_bytes)
        self._peak_bytes = 0
        self.is_fresh = True
        """Whether it has read no file yet."""
        self.is_at_rest = True
        """Whether it waits for a job."""
        self.is_settled = False
        """Whether it is confined."""

    def settle(self) -> list[str]:
        """Waits until it is confined; tells how.

        Raises:
            StorageError: it does not start.
        """
        try:
            confined = self._channel.receive(_START_SECONDS)
        except (OSError, EOFError, ValueError) as error:
            self.end()
            raise StorageError(
                f"A process for {self._program.purpose} did not start",
                hint=f"Is there enough memory? `python -c 'import {self._program.module}'` shows"
                " what is missing",
            ) from error
        assert isinstance(confined, Confined)  # noqa: S101 - it has read no file yet
        self.is_settled = True
        return confined.confinement

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def ask(self, job: Job, sources: Sequence[RangeSource], read_bytes: int) -> Iterator[bytes]:
        """The answers of a job, one after the other. All have to be taken, or the worker ended.

        Args:
            job: what is asked for.
            sources: where the bytes of its files come from.
            read_bytes: how many of them may be read.

        Raises:
            WorkerEndedError: it died, or was ended since it went beyond a limit.
            JobRefusedError: a file breaks a rule.
            ReadTooMuchError: see there.
            Exception: what reading from a source raised.
        """
        self.is_fresh = self.is_at_rest = False
        reading = _Reading(sources, read_bytes)
        seconds = self._limits.seconds
        self._send(job)
        while True:
            began = time.monotonic()
            message = self._receive(seconds)
            seconds -= time.monotonic() - began
            match message:
                case RangeWanted():
                    self._send(RangeRead(reading.read(message)))
                case AnswerPart():
                    yield message.data
                    seconds = self._limits.seconds
                case JobRefused(is_final=True):
                    raise self._ended(_needs_memory(self._limits), "over_memory")
                case JobDone() | JobRefused():
                    self.is_at_rest = True
                    reading.check()
                    if isinstance(message, JobRefused):
                        raise JobRefusedError(message)
                    return
                case _:
                    raise self._ended("sent what is no answer")

    def _send(self, message: Job | RangeRead) -> None:
        try:
            self._channel.send(message, self._limits.seconds)
        except OSError:
            raise self._ended("took nothing more") from None

    def _receive(self, seconds: float) -> object:
        try:
            return self._channel.receive(max(seconds, 0.001))
        except TimeoutError:
            raise self._ended(f"took more than {self._limits.seconds:g} s", "over_time") from None
        except (EOFError, OSError):
            raise self._ended("ended") from None
        except ValueError:
            raise self._ended("sent what is no answer") from None

    def _ended(self, otherwise: str, rule: EndRule = "died") -> WorkerEndedError:
        """The process has ended, or is ended now; the signal that it died of says more than what was noticed."""
        with suppress(subprocess.TimeoutExpired):
            self._wait(_DYING_SECONDS if otherwise == "ended" else 0)
        code = self._process.poll()
        self.end()
        return _death(code, self._peak_bytes, self._limits) or WorkerEndedError(otherwise, rule)

    def _wait(self, seconds: float) -> None:
        """Waits for the end of the process; what it took of memory is known then.

        Raises:
            subprocess.TimeoutExpired: it lives on.
        """
        until = time.monotonic() + seconds
        while self._process.returncode is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._peak_bytes = usage.ru_maxrss * _MAXRSS_UNIT
            elif time.monotonic() >= until:
                raise subprocess.TimeoutExpired(self._process.args, seconds)
            else:
                time.sleep(_LOOK_SECONDS)  # `wait4`, which tells of memory, knows no limit of time

    def kill(self) -> None:
        """Has the system end it; who waits for its answer notices, and ends it."""
        self._process.kill()

    def end(self) -> None:
        """Ends it; once is enough."""
        self._channel.close()
        self._process.kill()
        self._process.wait(_END_SECONDS)


def _death(code: int | None, peak_bytes: int, limits: SandboxLimits) -> WorkerEndedError | None:
    """By what a process died by itself; None: it did not."""
    if not code:
        return None
    if code > 0:
        return WorkerEndedError(f"ended with exit code {code}")
    number = -code
    if number == signal.SIGXCPU:
        reason = f"took more than {limits.cpu_seconds} s of processor time"
        return WorkerEndedError(reason, "over_time")
    if number == signal.SIGABRT and peak_bytes > limits.memory_bytes:  # how C++ ends without memory
        return WorkerEndedError(_needs_memory(limits), "over_memory")
    if number == signal.SIGXFSZ:
        return WorkerEndedError("tried to write a file")
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = str(number)
    return WorkerEndedError(f"was ended by signal {name}")


def _needs_memory(limits: SandboxLimits) -> str:
    return f"needs more than {limits.memory_bytes:,} bytes of memory"


class _Reading:
    """Reads what a worker asks for, counts it, and keeps the first error for who asked for all this."""

    def __init__(self, sources: Sequence[RangeSource], most: int) -> None:
        self._sources = sources
        self._left = most
        self._error: Exception | None = None

    def read(self, wanted: RangeWanted) -> bytes | None:
        """The bytes; None: no more."""
        if self._error is not None:
            return None
        try:
            self._check(wanted)
            return self._sources[wanted.source].read_range(wanted.start, wanted.length)
        except Exception as error:  # noqa: BLE001 - raised again by `check`, when the worker is at rest
            self._error = error
            return None

    def _check(self, wanted: RangeWanted) -> None:
        self._left -= max(wanted.length, _LEAST_COUNTED)
        if self._left < 0 or wanted.source >= len(self._sources):
            raise ReadTooMuchError
        if wanted.start + wanted.length > self._sources[wanted.source].size:
            raise ReadTooMuchError

    def check(self) -> None:
        """Raises what reading raised."""
        if self._error is not None:
            raise self._error


def _start(
    program: SandboxProgram, first: str, end: socket.socket, limits: SandboxLimits
) -> subprocess.Popen[bytes]:
    """Starts the program with our modules and those of the installed packages, and nothing else of ours."""
    root, packages = _folders(program.packages)
    search = [str(root), *map(str, packages)]
    readable = [str(root / "resources"), *map(str, packages), *_SYSTEM_FOLDERS]
    told = (end.fileno(), os.getpid(), first, limits.memory_bytes, limits.cpu_seconds, readable)
    code = f"import sys; sys.path[:] = {search!r}; import {program.module} as program; program.main(*{told!r})"
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own command line, no shell
        [sys.executable, "-I", "-S", "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[end.fileno()],
        cwd="/",
        env=kept | _SET_VARIABLES,
    )


def _folders(imported: Sequence[str]) -> tuple[Path, list[Path]]:
    """The folder that holds our modules; those of Python and of the packages."""
    root = Path(resources.__file__ or "").resolve().parent.parent
    named = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    standard = Path(sysconfig.get_path("stdlib"))
    found = (find_spec(name) for name in ("msgspec", *imported))  # wherever they are installed
    homes = [Path(spec.origin).parent.parent for spec in found if spec and spec.origin]
    folders = [*map(Path, named), standard / "lib-dynload", *homes, Path(sys.base_prefix) / "lib"]
    return root, list(dict.fromkeys(folder for folder in folders if folder.is_dir()))
