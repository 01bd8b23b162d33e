"""What parent and worker say to each other, over a socket: a length of four bytes, then MessagePack.

The worker may be under a stranger's control. The parent reads at most as many bytes as an answer may have, in
the types of this module; nothing is ever unpickled.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import Annotated

import msgspec

LENGTH = struct.Struct(">I")
_MESSAGE_ROOM = 4096
"""Bytes of a message beside its payload."""


MOST_RANGE = 1 << 20
"""Bytes that are asked for at once."""
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Job(msgspec.Struct, frozen=True, tag="job"):
    """To the worker: do this with these files."""

    handler: str
    options: bytes
    names: list[str]
    sizes: list[int]
    heads: list[bytes]
    """The first bytes of each file, read before."""


class RangeRead(msgspec.Struct, frozen=True, tag="range"):
    """To the worker: the bytes that it asked for; None: they cannot be had, give up."""

    data: bytes | None


class RangeWanted(msgspec.Struct, frozen=True, tag="want"):
    """From the worker: bytes of a file."""

    source: _Number
    start: _Number
    length: Annotated[int, msgspec.Meta(ge=0, le=MOST_RANGE)]


class Confined(msgspec.Struct, frozen=True, tag="settled"):
    """From the worker: it is confined, in these ways, and ready for jobs."""

    confinement: list[str]


class AnswerPart(msgspec.Struct, frozen=True, tag="part"):
    """From the worker: one of the answers of a job."""

    data: bytes


class JobDone(msgspec.Struct, frozen=True, tag="done"):
    """From the worker: there are no more answers."""


class JobRefused(msgspec.Struct, frozen=True, tag="refused"):
    """From the worker: the file breaks a rule."""

    rule: str
    message: str
    is_final: bool = False
    """Whether the worker ends itself after this, since it cannot know what it lacks now."""


ToWorker = Job | RangeRead
FromWorker = RangeWanted | Confined | AnswerPart | JobDone | JobRefused

_encode = msgspec.msgpack.Encoder().encode


class Channel:
    """One end of the socket.

    Args:
        end: a connected stream socket.
        incoming: the messages that may come.
        most: bytes of the largest payload that may come.
    """

    def __init__(self, end: socket.socket, incoming: object, most: int) -> None:
        self._socket = end
        self._decode = msgspec.msgpack.Decoder(incoming).decode
        self._most = most + _MESSAGE_ROOM

    def send(self, message: msgspec.Struct, seconds: float | None = None) -> None:
        """Sends one message.

        Raises:
            OSError: the other end is gone, or takes nothing for so long (`TimeoutError`).
        """
        data = _encode(message)
        self._socket.settimeout(seconds)
        self._socket.sendall(LENGTH.pack(len(data)) + data)

    def receive(self, seconds: float | None = None) -> object:
        """The next message.

        Raises:
            EOFError: the other end is gone.
            TimeoutError: nothing came for so long.
            ValueError: what came is no message (also `msgspec.DecodeError`, `msgspec.ValidationError`).
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size, deadline))
        if length > self._most:
            raise ValueError(f"a message of {length} bytes")
        return self._decode(self._exactly(length, deadline))

    def _exactly(self, length: int, deadline: float | None) -> bytearray:
        data = bytearray(length)
        view, have = memoryview(data), 0
        while have < length:
            if deadline is not None:
                self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            else:
                self._socket.settimeout(None)
            got = self._socket.recv_into(view[have:])
            if not got:
                raise EOFError
            have += got
        return data

    def close(self) -> None:
        """Closes this end."""
        self._socket.close()
