"""A question's bytes on their way to a browser or a program, as a file: the same for pages and routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

from starlette.responses import StreamingResponse

from orchestration.services.asking.client import Asker
from orchestration.services.asking.question import Question, Streamed


async def download(
    asker: Asker, question: Question[Streamed[str]], **arguments: Any
) -> StreamingResponse:
    """The answer of a question as a file; what it says before the bytes is the file's name.

    Raises:
        WaybillError: what is wrong, before a byte is sent.
    """
    stack = AsyncExitStack()
    try:
        found = await stack.enter_async_context(asker.stream(question, str, **arguments))
    except BaseException:
        await stack.aclose()
        raise
    headers = {"Content-Disposition": attachment(found.head), "Cache-Control": "no-store"}
    chunks = until_closed(stack, found.chunks)
    return StreamingResponse(chunks, media_type="application/octet-stream", headers=headers)


async def until_closed(stack: AsyncExitStack, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Chunks, and after the last of them, or when nobody reads on, the end of what they came from."""
    async with stack:
        async for chunk in chunks:
            yield chunk


def attachment(file_name: str) -> str:
    """The `Content-Disposition` of a download: no character of the name can begin another header (RFC 6266, 8187)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
