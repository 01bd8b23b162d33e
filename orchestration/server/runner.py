"""A warm process that runs are forked from, so that a small run does not wait for its imports.

A run in a fresh interpreter spends several seconds of CPU on imports before its first step. This process imports
Dagster, the data libraries and this project once, stays single-threaded, and forks for each run; the fork then
executes Dagster's own `api execute_run` and builds the definitions itself, so that edits of users' YAML and Python
under `defs/` count for the very next run. When code of the project proper has changed it declines, the launcher
takes Dagster's own way, and this process starts itself anew as soon as no run of it is left.

    python -m orchestration.server.runner SOCKET
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.services.locks import hold
from resources.home import PROJECT_ROOT

LIBRARIES = (
    "duckdb",
    "fsspec.implementations.local",
    "jinja2.nativetypes",
    "numpy",
    "pandas",
    "pyarrow.csv",
    "pyarrow.parquet",
    "sqlalchemy",
    "sqlglot.dialects.duckdb",
    "tomlkit",
    # What Dagster itself imports late, when a run begins. A name that a later release drops only costs time.
    "dagster._cli.api",
    "dagster._core.definitions.external_asset",
    "dagster._core.definitions.repository_definition.repository_data_builder",
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.workspace.autodiscovery",
    "dagster._daemon.controller",
    "dagster.components.core.snapshot",
    "orchestration.definitions",
    "orchestration.server.launcher",
)
PACKAGES = ("resources", "assets", "orchestration.pipelines")
STOP_SECONDS = 10.0  # E57
REQUEST_SECONDS = 2.0
REQUEST_LIMIT_BYTES = 10_000_000
GO_SECONDS = 60.0
logger = logging.getLogger(__name__)


@dataclass
class Worker:
    """A forked run."""

    run_id: str
    kill_at: float | None = None
    """When to stop asking; set once the run is to be stopped."""


@dataclass(frozen=True)
class Request:
    """What a launcher asks for: to start or to stop a run."""

    action: str
    run_id: str
    arguments: list[str]
    lock: str

    @classmethod
    def parse(cls, line: bytes) -> Request:
        """A line of JSON.

        Raises:
            ValueError: it is no request.
        """
        given = json.loads(line)
        if not isinstance(given, dict) or given.get("action") not in ("start", "stop"):
            raise ValueError("neither start nor stop")
        arguments, lock = given.get("arguments", []), given.get("lock", "")
        texts = [given.get("run_id"), lock, *arguments] if isinstance(arguments, list) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("run_id, lock and arguments are texts")
        if given["action"] == "start" and not (arguments and lock):
            raise ValueError("start needs arguments and a lock")
        return cls(given["action"], given["run_id"], arguments, lock)


@dataclass(frozen=True)
class Execution:
    """What a fork is to do: a command line of Dagster, while it holds a lock, once the launcher says go."""

    arguments: list[str]
    lock: Path
    launcher: socket.socket


@dataclass(frozen=True)
class Obituary:
    """What a fork is to do: report that a run's process was killed."""

    run_id: str
    cause: str


Task = Execution | Obituary


def preload() -> dict[Path, int]:
    """Imports what runs will need.

    Returns:
        Modification times of the project's own files among it.
    """
    for name in [*LIBRARIES, *_own_modules()]:
        try:
            importlib.import_module(name)
        except ImportError as error:  # a run that needs it will say so itself
            logger.warning("%s is not kept warm: %s", name, error)
    return project_files()


def _own_modules() -> Iterator[str]:
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(folder, f"{package}.", onerror=_ignore):
            if ".migrations" not in module.name:  # scripts of Alembic: importing one runs it
                yield module.name


def _ignore(_name: str) -> None:
    """A package that cannot be walked is reported when it is imported."""


def project_files() -> dict[Path, int]:
    """Files of this project that are loaded, with their modification times now; 0 for those that are gone."""
    paths = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    own = (Path(path) for path in paths if path and path.startswith(f"{PROJECT_ROOT}{os.sep}"))
    outside = PROJECT_ROOT / ".venv"
    return {path: _modified(path) for path in own if outside not in path.parents}


