"""Websockets of GraphQL: each operation is judged like one that comes by POST, and the session has to last."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from orchestration.server.guard import lasting
from orchestration.server.guard.asgi import App, Message, Receive, Refusal, Scope, Send
from orchestration.server.guard.doors import Visit
from orchestration.server.guard.graphql import Operation, operation_of
from orchestration.services.access.actor import Actor

_START = ("start", "subscribe")
_NOTHING = Operation(())


@dataclass(frozen=True)
class _Refused:
    """What is not passed on, and why."""

    operation_id: Any
    refusal: Refusal
    operation: Operation = _NOTHING


class GuardedSocket:
    """One websocket.

    Args:
        app: what answers.
        visit: who opened it.
        is_welcome: whether who came in so may still.
        note_refused: hears of each operation that is not passed on.
    """

    def __init__(
        self,
        app: App,
        visit: Visit,
        is_welcome: Callable[[Visit], Awaitable[bool]],
        note_refused: Callable[[Actor, Operation, Refusal], Awaitable[None]],
    ) -> None:
        self._app = app
        self._visit = visit
        self._is_welcome = is_welcome
        self._note_refused = note_refused
        self._next_look = time.monotonic() + lasting.CHECK_SECONDS

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes messages on until either side goes, or the session ends."""

        async def checked() -> Message:
            while True:
                message = await self._next(receive)
                if message["type"] != "websocket.receive":
                    return message
                found = self._read(message)
                if found is None:
                    return message
                await self._note_refused(self._visit.actor, found.operation, found.refusal)
                await send(_error(found.operation_id, found.refusal))

        await self._app(scope, checked, send)

    async def _next(self, receive: Receive) -> Message:
        waiting = asyncio.ensure_future(receive())
        try:
            while True:
                left = max(0.0, self._next_look - time.monotonic())
                done, _ = await asyncio.wait({waiting}, timeout=left)
                if time.monotonic() >= self._next_look:  # also of one who never stops talking
                    if not await self._is_welcome(self._visit):
                        return {"type": "websocket.disconnect", "code": 1008}
                    self._next_look = time.monotonic() + lasting.CHECK_SECONDS
                if done:
                    return waiting.result()
        finally:
            waiting.cancel()

    def _read(self, message: Message) -> _Refused | None:
        """The operation that is refused, and why; None where the message may pass."""
        text = message.get("text")
        if text is None:  # Dagster reads texts only, and fails on anything else
            return _Refused(None, Refusal(400, "a websocket's messages are text"))
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            return _Refused(None, Refusal(400, "the message is no JSON object"))
        if request.get("type") not in _START:
            return None
        payload = request.get("payload")
        if not isinstance(payload, dict):
            return _Refused(request.get("id"), Refusal(400, "the operation is no JSON object"))
        operation = operation_of(payload)
        refusal = (
            operation if isinstance(operation, Refusal) else operation.check(self._visit.actor)
        )
        if refusal is None:
            return None
        known = operation if isinstance(operation, Operation) else _NOTHING
        return _Refused(request.get("id"), refusal, known)


def _error(operation_id: Any, refusal: Refusal) -> Message:
    payload = {"message": refusal.reason, "extensions": {"status": refusal.status}}
    answer = {"type": "error", "id": operation_id, "payload": payload}
    return {"type": "websocket.send", "text": json.dumps(answer)}
