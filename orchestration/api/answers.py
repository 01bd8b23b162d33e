"""Answers that many routes give: work that was started, events as they come, bytes as they are made."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi.responses import StreamingResponse

LOOK_SECONDS = 0.5
"""Between two looks at what a stream tells of."""
HEARTBEAT_SECONDS = 15.0
STREAM_SECONDS = 600.0
"""After which a stream ends without `end`: the client connects again and goes on where it was."""


@dataclass(frozen=True)
class Started:
    """Work that goes on in a run (202)."""

    run_id: str
    run: str
    """Where its state is asked for."""
    events: str
    """Where its progress is told, as server-sent events."""
    dagster: str
    """The run's page in Dagster's UI."""


def started(project: str, run_id: str) -> Started:
    """The answer to what starts work."""
    run = f"/api/v1/projects/{quote(project, safe='')}/runs/{run_id}"
    return Started(run_id, run, f"{run}/events", f"/runs/{run_id}")


def event(kind: str, data: Any, *, id: str = "") -> bytes:  # noqa: A002 - as the standard has it
    """One server-sent event."""
    lines = [f"id: {id}"] if id else []
    lines += [f"event: {kind}", f"data: {json.dumps(data, default=str)}", "", ""]
    return "\n".join(lines).encode()


def event_stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    """Server-sent events, which no proxy is to keep."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def told_in_time(looks: AsyncGenerator[Sequence[bytes], None]) -> AsyncIterator[bytes]:
    """The events that each look finds; a sign of life where none has for long; its end after `STREAM_SECONDS`."""
    began = told = time.monotonic()
    async with aclosing(looks):
        async for found in looks:
            for one in found:
                yield one
            now = time.monotonic()
            if found:
                told = now
            elif now - told > HEARTBEAT_SECONDS:
                told = now
                yield b": still here\n\n"
            if now - began > STREAM_SECONDS:
                return
