"""Starts the processes of `waybill up`, watches them, ends them.

One process each for the code location, the web UI and the daemon, in process groups of their own; runs belong to
the group of the code location. The reaper ends all groups when this process goes, even by `kill -9`. Imports no
Dagster: it answers at once and stays small.
"""

from __future__ import annotations

import signal
import socket
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Self

from orchestration.server.address import url_of
from orchestration.server.probe import ask
from orchestration.server.process import ProcessGroups, Service
from orchestration.server.settings import RUNNER_VARIABLE
from orchestration.server.workspace import Workspace, plan_workspace
from orchestration.services.home import Home
from orchestration.services.locks import hold, read_note
from resources.kernel.errors import ConflictError, StorageError

POLL_SECONDS = 0.1
PROBE_SECONDS = 0.5
# Open calls of the web UI would hold a code server for a minute.
CODE_SERVER_ENVIRONMENT = {"DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD": "1"}
Announce = Callable[[str], None]


def serve(home: Home, workspace_file: Path, listener: socket.socket, announce: Announce) -> None:
    """Runs the server until SIGINT, SIGTERM or SIGHUP.

    Raises:
        ConflictError: a server of this home folder runs already.
        ConfigError: the workspace file cannot be used.
        StorageError: one of the processes keeps dying.
    """
    with ExitStack() as stack:
        _take_home(stack, home, url_of(listener))
        stop = stack.enter_context(StopSignals())
        folder = Path(tempfile.mkdtemp(prefix="waybill-"))
        groups = stack.enter_context(ProcessGroups(folder))
        services = _plan(home, plan_workspace(workspace_file, folder), listener)
        announce(f"starting; logs are in {home.logs}")
        news = _News(listener, announce)
        while not stop.asked:
            for service in services:
                _keep_up(service, groups, announce)
                service.cut_log()
            news.tell()
            groups.forget_empty()
            time.sleep(POLL_SECONDS)
        announce("stopping")
    announce("stopped")


class StopSignals:
    """Notes that somebody asked the server to end, while the context lives."""

    _NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Self:
        # Set also where a script started us with `&` and SIGINT ignored: children would inherit that. Not so where
        # `nohup` ignores the end of the terminal: that was asked for.
        wanted = [n for n in self._NUMBERS if n != signal.SIGHUP or not _is_ignored(n)]
        self._before = {number: signal.signal(number, self._note) for number in wanted}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def _is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) == signal.SIG_IGN


def _take_home(stack: ExitStack, home: Home, address: str) -> None:
    lock = home.locks / "up.lock"
    if not stack.enter_context(hold(lock, note=address)):
        raise ConflictError(
            f"waybill already runs for the home folder {home.root} at {read_note(lock)}",
            hint="Use it, stop it, or set WAYBILL_HOME to another folder:"
            " two daemons would double every run",
        )


def _plan(home: Home, workspace: Workspace, listener: socket.socket) -> list[Service]:
    sockets = tuple(server.socket for server in workspace.servers)
    runner = workspace.file.with_name("runner.sock")
    environment = {RUNNER_VARIABLE: str(runner)}
    code = [
        Service(
            f"code location {server.location}",
            server.command,
            home.logs / f"code-{number}.log",
            environment=CODE_SERVER_ENVIRONMENT,
        )
        for number, server in enumerate(workspace.servers)
    ]
    web = Service(
        "web",
        [
            *(sys.executable, "-m", "orchestration.server.web", str(workspace.file)),
            *(str(listener.fileno()), *map(str, sockets)),
        ],
        home.logs / "web.log",
        descriptors=(listener.fileno(),),
        sees_password=True,
        environment=environment,
    )
    daemon = Service(
        "daemon",
        [
            str(Path(sysconfig.get_path("scripts")) / "dagster-daemon"),
            "run",
            "-w",
            str(workspace.file),
        ],
        home.logs / "daemon.log",
        needs=sockets,
        environment=environment,
    )
    warm = Service(
        "runner",
        [sys.executable, "-m", "orchestration.server.runner", str(runner)],
        home.logs / "runs.log",
        needs=sockets,
        is_optional=True,
    )
    return [*code, web, daemon, warm]


def _keep_up(service: Service, groups: ProcessGroups, announce: Announce) -> None:
    if service.process is None:
        if service.is_ready_to_start:
            groups.add(service.start())
    elif service.process.poll() is not None:
        if not service.may_restart():
            if service.is_optional:
                return
            raise StorageError(
                f"the {service.name} process ended {len(service.started_at)} times:"
                f" {service.last_words()}",
                hint=f"Its whole output is in {service.log}",
            )
        announce(f"the {service.name} process ended ({service.last_words()}); starting it again")
        groups.add(service.start())


class _News:
    """Says once that the server answers, and what does not load."""

    def __init__(self, listener: socket.socket, announce: Announce) -> None:
        self._listener = listener
        self._announce = announce
        self._told = False
        self._next_at = 0.0

    def tell(self) -> None:
        if self._told or time.monotonic() < self._next_at:
            return
        state = ask(self._listener)
        self._next_at = time.monotonic() + PROBE_SECONDS
        if state is None or state.loading:
            return
        self._told = True
        for location, error in state.errors:
            self._announce(f"the code location {location!r} does not load: {first_line(error)}")
        self._announce(f"ready at {url_of(self._listener)}  (Ctrl-C ends it)")


def first_line(error: str) -> str:
    """What an error of a code location says, without its traceback."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return lines[0][:500] if lines else "no reason was given"
