"""A TCP proxy that misbehaves on purpose: it cuts a connection after so many bytes, stalls it, or refuses it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST


@dataclass
class FaultyProxy:
    """Passes bytes between clients and 127.0.0.1:`target_port` until a fault is due.

    Args:
        target_port: where the real server listens.
        cut_after: bytes from the server, counted over all connections, after which every connection is reset.
        stall_after: bytes after which nothing is passed any more, while the connections stay open.
        refuse_first: how many connections are reset before they pass a byte.
    """

    target_port: int
    cut_after: int | None = None
    stall_after: int | None = None
    refuse_first: int = 0
    passed: int = field(default=0, init=False)
    port: int = field(default=0, init=False)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list, init=False)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(60)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _end(self) -> None:
        self._server.close()
        self._reset_all()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _reset_all(self) -> None:
        for writer in self._writers:
            raw = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        if self.refuse_first > 0:
            self.refuse_first -= 1
            self._reset_all()
            return
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self.target_port)
        self._writers.append(downstream)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(
                self._pass(reader, downstream, counted=False),
                self._pass(upstream, writer, counted=True),
            )

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        while data := await source.read(16_384):
            if counted:
                self.passed += len(data)
            if self.cut_after is not None and self.passed >= self.cut_after:
                self._reset_all()
                return
            if self.stall_after is not None and self.passed >= self.stall_after:
                await asyncio.Event().wait()  # until the proxy ends
            sink.write(data)
            await sink.drain()
        sink.close()


@contextmanager
def faulty_proxy(target_port: int, **faults: int) -> Iterator[FaultyProxy]:
    """A running proxy in front of a port of the loopback interface."""
    with FaultyProxy(target_port, **faults) as proxy:
        yield proxy
