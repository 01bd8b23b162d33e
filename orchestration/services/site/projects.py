"""The projects that a server shows: its code locations, each as it was loaded last.

Whether a location was loaded anew is seen by a link that the supervisor turns to its newest process, at the cost of one
system call, so a page shows a reload at once. While a process is being replaced, or its code does not load, what was
declared before is shown, with the reason.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.services.access.actor import Actor
from orchestration.services.asking.client import Asker
from orchestration.services.described import Described, kept_described
from orchestration.services.home import Home
from orchestration.services.questions.project import DESCRIBE
from orchestration.services.snapshot import Snapshot
from resources.kernel.errors import ConfigError, UnknownNameError, WaybillError

DESCRIBE_SECONDS = 10.0
"""How long a page waits for what a new process declares, before it shows what was declared before."""
_SERVER = Actor("waybill")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Project:
    """A code location as it is now.

    Args:
        name: of the location.
        socket: where its process is asked.
        snapshot: what it declares, or declared when it last loaded.
        error: why it does not load, with file and line; empty when it does.
        generation: changes with each load.
    """

    name: str
    socket: Path
    snapshot: Snapshot
    error: str = ""
    generation: str = ""

    def asker(self, actor: Actor) -> Asker:
        """Asks its process on behalf of a user."""
        return Asker(self.socket, actor)


@dataclass
class Projects:
    """Finds projects by name.

    Args:
        home: where what they declared is kept.
        sockets: where each location is asked, in the order of the workspace.
    """

    home: Home
    sockets: Mapping[str, Path]
    _known: dict[str, tuple[str, Described]] = field(default_factory=dict)
    _asking: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def all(self) -> list[Project]:
        """Every code location that is a project of Waybill, in the order of the workspace."""
        found = [await self._find(name) for name in self.sockets]
        return [project for project in found if project is not None]

    async def get(self, name: str) -> Project:
        """A project.

        Raises:
            UnknownNameError: no code location is called so.
            ConfigError: it is none of Waybill's, or has never loaded.
        """
        if name not in self.sockets:
            raise UnknownNameError("project", name, self.sockets)
        project = await self._find(name)
        if project is None:
            error = self._known[name][1].error if name in self._known else ""
            raise ConfigError(error or f"the code location {name!r} has not been loaded yet")
        return project

    async def _find(self, name: str) -> Project | None:
        generation = _generation(self.sockets[name])
        known = self._known.get(name)
        if known is None or known[0] != generation:
            known = await self._ask(name, generation)
        seen, described = known
        if described.snapshot is None:
            return None
        return Project(name, self.sockets[name], described.snapshot, described.error, seen)

    async def _ask(self, name: str, generation: str) -> tuple[str, Described]:
        async with self._asking.setdefault(name, asyncio.Lock()):
            known = self._known.get(name)
            if known is not None and known[0] == generation:
                return known  # another request has asked meanwhile
            try:
                async with asyncio.timeout(DESCRIBE_SECONDS):
                    described = await Asker(self.sockets[name], _SERVER).ask(DESCRIBE)
            except (WaybillError, TimeoutError) as error:
                logger.warning("%s does not say what it declares: %s", name, error)
                kept = kept_described(self.home, name) or Described()
                return generation, kept  # not remembered: asked again by the next request
            self._known[name] = generation, described
            return self._known[name]


def _generation(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""
