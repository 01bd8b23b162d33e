"""Pictures as pages and routes ask for them: found where they are kept, else made, many in one go, each once.

A page of a grid asks for some dozens of pictures, its browser for six at a time. So the page says beforehand which it will need
(`expect`), those that are missing are made by one question, and whoever asks for one waits for that one alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool

from orchestration.services.access.actor import Actor
from orchestration.services.asking.frames import decode_error
from orchestration.services.collections.thumbnails import (
    FRESH_SECONDS,
    KeptPicture,
    PictureFolder,
    PictureWanted,
)
from orchestration.services.home import Home
from orchestration.services.questions.thumbnail import MAKE
from orchestration.services.site.projects import Project
from resources.kernel.errors import NotFoundError, WaybillError

BATCH = 64
"""Pictures of one question."""
_AT_ONCE = 2
"""Questions of one project."""
_GATHER_SECONDS = 0.02
_SERVER = Actor("waybill")
logger = logging.getLogger(__name__)


@dataclass
class _Queue:
    """What is missing of one project."""

    waiting: dict[str, PictureWanted] = field(default_factory=dict)
    results: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    """Of those that wait, and of those that are being made."""
    workers: int = 0


@dataclass
class Pictures:
    """The pictures of a server; used from its event loop alone.

    Args:
        home: where they are kept.
    """

    home: Home
    _queues: dict[str, _Queue] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def get(self, project: Project, wanted: PictureWanted) -> KeptPicture:
        """A picture; made if it is not there yet.

        Raises:
            NotFoundError: the object has gone.
            WaybillError: what kept it from being made.
        """
        folder, key = PictureFolder(self.home), wanted.key(project.name)
        found = await run_in_threadpool(folder.find, key)
        if found is None:
            await asyncio.shield(self._queued(project, key, wanted))
            found = await run_in_threadpool(folder.find, key)
        elif found[1] > FRESH_SECONDS:
            self._queued(project, key, wanted)
        if found is None:
            raise NotFoundError("the picture is gone again", hint="Ask for it once more")
        return found[0]

    async def expect(self, project: Project, wanted: Sequence[PictureWanted]) -> list[bool]:
        """Has pictures made that are missing, and does not wait for them.

        Returns:
            Of each whether there is one, or may be one soon.
        """
        folder = PictureFolder(self.home)
        keys = [one.key(project.name) for one in wanted]
        found = await run_in_threadpool(lambda: [folder.find(key) for key in keys])
        for key, one, known in zip(keys, wanted, found, strict=True):
            if known is None or known[1] > FRESH_SECONDS:
                self._queued(project, key, one)
        return [known is None or bool(known[0].data) for known in found]

    def _queued(self, project: Project, key: str, wanted: PictureWanted) -> asyncio.Future[None]:
        queue = self._queues.setdefault(project.name, _Queue())
        result = queue.results.get(key)
        if result is None:
            result = queue.results[key] = asyncio.get_running_loop().create_future()
            result.add_done_callback(_look_at)
            queue.waiting[key] = wanted
            if queue.workers < _AT_ONCE:
                queue.workers += 1
                task = asyncio.create_task(self._work(project, queue))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return result

    async def _work(self, project: Project, queue: _Queue) -> None:
        try:
            await asyncio.sleep(_GATHER_SECONDS)  # a browser asks for several
            while queue.waiting:
                some = dict(list(queue.waiting.items())[:BATCH])
                for key in some:
                    del queue.waiting[key]
                await self._make(project, queue, some)
        finally:
            queue.workers -= 1

    async def _make(self, project: Project, queue: _Queue, some: dict[str, PictureWanted]) -> None:
        results = {key: queue.results[key] for key in some}

        def finish(key: str, error: WaybillError | None) -> None:
            if queue.results.get(key) is results[key]:
                del queue.results[key]
                _settle(results[key], error)

        def hear(told: Any) -> None:
            error = None if told["error"] is None else decode_error(told["error"].encode())
            finish(told["key"], error)

        failure: WaybillError | None = None
        try:
            await project.asker(_SERVER).ask(
                MAKE, tell=hear, wanted=[asdict(one) for one in some.values()]
            )
        except WaybillError as error:
            failure = error
        except TimeoutError:
            failure = NotFoundError("the picture was not made in time", hint="Try again")
        finally:
            for key in some:
                finish(key, failure or NotFoundError("no picture was made"))


def _settle(result: asyncio.Future[None], error: WaybillError | None) -> None:
    if error is None:
        result.set_result(None)
    else:
        result.set_exception(error)


def _look_at(result: asyncio.Future[None]) -> None:
    """Takes note of an error that nobody waits for."""
    if not result.cancelled() and (error := result.exception()) is not None:
        logger.info("a picture could not be made: %s", error)
