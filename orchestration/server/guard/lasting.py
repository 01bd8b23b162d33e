"""What lasts: a stream or an upload that is open ends soon after whoever opened it may not come in any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

CHECK_SECONDS = 4.0
"""How long what is open may outlive a session, a token, or the user."""


async def run_while(
    is_welcome: Callable[[], Awaitable[bool]],
    may_be_cut: Callable[[], bool],
    work: Coroutine[Any, Any, None],
) -> bool:
    """Does `work`; whether it came to its end, and was not cut off.

    Args:
        is_welcome: whether whoever asked may still.
        may_be_cut: whether the work has come to a point where it may end early: what changes something is let finish.
        work: what is cut off.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("there is work outside of any task")
    is_cut = False

    async def watch() -> None:
        nonlocal is_cut
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if may_be_cut() and not await is_welcome():
                is_cut = True
                task.cancel()
                return

    watching = asyncio.create_task(watch())
    try:
        await work
    except asyncio.CancelledError:
        if not is_cut or task.uncancel():
            raise  # somebody else ends it
    finally:
        watching.cancel()
    return not is_cut
