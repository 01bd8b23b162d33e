"""The server's processes: how each is started, how often it may die, what it said last, who ends them all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from orchestration.server import reaper
from orchestration.server.forking import Process, Program, Zygote
from orchestration.server.settings import PASSWORD_VARIABLE, STOP_SECONDS
from resources.kernel.errors import StorageError

RESTARTS = 3
RESTART_WINDOW_SECONDS = 120.0
LOG_LIMIT_BYTES = 20_000_000
_REAPER_NEEDS = ("LD_LIBRARY_PATH", "PATH", "WAYBILL_HOME")
"""No secret: the reaper outlives everything else."""


@dataclass
class Service:
    """One process that must stay up.

    Args:
        name: what logs and messages call it.
        command: how it is started.
        log: where its output goes.
        descriptors: what it inherits.
        sees_password: whether it gets the web UI's password.
        environment: variables that it gets besides ours.
        zygote: forks it; without one it is a fresh process.
    """

    name: str
    command: list[str]
    log: Path
    descriptors: tuple[int, ...] = ()
    sees_password: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    zygote: Zygote | None = None
    process: Process | None = None
    started_at: list[float] = field(default_factory=list)
    _log_began: int = 0
    """Where the output of the process begins in the log, which may hold that of those before it."""

    def start(self, *, keep_log: bool = False) -> Process:
        """Starts it, in a process group and session of its own; the log begins anew unless it is to be kept."""
        # A file in the current folder must not take the place of a module: code.py, random.py.
        environment = {**os.environ, "PYTHONSAFEPATH": "1", **self.environment}
        if not self.sees_password:
            environment.pop(PASSWORD_VARIABLE, None)
        self.started_at.append(time.monotonic())
        if len(self.started_at) == 1 and self.log.exists() and not keep_log:
            self.log.replace(self._previous_log)
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        name = f"waybill-{self.name.split()[0]}"
        program = Program(name, self.command, self.log, environment, self.descriptors)
        self.process = program.spawn() if self.zygote is None else self.zygote.launch(program)
        return self.process

    def may_restart(self) -> bool:
        """Whether it has not died too often of late."""
        since = time.monotonic() - RESTART_WINDOW_SECONDS
        return sum(moment > since for moment in self.started_at) <= RESTARTS

    def cut_log(self, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
        """Moves the log's content aside when it has grown too long; the process goes on appending to it."""
        if self.log.exists() and self.log.stat().st_size > limit_bytes:
            shutil.copyfile(self.log, self._previous_log)
            os.truncate(self.log, 0)
            self._log_began = 0

    @property
    def _previous_log(self) -> Path:
        return self.log.with_suffix(".previous.log")

    def last_words(self) -> str:
        """How it ended, for an error text: the signal that killed it, else the end of what it said itself."""
        code = None if self.process is None else self.process.poll()
        if code is not None and code < 0:
            return f"killed by signal {-code}, {signal.strsignal(-code)}"
        with self.log.open("rb") as log:
            log.seek(self._log_began)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip()[:200] if lines else f"exit code {code}, without a message"


def check_may_restart(service: Service) -> None:
    """Nothing, where it may be started again.

    Raises:
        StorageError: it has died too often of late.
    """
    if not service.may_restart():
        raise StorageError(
            f"the {service.name} process ended {len(service.started_at)} times: {service.last_words()}",
            hint=f"Its whole output is in {service.log}",
        )


class ProcessGroups:
    """Process groups that end when the context ends, or when this process dies in any way.

    Args:
        folder: removed when they have ended.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._members: list[Process] = []

    def __enter__(self) -> Self:
        command = [sys.executable, "-S", reaper.__file__, str(STOP_SECONDS), str(self._folder)]
        self._reaper = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            command,
            stdin=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
            env={name: os.environ[name] for name in _REAPER_NEEDS if name in os.environ},
        )
        return self

    def __exit__(self, *_error: object) -> None:
        self._pipe.close()
        while self._reaper.poll() is None:
            for member in self._members:
                member.poll()  # buries the dead, so that their group is seen to be empty
            time.sleep(reaper.POLL_SECONDS)

    def add(self, leader: Process) -> None:
        """Takes the group that `leader` leads."""
        self._members.append(leader)
        self._pipe.write(f"+{leader.pid}\n")

    @property
    def members(self) -> tuple[int, ...]:
        """The groups that would be ended now."""
        return tuple(member.pid for member in self._members)

    def forget_empty(self) -> None:
        """Lets go of groups that have become empty: their numbers may be used again by others."""
        for leader in [member for member in self._members if member.poll() is not None]:
            if not reaper.is_alive(leader.pid):
                self._members.remove(leader)
                self._pipe.write(f"-{leader.pid}\n")

    @property
    def _pipe(self) -> IO[str]:
        if self._reaper.stdin is None:
            raise AssertionError("the reaper is started with a pipe")
        return self._reaper.stdin
