"""Starts the processes of `waybill up`, watches them, ends them.

One process for a code location, one for the web UI with the daemon, each in a process group of its own; runs belong
to the group of their code location. The reaper ends all groups when this process goes, even by `kill -9`.
"""

from __future__ import annotations

import json
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self

from orchestration.server.address import url_of
from orchestration.server.forking import Zygote
from orchestration.server.location import LocationProcesses
from orchestration.server.news import VARIABLE as NEWS_VARIABLE
from orchestration.server.news import NewsReader
from orchestration.server.probe import ask
from orchestration.server.process import ProcessGroups, Service, check_may_restart
from orchestration.server.settings import (
    INTERRUPTED_VARIABLE,
    PROBE_VARIABLE,
    RUNNERS_VARIABLE,
    Interrupted,
)
from orchestration.server.threads import THREADLESS_ENVIRONMENT
from orchestration.server.workspace import Workspace, plan_workspace
from orchestration.services.home import Home
from orchestration.services.locks import CODE_LOCK, hold, read_note
from resources.kernel.errors import ConflictError
from resources.scratch import ScratchFolder

POLL_SECONDS = 0.1
PROBE_SECONDS = 0.5
PROGRESS_SECONDS = 10.0
# Runs may take 10 s to clean up (E57).
PARTING_SECONDS = 13.0
# The web UI and the daemon may take 5 s of it.
WEB_SECONDS = 6.0
Announce = Callable[[str], None]


def serve(
    home: Home,
    workspace_file: Path,
    listener: socket.socket,
    announce: Announce,
    interrupted: Interrupted = Interrupted.RESUME,
) -> None:
    """Runs the server until SIGINT, SIGTERM or SIGHUP.

    Args:
        home: whose server it is.
        workspace_file: which code locations it serves.
        listener: where the web UI answers.
        announce: hears what goes on, line by line.
        interrupted: what becomes of runs that are at work at the end.

    Raises:
        ConflictError: a server of this home folder runs already.
        ConfigError: the workspace file cannot be used.
        StorageError: one of the processes keeps dying.
    """
    with ExitStack() as stack:
        _take_home(stack, home, url_of(listener))
        stop = stack.enter_context(StopSignals())
        folder = stack.enter_context(ScratchFolder("server")).path
        environment = _environment(folder, interrupted)
        # Ended after the groups: it buries what it has forked.
        zygote = Zygote.start(home.logs / "zygote.log", environment | {"PYTHONSAFEPATH": "1"})
        stack.callback(zygote.close)
        groups = stack.enter_context(ProcessGroups(folder))
        workspace = plan_workspace(workspace_file, folder)
        announce(f"starting; logs are in {home.logs}")
        stack.enter_context(_noted(home, workspace))
        locations = _plan_locations(home, workspace, environment, groups, announce)
        front = _Front(listener, secrets.token_urlsafe(16))
        web = _plan_web(home, workspace, front, environment)
        for service in [web, *(location.service for location in locations)]:
            service.zygote = zygote
        news = _News(front, announce, NewsReader(Path(environment[NEWS_VARIABLE])), workspace)
        while not stop.asked:
            # First what a process has said, then what became of it.
            news.tell()
            if zygote.is_settled:
                _look_after(locations, web, groups, announce)
            groups.forget_empty()
            time.sleep(POLL_SECONDS)
        announce("stopping")
        _part(web, locations)
        news.pass_on()
    announce("stopped")


class StopSignals:
    """Notes that the server was asked to end, while the context lives."""

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


def _noted(home: Home, workspace: Workspace) -> AbstractContextManager[bool]:
    """Says to commands where the code of the locations is served."""
    sockets = {server.location: str(server.socket) for server in workspace.servers}
    return hold(home.locks / CODE_LOCK, note=json.dumps(sockets))


def _environment(folder: Path, interrupted: Interrupted) -> dict[str, str]:
    """What all processes of the server are told."""
    return {
        RUNNERS_VARIABLE: str(folder),
        NEWS_VARIABLE: str(folder / "news.txt"),
        INTERRUPTED_VARIABLE: interrupted.value,
        # Each thread that allocates would else get 64 MB of address space to scatter its memory over.
        "MALLOC_ARENA_MAX": "2",
    }


