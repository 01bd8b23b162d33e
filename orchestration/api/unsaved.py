"""Definitions in the body of a request, and tests that are told while they go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Header
from fastapi.responses import StreamingResponse
from pydantic import Field

from orchestration.api.answers import event, event_stream
from orchestration.services.asking.live import Live
from orchestration.services.statuses import status_of

R = TypeVar("R")
Accept = Annotated[
    str,
    Header(
        description="`text/event-stream`: each step as it ends, then the result; else the result alone."
    ),
]


@dataclass(frozen=True)
class GivenDefinition:
    """A definition that is not saved, as YAML would have it."""

    type: Annotated[
        str, Field(max_length=200, description="`resources.SqlConnector`, `assets.Exporter` ...")
    ]
    attributes: Annotated[
        dict[str, Any],
        Field(description="By name; of a secret the name of its variable, `{env: NAME}`."),
    ]


async def told(live: Live[R], accept: str) -> R | StreamingResponse:
    """The result; or, where it is asked for so, a stream of events `step`, and at the end `result` or `problem`."""
    if "text/event-stream" in accept:
        return event_stream(_events(live))
    async for _ in live:
        pass
    if live.error is not None:
        raise live.error
    assert live.result is not None  # noqa: S101 - a question ends with a result or with an error
    return live.result


async def _events(live: Live[Any]) -> AsyncIterator[bytes]:
    async for step in live:
        yield event("step", step)
    if live.error is not None:
        error = live.error
        problem = {"status": status_of(error), "detail": error.message, "hint": error.hint}
        yield event("problem", problem)
    else:
        yield event("result", msgspec.to_builtins(live.result))
