"""The queries that run in this process's name: few at once for each person, each with an id by which it is stopped.

Only the asker's side is here. Stopping one hangs up, and the process that answers ends with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from orchestration.services.access.actor import user_of
from resources.kernel.errors import ConflictError, NotFoundError

_LOOK_SECONDS = 0.25
EACH, ALL = 2, 4
"""Queries at once: of one user, and of all together. The last place is for a user who has none: two users never take all."""
R = TypeVar("R")


class QueryStoppedError(ConflictError):
    """The query was stopped, or no client waits for it any more."""

    retryable = False


@dataclass
class RunningQueries:
    """What runs now."""

    _tasks: dict[str, tuple[str, asyncio.Task[Any] | None]] = field(default_factory=dict)

    async def run(
        self,
        query_id: str,
        actor: str,
        work: Callable[[], Coroutine[Any, Any, R]],
        is_gone: Callable[[], Awaitable[bool]],
    ) -> R:
        """Does `work` under an id, until it is done, stopped, or the client that waits for it has gone.

        Raises:
            ConflictError: too many run already, or one with this id; `work` was not begun.
            QueryStoppedError: it was stopped.
        """
        self.check(query_id, actor)
        task = asyncio.create_task(work())
        self._tasks[query_id] = actor, task
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_SECONDS)
                if not task.done() and await is_gone():
                    task.cancel()
            if task.cancelled():
                raise QueryStoppedError("the query was stopped")
            return task.result()
        finally:
            task.cancel()
            del self._tasks[query_id]

    @contextmanager
    def held(self, query_id: str, actor: str) -> Iterator[None]:
        """Counts a query that ends with the client's connection, not by its id.

        Raises:
            ConflictError: too many run already.
        """
        self.check(query_id, actor)
        self._tasks[query_id] = actor, None
        try:
            yield
        finally:
            del self._tasks[query_id]

    def stop(self, query_id: str, actor: str, *, any_actor: bool = False) -> None:
        """Stops a query.

        Raises:
            NotFoundError: none of this id runs, or it is another user's.
        """
        owner, task = self._tasks.get(query_id, ("", None))
        if task is None or (owner != actor and not any_actor):
            raise NotFoundError(
                f"no query {query_id[:40]!r} of yours runs now", hint="It may have ended meanwhile"
            )
        task.cancel()

    def check(self, query_id: str, actor: str) -> None:
        """Whether one more may run.

        Raises:
            ConflictError: too many do already, or one with this id.
        """
        user = user_of(actor)
        own = sum(user_of(owner) == user for owner, _ in self._tasks.values())
        most = ALL - 1 if own else ALL
        if own >= EACH or len(self._tasks) >= most:
            whose = (
                f"{own} queries of yours run" if own >= EACH else f"{len(self._tasks)} queries run"
            )
            raise ConflictError(
                f"{whose} already, and no more may at once", hint="Wait, or stop one of them"
            )
        if query_id in self._tasks:
            raise ConflictError(f"a query {query_id[:40]!r} runs already", hint="Leave the id out")


RUNNING = RunningQueries()
"""Of this process."""
