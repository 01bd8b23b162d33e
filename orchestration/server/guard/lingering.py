"""Answers that are given before the body was read: what still comes is read for a while, so that the answer arrives.

A connection that is closed while bytes of it are unread is reset, and whoever sends loses the answer with it: a browser
sees a lost connection, a proxy says 502.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from orchestration.server.guard.asgi import Headers, Message, Receive, Send

LINGER_BYTES = 16 * 1024**2
LINGER_SECONDS = 2.0


class Lingering:
    """Both directions of a request. An answer that closes the connection goes out whole; then the rest of the body is thrown away, and the connection ends.

    Args:
        headers: of the request.
        receive: where its body comes from.
        send: where the answer goes to.
    """

    def __init__(self, headers: Headers, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._is_read = not headers.may_have_body
        self._closes = False

    async def receive(self) -> Message:
        """ASGI's `receive`."""
        message = await self._receive()
        self._is_read = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """ASGI's `send`."""
        if message["type"] == "http.response.start":
            self._closes = (b"connection", b"close") in message["headers"]
        is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not is_last or not self._closes or self._is_read:
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        await self._throw_away()
        await self._send({"type": "http.response.body", "body": b""})

    async def _throw_away(self) -> None:
        left = LINGER_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._is_read and left > 0:
                    left -= len((await self.receive()).get("body", b""))
