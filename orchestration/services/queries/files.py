"""A result as a file on its way from the process that answers to whoever takes it, written down while it lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from orchestration.services.asking.client import Stream
from orchestration.services.queries.download import ResultFile
from orchestration.services.queries.history import QueryLog
from orchestration.services.queries.record import Asked, recorded_while


async def open_file(
    log: QueryLog, asked: Asked, opening: AbstractAsyncContextManager[Stream[ResultFile]]
) -> tuple[ResultFile, AsyncIterator[bytes]]:
    """What the bytes are, and the bytes; the query ends with them, or when nobody reads on.

    Args:
        log: where it is written down.
        asked: the query.
        opening: asks for the file.

    Raises:
        ConflictError: too many queries run already.
        WaybillError: what the query raised before its first byte.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(recorded_while(log, asked))
        stream = await stack.enter_async_context(opening)
        return stream.head, _until_closed(stack.pop_all(), stream.chunks)


async def _until_closed(
    stack: AsyncExitStack, chunks: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    async with stack:
        async for chunk in chunks:
            yield chunk
