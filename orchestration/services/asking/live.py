"""An answer and what happens on the way to it, as they come: for a page that shows a test going on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar

from orchestration.services.asking.client import Asker
from orchestration.services.asking.question import Question
from resources.kernel.errors import WaybillError

R = TypeVar("R")
_NOTHING_MORE = object()


class Live(Generic[R]):
    """A question that is being answered.

    Iterate over it for what the process tells, which ends with the answer; then ask for `result` or `error`. Leaving
    before the end hangs up, and the process ends.
    """

    def __init__(self, asker: Asker, question: Question[R], **arguments: Any) -> None:
        self._ask: Callable[..., Any] = lambda tell: asker.ask(question, tell=tell, **arguments)
        self.result: R | None = None
        self.error: WaybillError | None = None
        """What was wrong. Anything else that went wrong is a bug, and raised by the iteration."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        told: asyncio.Queue[Any] = asyncio.Queue()
        asking = asyncio.create_task(self._finish(told))
        try:
            while (event := await told.get()) is not _NOTHING_MORE:
                yield event
            await asking
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _finish(self, told: asyncio.Queue[Any]) -> None:
        try:
            self.result = await self._ask(told.put_nowait)
        except WaybillError as error:
            self.error = error
        finally:
            told.put_nowait(_NOTHING_MORE)