def _plan_locations(
    home: Home,
    workspace: Workspace,
    environment: dict[str, str],
    groups: ProcessGroups,
    announce: Announce,
) -> list[LocationProcesses]:
    return [
        LocationProcesses(
            server,
            Service(
                f"code location {server.location}",
                [],
                home.logs / f"code-{number}.log",
                environment=environment | THREADLESS_ENVIRONMENT,
            ),
            groups,
            announce,
        )
        for number, server in enumerate(workspace.servers)
    ]


def _plan_web(
    home: Home, workspace: Workspace, front: _Front, environment: dict[str, str]
) -> Service:
    sockets = [server.socket for server in workspace.servers]
    return Service(
        "web",
        [
            *(sys.executable, "-m", "orchestration.server.web", str(workspace.file)),
            *(str(front.listener.fileno()), *map(str, sockets)),
        ],
        home.logs / "web.log",
        descriptors=(front.listener.fileno(),),
        sees_password=True,
        environment=environment | {PROBE_VARIABLE: front.probe},
    )


def _look_after(
    locations: list[LocationProcesses],
    web: Service,
    groups: ProcessGroups,
    announce: Announce,
) -> None:
    for location in locations:
        location.tend()
        location.service.cut_log()
    _keep_up(web, groups, announce)
    web.cut_log()


def _keep_up(service: Service, groups: ProcessGroups, announce: Announce) -> None:
    if service.process is None:
        groups.add(service.start())
    elif service.process.poll() is not None:
        check_may_restart(service)
        announce(f"the {service.name} process ended ({service.last_words()}); starting it again")
        groups.add(service.start())


def _part(web: Service, locations: list[LocationProcesses]) -> None:
    """Ends what would start or retry runs, then has the runs end, each told why."""
    if (process := web.process) is not None:
        process.terminate()
        _wait(lambda: process.poll() is not None, WEB_SECONDS)
    for location in locations:
        location.ask_to_stop()
    _wait(lambda: not any(location.processes for location in locations), PARTING_SECONDS)


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class _Front:
    """Where the server answers, and the secret with which it is asked whether it is ready."""

    listener: socket.socket
    probe: str


class _News:
    """Says that the server is starting, that it answers, what does not load, and what its processes have to say."""

    def __init__(
        self, front: _Front, announce: Announce, reader: NewsReader, workspace: Workspace
    ) -> None:
        self._front = front
        self._announce = announce
        self._reader = reader
        self._own = {server.location for server in workspace.servers}
        self._sockets = [server.socket for server in workspace.servers]
        self._ready = False
        self._began_at = self._said_at = time.monotonic()
        self._probe_at = 0.0

    def tell(self) -> None:
        """Asks and says; called often."""
        self.pass_on()
        if self._ready or time.monotonic() < self._probe_at:
            return
        state = ask(self._front.listener, self._front.probe)
        self._probe_at = time.monotonic() + PROBE_SECONDS
        if state is None or state.loading:
            self._tell_progress()
            return
        self._ready = True
        self.pass_on()
        for location, error in state.errors:
            if location not in self._own:  # those say it themselves, and better
                self._announce(f"the code location {location!r} does not load: {first_line(error)}")
        self._announce(f"ready at {url_of(self._front.listener)}  (Ctrl-C ends it)")

    def pass_on(self) -> None:
        """What the processes have said since the last time."""
        for line in self._reader.read():
            self._announce(line)

    def _tell_progress(self) -> None:
        now = time.monotonic()
        if now - self._said_at < PROGRESS_SECONDS:
            return
        self._said_at = now
        missing = [socket for socket in self._sockets if not socket.exists()]
        doing = "loading the code" if missing else "starting the web UI"
        self._announce(f"still {doing}, {now - self._began_at:.0f} s so far")


def first_line(error: str) -> str:
    """What an error of a code location says, without its traceback."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return lines[0][:500] if lines else "no reason was given"