@dataclass
class Runner:
    """Answers on `listener`, forks, buries. `serve` returns in forks only, with what the fork is to do."""

    listener: socket.socket
    loaded: dict[Path, int]
    workers: dict[int, Worker] = field(default_factory=dict)
    reporters: set[int] = field(default_factory=set)
    is_stale: bool = False

    def serve(self) -> Task:
        """Serves until the process is ended; in a fork returns its task."""
        wake_read, wake_write = socket.socketpair()
        wake_read.setblocking(False)
        wake_write.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake_write.fileno())
        with selectors.DefaultSelector() as selector, wake_read, wake_write:
            selector.register(self.listener, selectors.EVENT_READ, self._answer)
            selector.register(wake_read, selectors.EVENT_READ, lambda: _drain(wake_read))
            while True:
                stopping = any(worker.kill_at for worker in self.workers.values())
                for key, _ in selector.select(0.5 if stopping else None):
                    if (task := key.data()) is not None:
                        return task  # type: ignore[no-any-return]  # a selector's data is untyped
                if (obituary := self._bury()) is not None:
                    return obituary
                self._kill_the_deaf()
                if self.is_stale and not self.workers:
                    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - ourselves again, no shell

    def _answer(self) -> Execution | None:
        connection, _ = self.listener.accept()
        connection.settimeout(REQUEST_SECONDS)
        try:
            request = Request.parse(connection.makefile("rb").readline(REQUEST_LIMIT_BYTES))
            if request.action == "start" and (pid := self.fork_run(request.run_id)) is not None:
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

    def fork_run(self, run_id: str) -> int | None:
        """The worker's process id, 0 in the worker itself, None when a fork would run outdated code."""
        self.is_stale = self.is_stale or any(
            _modified(path) != moment for path, moment in self.loaded.items()
        )
        if self.is_stale:
            return None
        pid = os.fork()
        if pid:
            self.workers[pid] = Worker(run_id)
        return pid

    def _stop(self, run_id: str) -> bool:
        for pid, worker in self.workers.items():
            if worker.run_id == run_id:
                os.kill(pid, signal.SIGTERM)
                worker.kill_at = worker.kill_at or time.monotonic() + STOP_SECONDS
                return True
        return False

    def _kill_the_deaf(self) -> None:
        for pid, worker in self.workers.items():
            if worker.kill_at is not None and time.monotonic() > worker.kill_at:
                os.kill(pid, signal.SIGKILL)

    def _bury(self) -> Obituary | None:
        """Reaps dead workers; in a fork, made for a worker that did not end by itself, what to report."""
        for pid, worker in list(self.workers.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found == 0:
                continue
            del self.workers[pid]
            code = os.waitstatus_to_exitcode(status)
            if code != 0:
                logger.warning("the process of run %s ended with code %s", worker.run_id, code)
                reporter = os.fork()
                if reporter == 0:
                    return Obituary(worker.run_id, _describe(code))
                self.reporters.add(reporter)
        self.reporters -= {pid for pid in self.reporters if os.waitpid(pid, os.WNOHANG)[0]}
        return None


def _describe(code: int) -> str:
    if code == -signal.SIGKILL:
        return "was killed (out of memory?)"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _modified(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _drain(wake: socket.socket) -> None:
    wake.recv(4096)


def become_worker() -> None:
    """Undoes in a fork what belongs to the runner alone."""
    import numpy as np

    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    np.random.seed()  # noqa: NPY002 - else every fork would draw the same numbers from numpy's global generator


def execute(execution: Execution) -> None:
    """Runs a command line of Dagster in this process, as `python -m dagster` would, holding its lock."""
    with hold(execution.lock, note=str(os.getpid()), wait=True):
        try:
            if _may_go(execution.launcher):
                sys.argv = ["dagster", *execution.arguments]
                runpy.run_module("dagster", run_name="__main__", alter_sys=True)
        finally:
            execution.lock.unlink(missing_ok=True)


def _may_go(launcher: socket.socket) -> bool:
    # The launcher writes its tags into the run between the answer and "go": a run that has begun writes them too,
    # and one of the two updates would be lost.
    with launcher:
        launcher.settimeout(GO_SECONDS)
        launcher.sendall(b'{"done": true}\n')
        return launcher.recv(16) == b"go\n"


def report(obituary: Obituary) -> None:
    """Marks a run as failed, or as canceled if that was wanted, unless it managed to finish (E45)."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(obituary.run_id)
        if run is None or run.is_finished:
            return
        message = f"The process of this run {obituary.cause}."
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message=message)
        else:
            instance.report_run_failed(run, message=message)


def main(path: str) -> None:
    """The runner; its forks leave `serve` and end here too."""
    loaded = preload()
    Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(
            path
        )  # only now: as long as the socket is missing, runs are started in another way
        listener.listen(64)
        task = Runner(listener, loaded).serve()
    become_worker()
    if isinstance(task, Execution):
        execute(task)
    else:
        report(task)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    main(sys.argv[1])
