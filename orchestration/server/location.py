"""The processes of one code location, as the supervisor sees them.

One serves, a newer one may be loading the code anew, older ones stay as long as runs of theirs go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.server.forking import Process
from orchestration.server.probe import answers
from orchestration.server.process import ProcessGroups, Service, check_may_restart
from orchestration.server.settings import RETIRE, STOP
from orchestration.server.workspace import CodeServer

Announce = Callable[[str], None]
SUFFIXES = ("sock", "runs")


@dataclass
class LocationProcesses:
    """Starts, replaces and restarts them.

    Args:
        server: what is served.
        service: how a process of it is started; its command is set for each.
        groups: end with the server.
        announce: tells the person who started the server.
    """

    server: CodeServer
    service: Service
    groups: ProcessGroups
    announce: Announce
    generation: int = 0
    current: Process | None = None
    next: Process | None = None
    older: list[Process] = field(default_factory=list)

    def tend(self) -> None:
        """Looks after them; called often.

        Raises:
            StorageError: the process keeps dying.
        """
        self.older = [process for process in self.older if process.poll() is None]
        if self.next is not None:
            self._take_over()
        elif self.current is None:
            self._start()
        elif self.current.poll() is not None:
            self._restart()
        elif self._reload_file.exists():
            self.service.started_at.clear()  # not a death
            self._start()

    @property
    def _reload_file(self) -> Path:
        return Path(f"{self.server.path}.reload")

    def _start(self) -> None:
        self._reload_file.unlink(missing_ok=True)
        self.server.failure_file.unlink(missing_ok=True)
        self.generation += 1
        self.service.command = self.server.command(self.generation)
        self.next = self.service.start(keep_log=self.generation > 1)
        self.groups.add(self.next)

    def _restart(self) -> None:
        check_may_restart(self.service)
        self.announce(
            f"the {self.service.name} process ended ({self.service.last_words()}); starting it again"
        )
        self.current = None
        self._start()

    def _take_over(self) -> None:
        process = self.next
        if process is None:
            return
        if process.poll() is not None:
            self.next = None
            if self.current is None:
                self.current = process  # dead: restarted, or given up, by the next look
            else:
                told = (
                    f"the code of {self.server.location!r} could not be loaded anew"
                    f" ({self.service.last_words()}); what was loaded stays"
                )
                # For clients that wait for the reload; moved into place, so that none reads half of it.
                scratch = self.server.failure_file.with_suffix(".new")
                scratch.write_text(told, encoding="utf-8")
                scratch.replace(self.server.failure_file)
                self.announce(told)
            return
        own = self.server.path_of(self.generation)
        if not all(answers(f"{own}.{suffix}") for suffix in SUFFIXES):
            return
        for suffix in SUFFIXES:
            _point(Path(f"{self.server.path}.{suffix}"), Path(f"{own}.{suffix}"))
        if self.current is not None:
            self.current.send_signal(RETIRE)
            self.older.append(self.current)
        self.current, self.next = process, None

    def ask_to_stop(self) -> None:
        """Has them write into their runs why these end, and end."""
        for process in self.processes:
            process.send_signal(STOP)

    @property
    def processes(self) -> list[Process]:
        """Those that live."""
        found = [*self.older, self.current, self.next]
        return [process for process in found if process is not None and process.poll() is None]


def _point(link: Path, target: Path) -> None:
    """Makes `link` a symbolic link to `target`, in one step."""
    scratch = link.with_name(f"{link.name}.new")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(target.name)
    scratch.replace(link)
