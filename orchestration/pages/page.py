"""What stands around every page: the project it is about, the right to see it, and what becomes of an error."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestration.pages.render import html
from orchestration.pages.visit import Visit
from orchestration.services.access.rights import check_right
from orchestration.services.access.visits import note_route
from orchestration.services.site.old_addresses import moved_to
from orchestration.services.site.site import site_of
from orchestration.services.statuses import status_of
from resources.kernel.errors import UnknownNameError, WaybillError

_TITLES = {403: "Not allowed", 404: "Not found", 409: "Not possible now", 410: "Not there any more"}
View = Callable[[Visit], Awaitable[Response]]
logger = logging.getLogger(__name__)


def page(use_case: str, path: str, view: View, *, methods: Sequence[str] = ("GET",)) -> Route:
    """A page, or what its form does.

    Args:
        use_case: `noun.verb`: says who may do it.
        path: below the project, with parameters: `/datasets/{name}`.
        view: makes the answer.
        methods: that it takes.
    """

    async def answer(request: Request) -> Response:
        visit: Visit | None = None
        note_route(request, f"/data/{{project}}{path}")
        try:
            project = await site_of(request.app.state).projects.get(request.path_params["project"])
            visit = Visit(request, project)
            check_right(visit.actor, use_case)
            return await _asked_first(visit) or await view(visit)
        except WaybillError as error:
            place = request.url
            if isinstance(error, UnknownNameError) and (new := moved_to(place.path, place.query)):
                return RedirectResponse(new, 307)
            return await _failed(visit, error)

    return Route(f"/{{project}}{path}", answer, methods=list(methods), name=use_case)


async def _asked_first(visit: Visit) -> Response | None:
    """The page that asks whether a form is meant, if the form wants to be asked about and no script has asked."""
    given = visit.request.headers.get("content-type", "")
    if visit.request.method != "POST" or not given.startswith("application/x-www-form-urlencoded"):
        return None
    form = await visit.form()
    question = str(form.get("ask", ""))
    if not question or form.get("confirmed"):
        return None
    hidden = ("form_token", "ask", "confirmed")
    fields = [(name, text) for name, text in form.multi_items() if name not in hidden]
    came_from = urlsplit(visit.request.headers.get("referer", "")).path
    back = came_from if came_from.startswith(f"{visit.base}/") else f"{visit.base}/"
    return await visit.render("confirm.html", question=question, fields=fields, back=back)


async def _failed(visit: Visit | None, error: WaybillError) -> Response:
    values: dict[str, Any] = {"title": "", "message": error.message, "hint": error.hint}
    status = status_of(error)
    values["title"] = _TITLES.get(status, "This did not work")
    if visit is not None:
        return await visit.render("error.html", status=status, **values)
    return html("error_alone.html", status, **values)
