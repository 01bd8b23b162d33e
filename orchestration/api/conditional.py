"""Answers that may be polled: an ETag for each, and 304 for a client that has it already."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Conditional:
    """ASGI middleware: JSON that comes in one piece gets an ETag of its bytes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on, and looks at the answer of a GET."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        known = Headers(scope=scope).get("if-none-match", "")
        await self.app(scope, receive, _Answer(send, known))


class _Answer:
    """The answer on its way: held back until its first bytes are there."""

    def __init__(self, send: Send, known: str) -> None:
        self._send = send
        self._known = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        self._start: MutableMapping[str, Any] | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_tagged(message):
            self._start = message
            return
        if self._start is None:
            await self._send(message)
            return
        start, self._start = self._start, None
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            body = message.get("body", b"")
            tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
            headers = MutableHeaders(raw=start["headers"])
            headers["etag"] = tag
            headers.setdefault("cache-control", "no-cache")
            if tag in self._known or "*" in self._known:
                start["status"] = 304
                del headers["content-length"]
                message = {**message, "body": b""}
        await self._send(start)
        await self._send(message)


def _is_tagged(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    kind = headers.get("content-type", "")
    return (
        message["status"] == 200 and kind.startswith("application/json") and "etag" not in headers
    )
