"""Answers that many routes give: work that was started, events as they come, bytes as they are made."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi.responses import StreamingResponse


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


async def until_closed(stack: AsyncExitStack, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Chunks, and after the last of them, or when nobody reads on, the end of what they came from."""
    async with stack:
        async for chunk in chunks:
            yield chunk


def attachment(file_name: str) -> str:
    """The `Content-Disposition` of a download: no character of the name can begin another header (RFC 6266, 8187)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
