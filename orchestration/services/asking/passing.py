"""Bytes of an answer on their way to whoever takes them: the process that makes them ends with the last one taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TypeVar

from orchestration.services.asking.client import Stream
from orchestration.services.asking.download import until_closed

R = TypeVar("R")


async def open_stream(
    opening: AbstractAsyncContextManager[Stream[R]],
    *around: AbstractAsyncContextManager[None],
) -> tuple[R, AsyncIterator[bytes]]:
    """What the bytes are, and the bytes.

    Args:
        opening: asks for them.
        around: entered before, and left after the last byte, or when nobody reads on.

    Raises:
        WaybillError: what was said in place of a first byte.
    """
    async with AsyncExitStack() as stack:
        for context in around:
            await stack.enter_async_context(context)
        stream = await stack.enter_async_context(opening)
        return stream.head, until_closed(stack.pop_all(), stream.chunks)
