"""Tests of connectors and exporters in the browser: step by step where a script listens, else all at the end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from orchestration.pages.render import TEMPLATES
from orchestration.pages.visit import Visit
from orchestration.services.asking.live import Live

MEDIA_TYPE = "application/x-ndjson"


async def shown(visit: Visit, live: Live[Any], template: str, **values: Any) -> Response:
    """The page with the result as `tested`; or, for a script, each step as a piece of HTML, a line each.

    Args:
        visit: asks for it.
        live: the test.
        template: the page.
        values: what else it shows.

    Raises:
        WaybillError: the test could not even begin.
    """
    if MEDIA_TYPE in visit.request.headers.get("accept", ""):
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_pieces(live), media_type=MEDIA_TYPE, headers=headers)
    async for _ in live:
        pass
    if live.error is not None:
        raise live.error
    return await visit.render(template, tested=live.result, **values)


async def _pieces(live: Live[Any]) -> AsyncIterator[bytes]:
    async for step in live:
        yield _line(TEMPLATES.get_template("trial/step.html").render(step=step))
    verdict = TEMPLATES.get_template("trial/verdict.html")
    error = "" if live.error is None else str(live.error)
    yield _line(verdict.render(tested=live.result, error=error))


def _line(html: str) -> bytes:
    return json.dumps({"html": html}).encode() + b"\n"
