"""The first page of a project: what is going on, what went wrong, what is stale, what comes next."""

from __future__ import annotations

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.visit import Visit
from orchestration.services.site.overview import overview_of


async def _overview(visit: Visit) -> Response:
    found = await visit.run(overview_of, visit.site, visit.project)
    return await visit.render("overview.html", found=found)


ROUTES = [page("overview.show", "/", _overview)]
