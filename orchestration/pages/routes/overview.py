"""The first page of a project: what is going on, what went wrong, what comes next."""

from __future__ import annotations

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.visit import Visit
from orchestration.services.overview import show_overview


async def _overview(visit: Visit) -> Response:
    project = visit.project
    found = await visit.run(show_overview, visit.site.instance, project.snapshot, project.name)
    return await visit.render("overview.html", found=found)


ROUTES = [page("overview.show", "/", _overview)]
