"""Bytes of an answer on their way to the client: the process that makes them ends with the last one taken.

The same for pages and routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.responses import StreamingResponse

from orchestration.services.asking.client import Asker, Stream
from orchestration.services.asking.question import Question, Streamed

NOT_KEPT = {"Cache-Control": "no-store"}
"""For a file whose address will lead to other bytes later."""

R = TypeVar("R")


async def open_stream(
    opening: AbstractAsyncContextManager[Stream[R]],
    *around: AbstractAsyncContextManager[None],
) -> tuple[R, AsyncIterator[bytes]]:
    """What the bytes are, and the bytes.

    Args:
        opening: asks for them.
        around: entered before, and left after the last byte, or when the client has gone.

    Raises:
        WaybillError: what was said in place of a first byte.
    """
    async with AsyncExitStack() as stack:
        for context in around:
            await stack.enter_async_context(context)
        stream = await stack.enter_async_context(opening)
        return stream.head, _until_closed(stack.pop_all(), stream.chunks)


async def download(
    asker: Asker, question: Question[Streamed[str]], **arguments: Any
) -> StreamingResponse:
    """The answer of a question as a file; what it says before the bytes is the file's name.

    Raises:
        WaybillError: what is wrong, before a byte is sent.
    """
    file_name, chunks = await open_stream(asker.stream(question, str, **arguments))
    return as_file(chunks, file_name, headers=NOT_KEPT)


def as_file(
    chunks: AsyncIterator[bytes] | Iterator[str],
    file_name: str,
    *,
    media_type: str = "application/octet-stream",
    headers: Mapping[str, str] | None = None,
) -> StreamingResponse:
    """An answer that a browser saves.

    Args:
        chunks: the bytes, or texts of UTF-8.
        file_name: what it is saved as.
        media_type: of the bytes.
        headers: further ones.
    """
    own = {"Content-Disposition": attachment(file_name), "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(chunks, media_type=media_type, headers={**own, **(headers or {})})


def as_csv(lines: Iterator[str], file_name: str) -> StreamingResponse:
    """A log as a CSV file; its address will lead to other lines later."""
    return as_file(lines, file_name, media_type="text/csv; charset=utf-8", headers=NOT_KEPT)


def attachment(file_name: str) -> str:
    """The `Content-Disposition` of a download: no character of the name can begin another header (RFC 6266, 8187)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"


async def _until_closed(
    stack: AsyncExitStack, chunks: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    async with stack:
        async for chunk in chunks:
            yield chunk
