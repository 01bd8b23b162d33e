"""Websockets of GraphQL: each operation is judged like one that comes by POST, and the session has to last."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from orchestration.server.guard import lasting
from orchestration.server.guard.asgi import App, Message, Receive, Refusal, Scope, Send
from orchestration.server.guard.doors import Visit
from orchestration.server.guard.graphql import operation_of

_START = ("start", "subscribe")


class GuardedSocket:
    """One websocket.

    Args:
        app: what answers.
        visit: who opened it.
        is_welcome: whether who came in so may still.
    """

    def __init__(
        self, app: App, visit: Visit, is_welcome: Callable[[Visit], Awaitable[bool]]
    ) -> None:
        self._app = app
        self._visit = visit
        self._is_welcome = is_welcome
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
                operation_id, refusal = found
                await send(_error(operation_id, refusal))

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

    def _read(self, message: Message) -> tuple[Any, Refusal] | None:
        """The operation that is refused, and why; None where the message may pass."""
        text = message.get("text")
        if text is None:  # Dagster reads texts only, and fails on anything else
            return None, Refusal(400, "a websocket's messages are text")
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            return None, Refusal(400, "the message is no JSON")
        if not isinstance(request, dict):
            return None, Refusal(400, "the message is no JSON object")
        if request.get("type") not in _START:
            return None
        payload = request.get("payload")
        if not isinstance(payload, dict):
            return request.get("id"), Refusal(400, "the operation is no JSON object")
        operation = operation_of(payload)
        refusal = (
            operation if isinstance(operation, Refusal) else operation.check(self._visit.actor)
        )
        return None if refusal is None else (request.get("id"), refusal)


def _error(operation_id: Any, refusal: Refusal) -> Message:
    payload = {"message": refusal.reason, "extensions": {"status": refusal.status}}
    answer = {"type": "error", "id": operation_id, "payload": payload}
    return {"type": "websocket.send", "text": json.dumps(answer)}
