"""HTTP connections that have to say what they want in time: a slow or silent client is cut off. Large bodies are not copied.

uvicorn waits without end for the headers of a request. The guard sees a request only once they are there, so the
limit has to be here.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

HEADER_SECONDS = 10.0
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class PunctualProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen by what is installed
    """uvicorn's own, which closes a connection whose request line and headers are not there in time."""

    header_seconds: ClassVar[float] = HEADER_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The first request is awaited from here on."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Part of a request: of its headers as long as uvicorn has not begun to handle it."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._arrived()
        elif (before is None or before.response_complete) and self._deadline is None:
            self._expect()

    def on_body(self, body: bytes) -> None:
        """Hands on a large part as it is: uvicorn copies it twice, which costs as much as to receive it."""
        cycle = self.cycle
        if len(body) <= HIGH_WATER_LIMIT or cycle.body or cycle.response_complete:
            super().on_body(body)
        elif not self.parser.should_upgrade():
            cycle.body = body
            self.flow.pause_reading()
            cycle.message_event.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._arrived()
        super().connection_lost(exc)

    def _expect(self) -> None:
        self._deadline = self.loop.call_later(self.header_seconds, self._cut)

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        self._deadline = None
        # A websocket has been handed to a protocol of its own.
        if self.transport.get_protocol() is self and not self.transport.is_closing():
            self.transport.write(_TOO_SLOW)
            self.transport.close()
