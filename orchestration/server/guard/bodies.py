"""Bodies of requests: read whole under a limit of size and time, or streamed under a limit of size and pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from orchestration.server.guard.asgi import Message, Receive, Refusal
from orchestration.server.guard.zones import BODY_LIMIT_BYTES

STREAM_BYTES_A_SECOND = 10_000
"""A streamed body has to be this fast on average, beside a grace at its start; time that we need does not count."""


async def read_whole(receive: Receive, seconds: float) -> bytes | Refusal:
    """The whole body, or why it is refused."""
    try:
        async with asyncio.timeout(seconds):
            body = await _read(receive)
    except TimeoutError:
        return Refusal(408, f"the body did not arrive in {seconds:g} seconds")
    return Refusal(413, f"more than {BODY_LIMIT_BYTES} bytes") if body is None else body


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when it is larger than the limit, whatever its headers said."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the client has gone
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """`receive` for a body that was read already."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


class StreamedBody:
    """A body as it comes in. What breaks a limit ends it: the application sees that the client has gone.

    Args:
        receive: where it comes from.
        limit_bytes: how large it may be.
        grace_seconds: how long it may keep us waiting beside what its size allows.
        refuse: told why it is ended.
    """

    def __init__(
        self,
        receive: Receive,
        *,
        limit_bytes: int,
        grace_seconds: float,
        refuse: Callable[[Refusal], Awaitable[None]],
    ) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._grace_seconds = grace_seconds
        self._refuse = refuse
        self._size = 0
        self._waited = 0.0
        self._is_over = False
        self._ahead: list[Message] = []
        self.refusal: Refusal | None = None

    async def peek(self) -> bytes:
        """The next piece, which stays to be received; empty at the end."""
        message = await self._next()
        self._ahead.append(message)
        return bytes(message.get("body", b""))

    async def receive(self) -> Message:
        """ASGI's `receive`."""
        return self._ahead.pop(0) if self._ahead else await self._next()

    async def _next(self) -> Message:
        if self.refusal is not None:
            return {"type": "http.disconnect"}
        if self._is_over:
            return await self._receive()
        began = time.monotonic()
        allowed = self._grace_seconds + self._size / STREAM_BYTES_A_SECOND - self._waited
        try:
            async with asyncio.timeout(allowed):
                message = await self._receive()
        except TimeoutError:
            return await self._end(Refusal(408, "the body comes too slowly"))
        self._waited += time.monotonic() - began
        self._size += len(message.get("body", b""))
        if self._size > self._limit_bytes:
            return await self._end(Refusal(413, f"more than {self._limit_bytes} bytes"))
        self._is_over = not message.get("more_body", False)
        return message

    async def _end(self, refusal: Refusal) -> Message:
        self.refusal = refusal
        await self._refuse(refusal)
        return {"type": "http.disconnect"}
