"""The first page of a project."""

from __future__ import annotations

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.visit import Visit


async def _overview(visit: Visit) -> Response:
    return await visit.render("overview.html")


ROUTES = [page("overview.show", "/", _overview)]
