"""Asks a code location's process, from the web process: without blocking it, and hanging up when the client has gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from orchestration.services.access.actor import Actor
from orchestration.services.asking.frames import (
    DATA,
    END,
    FAILED,
    HEADER,
    RESULT,
    TOLD,
    decode_error,
    encode,
)
from orchestration.services.asking.question import Question, Streamed
from resources.kernel.errors import ConnectorUnavailableError, WaybillError

GRACE_SECONDS = 5.0
"""The process itself ends a question that takes too long; this much later its answer is no longer waited for."""
R = TypeVar("R")
Tell = Callable[[Any], None]


@dataclass(frozen=True)
class Stream(Generic[R]):
    """A result and the bytes behind it.

    Args:
        head: what the bytes are.
        chunks: the bytes; raises when they were cut off.
    """

    head: R
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True)
class Asker:
    """Asks the process of one code location.

    Args:
        socket: where it listens.
        actor: on whose behalf.
    """

    socket: Path
    actor: Actor

    async def ask(self, question: Question[R], *, tell: Tell | None = None, **arguments: Any) -> R:
        """The answer.

        Args:
            question: what is asked.
            tell: hears what happens meanwhile.
            arguments: plain values.

        Raises:
            WaybillError: what the answering function raised, or that no process answers.
        """
        async with self._asked(question, arguments) as reader:
            payload = await _result(reader, question, tell)
        return msgspec.json.decode(payload, type=question.kind)

    @asynccontextmanager
    async def stream(
        self, question: Question[Streamed[R]], kind: type[R], **arguments: Any
    ) -> AsyncIterator[Stream[R]]:
        """The answer of a question that has bytes behind it; leaving the context ends its process.

        Raises:
            WaybillError: as `ask`; also while the bytes are read.
        """
        async with self._asked(question, arguments) as reader:
            head = msgspec.json.decode(await _result(reader, question, None), type=kind)
            yield Stream(head, _chunks(reader, question))

    @asynccontextmanager
    async def _asked(
        self, question: Question[Any], arguments: dict[str, Any]
    ) -> AsyncIterator[asyncio.StreamReader]:
        request = {
            "action": "ask",
            "run_id": "",
            "question": question.name,
            "arguments": arguments,
            "actor": asdict(self.actor),
        }
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket)
        except OSError as error:
            raise _unanswered(question, "its process does not run") from error
        try:
            writer.write(encode(request) + b"\n")
            await writer.drain()
            yield reader
        except (OSError, asyncio.IncompleteReadError) as error:
            raise _unanswered(question, "its process ended") from error
        finally:
            writer.close()


async def _result(
    reader: asyncio.StreamReader, question: Question[Any], tell: Tell | None
) -> bytes:
    async with asyncio.timeout(question.seconds + GRACE_SECONDS):
        while True:
            kind, payload = await _read(reader)
            if kind == RESULT:
                return payload
            if kind == FAILED:
                raise decode_error(payload)
            if kind == TOLD and tell is not None:
                tell(msgspec.json.decode(payload))


async def _chunks(reader: asyncio.StreamReader, question: Question[Any]) -> AsyncIterator[bytes]:
    try:
        while True:
            kind, payload = await _read(reader)
            if kind == DATA:
                yield payload
            elif kind == FAILED:
                raise decode_error(payload)
            elif kind == END:
                return
    except (OSError, asyncio.IncompleteReadError) as error:
        raise _unanswered(question, "its process ended before all was sent") from error


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind, size = HEADER.unpack(await reader.readexactly(HEADER.size))
    return kind, await reader.readexactly(size)


def _unanswered(question: Question[Any], why: str) -> WaybillError:
    return ConnectorUnavailableError(
        f"{question.name}: the code location does not answer: {why}",
        hint="Try again; if it stays so, the log in the home folder's logs/ says why",
    )
