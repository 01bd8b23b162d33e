"""Workers at work and at rest. Any thread may ask; one that died or was ended is replaced when the next is needed."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from resources.kernel.errors import InputError
from resources.sandbox.limits import SandboxLimits
from resources.sandbox.messages import Job
from resources.sandbox.process import (
    JobRefusedError,
    ReadTooMuchError,
    WorkerEndedError,
    WorkerProcess,
)
from resources.sandbox.program import SandboxProgram
from resources.sandbox.ranges import RangeSource
from resources.sandbox.refusals import SandboxRefusedError

HEAD_BYTES = 32 * 1024
"""Read of each file before a worker has to wait for it. It tells all of most images."""
_FEWEST, _MOST = 2, 4
"""Processes, unless told otherwise: one file may occupy one of them for minutes."""
Refusal = Callable[[str, str], SandboxRefusedError]
"""Makes the error of a rule and a message. Both may be a stranger's: rules that are not known have to become one that is."""


class SandboxPool:
    """A fixed number of workers, started when they are needed. Used as a context.

    Args:
        program: what they run.
        limits: of each answer.
        workers: how many at most.
        refusal: how a refusal is said.
    """

    def __init__(
        self, program: SandboxProgram, limits: SandboxLimits, workers: int, refusal: Refusal
    ) -> None:
        self._program = program
        self._refusal = refusal
        self._limits = limits
        self._places = threading.BoundedSemaphore(workers)
        self._resting: list[WorkerProcess] = []
        self._working: set[WorkerProcess] = set()
        self._lock = threading.Lock()
        self._starter = _Starter()
        self._is_closed = False
        self.confinement: list[str] = []
        """What the system refuses the workers, by name; empty until the first was started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all workers; those that wait for an answer get the error that their worker ended."""
        with self._lock:
            self._is_closed = True
            resting, working = [*self._resting], [*self._working]
            self._resting.clear()
        for process in working:
            process.kill()
        for process in resting:
            process.end()
        self._starter.close()

    def ask(
        self,
        handler: str,
        kind: str,
        sources: Sequence[RangeSource],
        options: bytes,
        read_bytes: int,
    ) -> Iterator[bytes]:
        """The answers about some files.

        Args:
            handler: what is asked for.
            kind: of file; what a worker loads that has to be started for it.
            sources: the files; their first bytes are read by the calling thread, before it takes a worker.
            options: for the handler.
            read_bytes: how many bytes of the files may be read.

        Raises:
            SandboxRefusedError: a file breaks a rule, its parser died, or it went beyond a limit.
            Exception: what reading from a source raised.
        """
        heads = [_head_of(source) for source in sources]
        job = Job(
            handler, options, [one.name for one in sources], [one.size for one in sources], heads
        )
        with self._places:
            try:
                yield from self._answers(kind, job, sources, read_bytes)
            except WorkerEndedError as ended:
                raise self._refusal(
                    ended.rule, f"It cannot be read: the parser {ended.reason}"
                ) from None
            except JobRefusedError as error:
                raise self._refusal(error.refused.rule, error.refused.message) from None
            except ReadTooMuchError:
                raise self._refusal(
                    "over_reading",
                    f"It cannot be read: more than {read_bytes:,} bytes of it would be needed",
                ) from None

    def _answers(
        self, kind: str, job: Job, sources: Sequence[RangeSource], read_bytes: int
    ) -> Iterator[bytes]:
        """From any worker; from a new one where one that has read other files before ends over this one."""
        process = self._take(kind)
        is_witness, parts = process.is_fresh, 0
        try:
            for part in self._from(process, job, sources, read_bytes):
                parts += 1
                yield part
        except WorkerEndedError:
            if is_witness or parts:
                raise
        else:
            return
        yield from self._from(self._start(kind), job, sources, read_bytes)

    def _from(
        self,
        process: WorkerProcess,
        job: Job,
        sources: Sequence[RangeSource],
        read_bytes: int,
    ) -> Iterator[bytes]:
        try:
            yield from process.ask(job, sources, read_bytes)
        finally:
            self._let_go(process)

    def _take(self, kind: str) -> WorkerProcess:
        with self._lock:
            process = self._resting.pop() if self._resting else None
            if process is not None:
                self._working.add(process)
        return process or self._start(kind)

    def _start(self, kind: str) -> WorkerProcess:
        process = self._starter.start(self._program, kind, self._limits)
        with self._lock:
            self._working.add(process)
        try:
            self.confinement = process.settle()
        except BaseException:
            self._let_go(process)
            raise
        return process

    def _let_go(self, process: WorkerProcess) -> None:
        """Lets a worker rest; ends one that is in the midst of a job, died, or is not needed any more."""
        with self._lock:
            self._working.discard(process)
            is_kept = process.is_at_rest and process.is_settled and not self._is_closed
            if is_kept:
                self._resting.append(process)
        if not is_kept:
            process.end()


def usual_workers() -> int:
    """How many workers a pool has, unless its user says it: by the number of processors."""
    return max(_FEWEST, min(_MOST, os.cpu_count() or 1))


def _head_of(source: RangeSource) -> bytes:
    length = min(HEAD_BYTES, source.size)
    return source.read_range(0, length) if length else b""


class _Starter:
    """The thread that starts workers: it lives as long as they may, and the system ends them with it."""

    def __init__(self) -> None:
        self._wanted: queue.SimpleQueue[
            tuple[SandboxProgram, str, SandboxLimits, Future[WorkerProcess]] | None
        ] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def start(self, program: SandboxProgram, kind: str, limits: SandboxLimits) -> WorkerProcess:
        future: Future[WorkerProcess] = Future()
        with self._lock:
            if self._is_closed:
                raise InputError("The processes that read files have been ended")
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="sandbox-starter", daemon=True
                )
                self._thread.start()
            self._wanted.put((program, kind, limits, future))
        return future.result()

    def _run(self) -> None:
        while wanted := self._wanted.get():
            program, kind, limits, future = wanted
            try:
                future.set_result(WorkerProcess(program, kind, limits))
            except Exception as error:  # noqa: BLE001 - raised where the worker was asked for
                future.set_exception(error)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._wanted.put(None)
        if self._thread is not None:
            self._thread.join()
