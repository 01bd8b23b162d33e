"""Forks what a code location needs: its code server, its runs, and answers to questions. Stops and buries them.

**What holds.** Every fork begins with the definitions that were loaded, and every fork that ends is noticed: a run that
died without a word is reported as failed, and a code server that died is started again, unless it dies all the time.

**Why that is safe.** The process that serves here has one thread. Before each fork the threads are counted: a thread could
hold a lock at that moment, which the fork would wait for forever.

**When it is lost.** Where a library of the user's has started a thread, forking is declined and the work is done by fresh
processes, which is slower. When this process is killed, its runs are reported by the next server (`reconcile.py`).

**What it costs.** One process for each run and each question, `ANSWERS` questions at most; memory is shared until written to.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.server import news
from orchestration.server.answering import Answering
from orchestration.server.execution import Execution, Farewell, Obituary
from orchestration.server.settings import RETIRE, STOP, Interrupted
from orchestration.server.threads import end_idle_threads, other_threads
from orchestration.services.asking.frames import FAILED, encode_error, frame
from resources.kernel.errors import ConnectorUnavailableError

STOP_SECONDS = 10.0  # E57
REQUEST_SECONDS = 2.0
REQUEST_LIMIT_BYTES = 10_000_000
ANSWERS = 24
"""How many questions are answered at a time: each is a process."""
BUSY = frame(
    FAILED,
    encode_error(
        ConnectorUnavailableError(
            f"{ANSWERS} requests are being answered already", hint="Try again in a moment"
        )
    ),
)
CODE_SERVER_DEATHS, CODE_SERVER_WINDOW_SECONDS = 5, 60.0
logger = logging.getLogger(__name__)


@dataclass
class Worker:
    """A forked run."""

    run_id: str
    kill_at: float | None = None
    """When to stop asking; set once the run is to be stopped."""


@dataclass(frozen=True)
class Request:
    """What is asked for: to start or to stop a run, or to answer a question."""

    action: str
    run_id: str = ""
    arguments: str = ""
    lock: str = ""

    @classmethod
    def parse(cls, line: bytes) -> Request:
        """A line of JSON.

        Raises:
            ValueError: it is no request.
        """
        given = json.loads(line)
        if not isinstance(given, dict) or given.get("action") not in ("start", "stop", "ask"):
            raise ValueError("neither start nor stop nor ask")
        if given["action"] == "ask":
            return cls("ask", arguments=line.decode())
        texts = [given.get("run_id"), given.get("arguments", ""), given.get("lock", "")]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("run_id, lock and arguments are texts")
        if given["action"] == "start" and not all(texts):
            raise ValueError("start needs arguments and a lock")
        return cls(given["action"], *texts)


@dataclass(frozen=True)
class Serving:
    """To be the code server of the location."""

    parent: int


Task = Execution | Obituary | Farewell | Serving | Answering


@dataclass
class Runner:
    """Answers on `listener`, forks, buries. `serve` returns a task in forks, None when the process is to end.

    Args:
        listener: where launchers ask.
        location: what the code location is called.
        spawn_code_server: starts it as a fresh process, where a fork would be wrong; its process id.
        spawn_answer: the same for what answers a question; it is given the question and the connection.
        can_execute: whether there are definitions to execute.
        choice: what becomes of runs when the server is stopped.
    """

    listener: socket.socket
    location: str
    spawn_code_server: Callable[[], int]
    spawn_answer: Callable[[str, socket.socket], int]
    can_execute: bool = True
    choice: Interrupted = Interrupted.RESUME
    workers: dict[int, Worker] = field(default_factory=dict)
    reporters: set[int] = field(default_factory=set)
    answers: set[int] = field(default_factory=set)
    farewell: int | None = None
    code_server: int | None = None
    code_server_deaths: list[float] = field(default_factory=list)
    is_leaving: bool = False
    has_told: bool = False

    def serve(self) -> Task | None:
        """Serves until it has been retired or stopped and nothing of it is left."""
        wake_read, wake_write = socket.socketpair()
        wake_read.setblocking(False)
        wake_write.setblocking(False)
        for number in (signal.SIGTERM, signal.SIGINT):  # Dagster would raise an exception
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGCHLD, RETIRE, STOP):
            signal.signal(number, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake_write.fileno())
        with selectors.DefaultSelector() as selector, wake_read, wake_write:
            selector.register(self.listener, selectors.EVENT_READ, self._answer)
            selector.register(wake_read, selectors.EVENT_READ, lambda: self._hear(wake_read))
            while True:
                if (task := self._keep_code_server()) is not None:
                    return task
                if self._is_done():
                    return None
                for key, _ in selector.select(self._patience()):
                    if (task := key.data()) is not None:
                        return task  # type: ignore[no-any-return]  # a selector's data is untyped
                if (obituary := self._bury()) is not None:
                    return obituary
                self._kill_the_deaf()

    def _patience(self) -> float | None:
        stopping = any(worker.kill_at for worker in self.workers.values())
        return 0.5 if stopping or self.code_server is None else None

    def _is_done(self) -> bool:
        left = self.workers or self.reporters or self.answers or self.farewell or self.code_server
        return self.is_leaving and not left

    def fork(self) -> int | None:
        """The id of a new process, 0 in it; None where a fork would take over threads that are not there."""
        end_idle_threads()
        if not (threads := other_threads()):
            sys.stdout.flush()
            sys.stderr.flush()
            return os.fork()
        if not self.has_told:
            self.has_told = True
            news.tell(
                f"the code of {self.location!r} keeps threads of its own ({', '.join(threads)}): each run gets a"
                " fresh process, which takes seconds longer, and reads the code as it is then. Import what starts"
                " them where it is used, not at the top of a file"
            )
        return None

    def _keep_code_server(self) -> Serving | None:
        if self.code_server is not None or self.is_leaving:
            return None
        now = time.monotonic()
        recent = [at for at in self.code_server_deaths if now - at < CODE_SERVER_WINDOW_SECONDS]
        if len(recent) >= CODE_SERVER_DEATHS:
            raise SystemExit(f"the code server of {self.location!r} keeps dying")
        parent = os.getpid()
        pid = self.fork()
        if pid == 0:
            return Serving(parent)
        self.code_server = self.spawn_code_server() if pid is None else pid
        return None

    def _answer(self) -> Execution | Answering | None:
        connection, _ = self.listener.accept()
        connection.settimeout(REQUEST_SECONDS)
        try:
            line = connection.makefile("rb").readline(REQUEST_LIMIT_BYTES)
            if not line:  # a probe, to see whether the socket answers
                return None
            request = Request.parse(line)
            if request.action == "ask":
                if (answering := self._ask(request.arguments, connection)) is not None:
                    return answering
            elif request.action == "start" and (pid := self._fork_run(request.run_id)) is not None:
                if pid == 0:
                    return Execution(request.arguments, Path(request.lock), connection)
                # The fork answers for itself, as soon as it holds its lock.
            else:
                done = request.action == "stop" and self._stop(request.run_id)
                connection.sendall(json.dumps({"done": done}).encode() + b"\n")
        except (OSError, ValueError) as error:
            logger.warning("a request could not be answered: %r", error)
        connection.close()
        return None

    def _ask(self, question: str, connection: socket.socket) -> Answering | None:
        """Has a question answered over the connection by a process that ends with it; in that process, what to do."""
        if len(self.answers) >= ANSWERS:
            connection.sendall(BUSY)
            return None
        pid = self.fork()
        if pid == 0:
            return Answering(question, connection)
        self.answers.add(self.spawn_answer(question, connection) if pid is None else pid)
        return None

    def _fork_run(self, run_id: str) -> int | None:
        pid = self.fork() if self.can_execute and not self.is_leaving else None
        if pid:
            self.workers[pid] = Worker(run_id)
        return pid

    def _stop(self, run_id: str) -> bool:
        stopped = [pid for pid, worker in self.workers.items() if worker.run_id == run_id]
        for pid in stopped:
            self._stop_worker(pid)
        return bool(stopped)

    def _stop_worker(self, pid: int) -> None:
        os.kill(pid, signal.SIGTERM)
        worker = self.workers[pid]
        worker.kill_at = worker.kill_at or time.monotonic() + STOP_SECONDS

    def _hear(self, wake: socket.socket) -> Farewell | None:
        numbers = wake.recv(4096)
        if RETIRE in numbers and not self.is_leaving:
            self.is_leaving = True
            self._signal_code_server(RETIRE)
        if STOP in numbers:
            self.is_leaving = True
            self._signal_code_server(signal.SIGTERM)
            return self._part()
        return None

    def _signal_code_server(self, number: signal.Signals) -> None:
        if self.code_server is not None:
            os.kill(self.code_server, number)

    def _part(self) -> Farewell | None:
        """Has a fork write down why the runs end; they are told to when it has."""
        if self.farewell is not None or not self.workers:
            return None
        runs = tuple(worker.run_id for worker in self.workers.values())
        self.farewell = self.fork()
        if self.farewell == 0:
            return Farewell(runs, self.choice)
        if self.farewell is None:
            self._stop_all()
        return None

    def _stop_all(self) -> None:
        for pid in self.workers:
            self._stop_worker(pid)

    def _kill_the_deaf(self) -> None:
        for pid, worker in self.workers.items():
            if worker.kill_at is not None and time.monotonic() > worker.kill_at:
                os.kill(pid, signal.SIGKILL)

    def _bury(self) -> Obituary | None:
        """Reaps dead children; in a fork, made for a run that did not end by itself, what to report."""
        self._bury_code_server()
        self.reporters -= {pid for pid in self.reporters if _status_of(pid) is not None}
        self.answers -= {pid for pid in self.answers if _status_of(pid) is not None}
        if self.farewell is not None and _status_of(self.farewell) is not None:
            self.farewell = None
            self._stop_all()
        for pid, worker in list(self.workers.items()):
            code = _status_of(pid)
            if code is None:
                continue
            del self.workers[pid]
            if code != 0:
                logger.warning("the process of run %s ended with code %s", worker.run_id, code)
                reporter = self.fork()
                if reporter == 0:
                    return Obituary(worker.run_id, _describe(code))
                if reporter is not None:
                    self.reporters.add(reporter)
        return None

    def _bury_code_server(self) -> None:
        if self.code_server is None or (code := _status_of(self.code_server)) is None:
            return
        self.code_server = None
        if not self.is_leaving:
            self.code_server_deaths.append(time.monotonic())
            news.tell(f"the code server of {self.location!r} {_describe(code)}; another one starts")


def _status_of(pid: int) -> int | None:
    """The exit code of a child that has ended, which is buried with that."""
    with suppress(ChildProcessError):
        found, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if found else None
    return 0


def _describe(code: int) -> str:
    if code == -signal.SIGKILL:
        return "was killed (out of memory?)"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
